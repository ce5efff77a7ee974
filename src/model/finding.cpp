#include <certherd/base/words.hpp>
#include <certherd/model/finding.hpp>

#include <algorithm>

namespace certherd {
namespace {

constexpr Words<Finding::Severity, 3> severities{{"info", "warning", "blocking"}};
constexpr Words<Finding::Topic, 7> topics{{"zone", "servers", "caa", "scope", "delegation", "horizon", "dns"}};

}  // namespace

std::string_view to_string(Finding::Severity severity) {
  return severities.of(severity);
}

std::string_view to_string(Finding::Topic topic) {
  return topics.of(topic);
}

std::optional<Finding::Severity> parse_severity(std::string_view text) {
  return severities.parse(text);
}

std::optional<Finding::Topic> parse_topic(std::string_view text) {
  return topics.parse(text);
}

std::optional<Finding::Severity> worst(const std::vector<Finding>& findings) {
  std::optional<Finding::Severity> worst;
  for (const auto& finding : findings) worst = std::max(worst.value_or(finding.severity), finding.severity);
  return worst;
}

}  // namespace certherd
