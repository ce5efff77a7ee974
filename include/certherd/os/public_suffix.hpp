#pragma once

#include <string>
#include <string_view>

namespace certherd::os {

/// The name that a registry or hosting service handed out, with which a CA's limits "per registered domain" count: one
/// label more than the longest public suffix of `name`. ICANN's rules and the private ones (github.io), as Let's
/// Encrypt uses them: "a.b.example.co.uk" → "example.co.uk", "x.github.io" → itself. "*." in front is left out, case
/// and a trailing dot do not matter. A name that is itself a public suffix is its own answer.
///
/// The list is that of the Debian package `publicsuffix`, read at first use, or the one built into libpsl where it is
/// missing. May be called by several threads.
std::string registered_domain(std::string_view name);

}  // namespace certherd::os
