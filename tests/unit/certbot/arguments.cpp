#include <certherd/certbot/arguments.hpp>

#include <ostream>

#include <doctest/doctest.h>

using namespace certherd;
using namespace certherd::certbot;

namespace {

Provider cloudflare() {
  Provider provider;
  provider.id = "cloudflare";
  provider.credentials_flag = "--dns-cloudflare-credentials";
  provider.propagation_flag = "--dns-cloudflare-propagation-seconds";
  return provider;
}

std::string refusal(const std::string& argument) {
  const auto fault = refused_argument(argument, cloudflare());
  return fault ? fault->text() : "";
}

std::string ini_faults(const std::string& text) {
  std::string all;
  for (const auto& fault : cli_ini_faults(text, "/etc/letsencrypt/cli.ini"))
    all += to_string(*fault.mark) + ": " + fault.message + "\n";
  return all;
}

}  // namespace

TEST_SUITE("certbot/arguments") {
  TEST_CASE("what certherd does not decide may pass, values too") {
    for (const std::string argument : {"--issuance-timeout", "300", "--issuance-timeout=300", "--must-staple",
                                       "--debug", "-v", "-vv", "--user-agent-comment", "--verbose", "", "renew"}) {
      CAPTURE(argument);
      CHECK(refusal(argument) == "");
    }
  }

  TEST_CASE("what certherd decides is refused, with what to use instead") {
    CHECK(refusal("--cert-name") == "'--cert-name' is for certherd to decide; use 'name' instead");
    CHECK(refusal("--deploy-hook=reload") ==
          "'--deploy-hook' is for certherd to decide; configure it under 'hooks' instead");
    CHECK(refusal("--config-dir") == "'--config-dir' is for certherd to decide; leave it out");
    CHECK(refusal("--no-verify-ssl") == "'--no-verify-ssl' is for certherd to decide; use ca_bundle of the CA instead");
  }

  TEST_CASE("abbreviations that argparse would complete are seen through") {
    CHECK(refusal("--cert-na=x") == "'--cert-na' (--cert-name) is for certherd to decide; use 'name' instead");
    CHECK(refusal("--dry") == "'--dry' (--dry-run) is for certherd to decide; use the CA letsencrypt-staging instead");
    CHECK(refusal("--debug-c") == "'--debug-c' (--debug-challenges) is for certherd to decide; leave it out");
    CHECK(refusal("--dns-cloudflare-prop=1") ==
          "'--dns-cloudflare-prop' (--dns-cloudflare-propagation-seconds) is for certherd to decide; use "
          "propagation_seconds instead");
  }

  TEST_CASE("short options hide what they are") {
    CHECK(refusal("-dother.example") ==
          "'-dother.example' is a short option; write its long form, if certherd does not decide it anyway");
    CHECK(refusal("-vq") == "'-vq' is a short option; write its long form, if certherd does not decide it anyway");
    CHECK(refusal("-") == "'-' is a short option; write its long form, if certherd does not decide it anyway");
    CHECK(refusal("--") == "'--' ends certbot's options; leave it out");
  }

  TEST_CASE("another plugin cannot be chosen, another option of a plugin can be set") {
    CHECK(refusal("--dns-route53") ==
          "'--dns-route53' is for certherd to decide; use dns_provider and account instead");
    CHECK(refusal("--dns-inwx-follow-cnames") == "");
  }

  TEST_CASE("Debian's own cli.ini is harmless") {
    CHECK(ini_faults(
              "# Because we are using logrotate\nmax-log-backups = 0\n# Adjust\npreconfigured-renewal = True\n") == "");
  }

  TEST_CASE("flags in cli.ini that nothing can take back are named with their line") {
    CHECK(
        ini_faults(
            "email = a@example.com\ndry-run = True\n  staging=yes\nwebroot\nno_verify_ssl: 1\ndns-google = true\n") ==
        "/etc/letsencrypt/cli.ini:2:1: 'dry-run' is set for every certbot of this host: no certificate would be saved\n"
        "/etc/letsencrypt/cli.ini:3:3: 'staging' is set for every certbot of this host: test certificates would be "
        "issued\n"
        "/etc/letsencrypt/cli.ini:4:1: 'webroot' is set for every certbot of this host: certbot refuses a second "
        "authenticator\n"
        "/etc/letsencrypt/cli.ini:5:1: 'no-verify-ssl' is set for every certbot of this host: the CA's identity would "
        "not be checked\n"
        "/etc/letsencrypt/cli.ini:6:1: 'dns-google' is set for every certbot of this host: certbot refuses a second "
        "authenticator\n");
  }

  TEST_CASE("flags in cli.ini that are switched off are no faults") {
    CHECK(ini_faults("dry-run = False\nstaging = no\napache = 0\n; csr = x\n[section]\n") == "");
  }
}
