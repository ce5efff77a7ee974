#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace certherd {

/// Replaces known secret values in text by "[redacted]". Longer secrets are replaced first, so that a secret which
/// contains another leaves no rest. Besides the value itself its percent-encoded, JSON-escaped and base64 forms are
/// replaced: provider APIs put tokens in URLs, bodies and Authorization headers, and certbot's debug log shows them.
class Redactor {
public:
  /// Values shorter than four bytes are ignored: replacing "1" everywhere would destroy the text and hide nothing.
  void add(std::string_view secret);
  /// Adds the well-known forms of "user:password" as HTTP basic authentication writes them.
  void add_basic_auth(std::string_view user, std::string_view password);
  std::string operator()(std::string_view text) const;
  bool empty() const { return secrets_.empty(); }

private:
  void add_literal(std::string form);
  std::vector<std::string> secrets_;  ///< sorted by falling length, unique
};

}  // namespace certherd
