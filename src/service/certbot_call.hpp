#pragma once

// What every call of certbot needs, whatever it is for.

#include <certherd/base/redaction.hpp>
#include <certherd/certbot/attempt.hpp>
#include <certherd/certbot/command.hpp>
#include <certherd/service/runner.hpp>

#include <filesystem>
#include <string>

namespace certherd::service {

/// "20261123T214418Z-example.com-1f3a2b": sortable by time, unique, the name of a directory.
std::string new_run_id(const std::string& certificate, TimePoint now);

/// A file with a private CA's anchors and the public ones, since the plugin talks to its provider through the same
/// trust; empty for a CA without a ca_bundle. Fault: the ca_bundle cannot be used. Throws Failed when our own file
/// cannot be written.
Result<std::filesystem::path> trust_bundle(const Paths& paths, const Ca& ca);

/// The installed certbot with the directories of this certificate. The Host must have one.
certbot::CertbotHost certbot_host(const Host& host, const std::string& certificate, std::filesystem::path trust);

/// One execution with the host's limits of time.
certbot::AttemptInput attempt_input(const Host& host, certbot::CertbotCommand command, std::filesystem::path transcript,
                                    Redactor redactor);

}  // namespace certherd::service
