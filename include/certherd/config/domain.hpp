#pragma once

#include <certherd/base/result.hpp>

#include <string>
#include <string_view>

namespace certherd::config {

/// Checks a domain for a DNS-01 certificate and gives it in lower case without a trailing dot.
/// Refused, each with its own words: non-ASCII names (the A-label of RFC 5890 must be written), underscores (CA/Browser
/// Forum Baseline Requirements §7.1.4.2.1), IP addresses (RFC 8738 §7 rules out dns-01), single labels, wildcards
/// elsewhere than as the whole first label, labels and names that are too long. The limit of a name is that of its
/// challenge name (RFC 8555 §8.4, RFC 1035 §2.3.4).
Result<std::string> normalise_domain(std::string_view text);

/// The same for a DNS zone, which may be a single label (a private "corp") and is no wildcard.
Result<std::string> normalise_zone(std::string_view text);

/// Whether a certificate, an account, a hook or a CA can have this name: it becomes the name of directories and files
/// and a word in logs. Letters, digits, '.', '-' and '_', beginning with a letter or digit, at most 237.
bool fit_as_name(const std::string& name);

}  // namespace certherd::config
