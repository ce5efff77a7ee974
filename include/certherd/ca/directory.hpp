#pragma once

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/model/settings.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::ca {

/// What an ACME directory says (RFC 8555 §7.1.1).
struct Directory {
  std::map<std::string, std::string> urls;      ///< by resource: "newOrder", "renewalInfo" …
  std::vector<std::string> caa_identities;      ///< meta.caaIdentities, lower case
  std::map<std::string, std::string> profiles;  ///< meta.profiles: name → what the CA says of it (ACME profiles)
  std::optional<TimePoint> date;                ///< the CA's clock when it answered (RFC 9110 §6.6.1)

  /// The URL of a resource; nullopt: the CA does not offer it.
  std::optional<std::string> url(const std::string& resource) const;
};

/// Asks the CA, blocking; its certificate is checked against the system's anchors and the CA's ca_bundle. Fault: not
/// reachable within `patience`, another status than 200, or no directory.
Result<Directory> fetch_directory(const Ca& ca, Seconds patience = Seconds(30));

/// What the body of the answer says. Fault: not a JSON object, or one without the "newOrder" that every ACME directory
/// has.
Result<Directory> parse_directory(std::string_view body);

}  // namespace certherd::ca
