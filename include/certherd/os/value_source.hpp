#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/settings.hpp>

#include <string>

namespace certherd::os {

/// The value a source stands for, read now. One trailing newline of a file is dropped; anything else in it is kept.
/// systemd_credential names a file in $CREDENTIALS_DIRECTORY (systemd.exec(5), "Credentials").
///
/// Faults carry the source's mark and never the value: the file is missing, is not a regular file, may be written by
/// others (mode o+w) or, of a secret, read by them (o+r); the variable is not set; the service has no such credential;
/// the value is empty.
Result<std::string> read_value(const ValueSource& source, bool secret = true);

}  // namespace certherd::os
