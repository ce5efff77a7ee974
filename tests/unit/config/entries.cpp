#include <ostream>

#include <doctest/doctest.h>

#include "loaded.hpp"

using namespace certherd;
using namespace certherd::test;

TEST_SUITE("config/entries") {
  TEST_CASE("credentials twice, or as a file for a provider of the environment") {
    const Loaded loaded(head + R"(accounts:
  a: {provider: cloudflare, credentials_file: a.ini, credentials: {dns_cloudflare_api_token: x}}
  b: {provider: route53, credentials_file: b.ini}
  c: {provider: cloudflare, credentials: {dns_cloudflare_api_token: {file: a, env: B}}}
  d: {provider: cloudflare, credentials: {dns_cloudflare_api_token: [a]}}
)");
    CHECK(loaded.faults() ==
          Texts{"3:67 account 'a' has both credentials and credentials_file; keep one of them",
                "4:6 provider 'route53' reads its credentials from the environment, not from a file; write them under "
                "'credentials', each as {file: PATH} if you like",
                "5:69 'dns_cloudflare_api_token' of account 'c' needs exactly one of file, env and systemd_credential",
                "6:69 'dns_cloudflare_api_token' of account 'd' needs a value or a source, and this is a list; write a "
                "value, "
                "{file: PATH}, {env: NAME} or {systemd_credential: NAME}"});
  }

  TEST_CASE("hooks: exactly one of command and webhook, an absolute path, known events, a unit") {
    const Loaded loaded(head + R"(hooks:
  a: {command: [/bin/true], webhook: https://x.example/}
  b: {}
  c: {command: [systemctl, reload, nginx]}
  d: {command: /bin/true}
  e: {command: [/bin/true], on: [deploy]}
  f: {command: [/bin/true], timeout: 30}
  g: {webhook: chat.example.com}
  h: {command: []}
)");
    CHECK(loaded.faults() ==
          Texts{"3:3 hook 'a' needs either a command or a webhook", "4:3 hook 'b' needs either a command or a webhook",
                "5:16 the command of hook 'c' must begin with an absolute path; a service has no PATH that could be "
                "relied on; "
                "'command -v systemctl' prints it",
                "6:16 'command' of hook 'd' must be a list, and this is a single value; write it in brackets: command: "
                "[...]",
                "7:33 'deploy' is not an event; did you mean 'deployed'?",
                "8:38 'timeout' of hook 'f': '30' is not a duration: the unit is missing; write a whole number and s, "
                "m, h or d: "
                "30s, 10m, 2h, 5d",
                "9:16 the webhook of hook 'g' must be an http or https URL", "10:3 the command of hook 'h' is empty"});
  }

  TEST_CASE("a private CA needs its https URL") {
    const Loaded loaded(head + "cas:\n  a: {ca_bundle: x.pem}\n  b: {server: 'http://localhost/dir'}\n");
    CHECK(loaded.faults() ==
          Texts{"3:6 CA 'a' needs the key 'server'",
                "4:15 the server of CA 'b' must be an https URL; ACME is spoken over HTTPS only (RFC 8555 "
                "§6.1)"});
  }
}
