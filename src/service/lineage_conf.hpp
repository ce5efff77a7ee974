#pragma once

#include <certherd/base/result.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace certherd::service {

/// certbot's renewal/NAME.conf: what it keeps to renew a lineage.
struct LineageConf {
  std::string name;                            ///< of the file
  std::map<std::string, std::string> paths;    ///< the keys at the top: cert, privkey, chain, fullchain, version …
  std::map<std::string, std::string> options;  ///< [renewalparams]; what certbot wrote as None is left out

  /// "" for an option that is not there.
  std::string option(const std::string& key) const;
  bool is_true(const std::string& key) const { return option(key) == "True"; }
};

/// Fault: not ConfigObj, or not certbot's.
Result<LineageConf> parse_lineage_conf(std::string_view text, const std::string& name);

}  // namespace certherd::service
