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

/// The installed certbot with the directories of this certificate. The Host must have one.
certbot::CertbotHost certbot_host(const Host& host, const std::string& certificate, certbot::Trust trust);

/// One execution with the host's limits of time.
certbot::AttemptInput attempt_input(const Host& host, certbot::CertbotCommand command, std::filesystem::path transcript,
                                    Redactor redactor);

}  // namespace certherd::service
