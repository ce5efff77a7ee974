#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd {

/// One result of the preflight check of one Domain.
struct Finding {
  enum class Severity {
    info,     ///< how it is
    warning,  ///< may fail because of this
    blocking  ///< will certainly fail: an order would be wasted
  };
  /// What it is about; as text part of the JSON output and the audit log.
  enum class Topic { zone, servers, caa, scope, delegation, horizon, dns };

  Severity severity = Severity::info;
  Topic topic = Topic::dns;
  std::string domain;
  std::string seen;  ///< one sentence: what was seen where
  std::string fix;   ///< one sentence: what to do; empty for info
};

std::string_view to_string(Finding::Severity severity);  ///< "info", "warning", "blocking"
std::string_view to_string(Finding::Topic topic);
std::optional<Finding::Severity> parse_severity(std::string_view text);
std::optional<Finding::Topic> parse_topic(std::string_view text);

/// The worst of them; nullopt: there is none.
std::optional<Finding::Severity> worst(const std::vector<Finding>& findings);

}  // namespace certherd
