#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/settings.hpp>

#include <string>

namespace certherd::providers {

/// The value as it is now: a literal, a file or systemd credential without one trailing newline, or a variable of our
/// environment. systemd puts credentials in $CREDENTIALS_DIRECTORY (systemd.exec(5), LoadCredential=). The Fault names
/// the place, has no mark, and never holds the value.
Result<std::string> resolve_value(const ValueSource& source);

}  // namespace certherd::providers
