#pragma once

#include <certherd/preflight/examine.hpp>

#include <string>
#include <utility>
#include <vector>

namespace certherd::preflight {

/// Gathers the Findings of one Domain.
class Findings {
public:
  explicit Findings(std::string domain) : domain_(std::move(domain)) {}

  void info(Finding::Topic topic, std::string_view seen);
  void warning(Finding::Topic topic, std::string_view seen, std::string_view fix);
  void blocking(Finding::Topic topic, std::string_view seen, std::string_view fix);
  /// A warning unless it is certain.
  void blocking_if(bool certain, Finding::Topic topic, std::string_view seen, std::string_view fix);

  std::vector<Finding> take() { return std::move(list_); }

private:
  void add(Finding::Severity severity, Finding::Topic topic, std::string_view seen, std::string_view fix);

  std::string domain_;
  std::vector<Finding> list_;
};

// One for each topic.
void examine_zone(const Question& question, Findings& findings);
void examine_servers(const Question& question, Findings& findings);
void examine_delegation(const Question& question, Findings& findings);
void examine_scope(const Question& question, Findings& findings);
void examine_caa(const Question& question, Findings& findings);
void examine_horizon(const Question& question, Findings& findings);

/// Whether the first alias is made by a wildcard and the plugin does not follow it: what it writes at the challenge
/// name takes that name out of the wildcard's reach (RFC 4592 §2.2.1), and the aliases lead nowhere any more.
bool writing_ends_the_wildcard(const Question& question);

/// Whether what stands at the end of the chain is surely where the CA will look: a wildcard's alias may vanish.
bool chain_is_certain(const DomainFacts& facts);

}  // namespace certherd::preflight
