#include "certbot_call.hpp"

#include <cstdlib>
#include <random>

namespace certherd::service {
namespace fs = std::filesystem;
namespace {

/// PATH is fixed, since certherd's own may be anybody's; proxies are the host's affair and pass.
certbot::Environment child_environment() {
  certbot::Environment environment{{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}};
  for (const char* name : {"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"})
    if (const char* value = std::getenv(name)) environment.emplace_back(name, value);
  return environment;
}

}  // namespace

std::string new_run_id(const std::string& certificate, TimePoint now) {
  static constexpr char digits[] = "0123456789abcdef";
  std::random_device random;
  std::string id;
  for (const char c : format_utc(now).substr(0, 19))
    if (c != '-' && c != ':') id += c;
  // Names can be as long as a file name may be; the id is one too and has more to hold.
  id += "Z-" + certificate.substr(0, 100) + "-";
  for (unsigned i = 0, bits = random(); i < 6; ++i, bits >>= 4) id += digits[bits & 15];
  return id;
}

certbot::CertbotHost certbot_host(const Host& host, const std::string& certificate, certbot::Trust trust) {
  return {host.certbot->executable, host.certbot->interpreter,
          host.certbot->version,    host.settings().paths.certbot_dir(certificate),
          child_environment(),      std::move(trust)};
}

certbot::AttemptInput attempt_input(const Host& host, certbot::CertbotCommand command, fs::path transcript,
                                    Redactor redactor) {
  certbot::AttemptInput input;
  input.engine = &host.engine;
  input.command = std::move(command);
  input.certbot_version = host.certbot->version_text;
  input.timeout = host.settings().certbot.timeout;
  input.grace = host.settings().certbot.grace;
  input.transcript = std::move(transcript);
  input.redactor = std::move(redactor);
  return input;
}

}  // namespace certherd::service
