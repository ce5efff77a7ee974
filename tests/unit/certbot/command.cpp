#include <certherd/certbot/command.hpp>

#include <ostream>

#include <doctest/doctest.h>

using namespace certherd;
using namespace certherd::certbot;

namespace {

using Words = std::vector<std::string>;

/// What a test may change before it asks for the command.
struct Wish {
  Certificate certificate;
  Provider provider;
  Ca ca;
  CertbotHost host;
  bool force = false;
  bool exists = false;
  bool key_changes = false;
  Environment credential_environment;

  Wish() {
    certificate.name = "example.com";
    certificate.domains = {"example.com", "*.example.com"};
    certificate.mark = {"certherd.yaml", 12, 5};
    provider.id = "cloudflare";
    provider.authenticator = "dns-cloudflare";
    provider.credentials_flag = "--dns-cloudflare-credentials";
    provider.propagation_flag = "--dns-cloudflare-propagation-seconds";
    ca.id = "letsencrypt";
    ca.server = "https://acme.example/directory";
    host = {"/usr/bin/certbot", "", {2, 1, 0}, "/s/certbot/example.com", {{"PATH", "/usr/bin:/bin"}}, {}};
  }

  Result<CertbotCommand> ask() const {
    return issue_command({host,
                          certificate,
                          provider,
                          ca,
                          {"--dns-cloudflare-credentials", "/run/c.ini"},
                          credential_environment,
                          Seconds(30),
                          force,
                          exists,
                          key_changes});
  }

  Words arguments() const { return ask().or_throw().arguments; }
};

/// The arguments that every issue begins with, up to the key.
Words head() {
  return {"certonly",
          "--non-interactive",
          "-v",
          "--cert-name",
          "example.com",
          "-d",
          "example.com",
          "-d",
          "*.example.com",
          "--config-dir",
          "/s/certbot/example.com/config",
          "--work-dir",
          "/s/certbot/example.com/work",
          "--logs-dir",
          "/s/certbot/example.com/logs",
          "--max-log-backups",
          "0",
          "--no-directory-hooks",
          "--server",
          "https://acme.example/directory",
          "--authenticator",
          "dns-cloudflare",
          "--dns-cloudflare-credentials",
          "/run/c.ini",
          "--dns-cloudflare-propagation-seconds",
          "30"};
}

/// … and that every issue ends with.
Words tail() {
  return {"--installer", "", "--configurator", "", "--preferred-challenges", "dns-01", "--pre-hook", "",
          "--post-hook", "", "--deploy-hook",  "", "--renew-hook",           ""};
}

Words whole(const Words& middle, Words start = head()) {
  start.insert(start.end(), middle.begin(), middle.end());
  const Words end = tail();
  start.insert(start.end(), end.begin(), end.end());
  return start;
}

const Words ecdsa{"--key-type", "ecdsa", "--elliptic-curve", "secp256r1"};

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

TEST_SUITE("certbot/command") {
  TEST_CASE("a first issue") {
    CHECK(Wish().arguments() == whole(with(ecdsa, {"--no-reuse-key", "--preferred-chain", ""})));
  }

  TEST_CASE("a forced renewal of an existing certificate, whose domains may have changed") {
    Wish wish;
    wish.exists = true;
    wish.force = true;
    CHECK(wish.arguments() == whole(with(ecdsa, {"--no-reuse-key", "--preferred-chain", "", "--renew-with-new-domains",
                                                 "--force-renewal"})));
  }

  TEST_CASE("an RSA key, and a larger curve") {
    Wish rsa;
    rsa.certificate.key_type = KeyType::rsa;
    rsa.certificate.rsa_key_size = 4096;
    CHECK(rsa.arguments() ==
          whole({"--key-type", "rsa", "--rsa-key-size", "4096", "--no-reuse-key", "--preferred-chain", ""}));
    Wish curve;
    curve.certificate.elliptic_curve = "secp384r1";
    CHECK(curve.arguments() ==
          whole({"--key-type", "ecdsa", "--elliptic-curve", "secp384r1", "--no-reuse-key", "--preferred-chain", ""}));
  }

  TEST_CASE("a changed key forces the renewal, since certbot would only notice a changed type") {
    Wish wish;
    wish.exists = true;
    wish.key_changes = true;
    CHECK(wish.arguments() == whole(with(ecdsa, {"--no-reuse-key", "--preferred-chain", "", "--renew-with-new-domains",
                                                 "--force-renewal"})));
  }

  TEST_CASE("a reused key; a new one when it has to change once") {
    Wish wish;
    wish.certificate.reuse_key = true;
    CHECK(wish.arguments() == whole(with(ecdsa, {"--reuse-key", "--preferred-chain", ""})));
    wish.exists = true;
    wish.key_changes = true;
    CHECK(wish.arguments() == whole(with(ecdsa, {"--reuse-key", "--new-key", "--preferred-chain", "",
                                                 "--renew-with-new-domains", "--force-renewal"})));
  }

  TEST_CASE("a preferred chain, a profile and further arguments") {
    Wish wish;
    wish.host.version = {4, 0, 0};
    wish.certificate.preferred_chain = "ISRG Root X1";
    wish.certificate.profile = "shortlived";
    wish.certificate.certbot_args = {"--issuance-timeout", "300"};
    CHECK(wish.arguments() == with(whole(with(ecdsa, {"--no-reuse-key", "--preferred-chain", "ISRG Root X1",
                                                      "--required-profile", "shortlived"})),
                                   {"--issuance-timeout", "300"}));
  }

  TEST_CASE("a profile with a certbot that knows none is a fault that names the version") {
    Wish wish;
    wish.certificate.profile = "shortlived";
    const auto refused = wish.ask();
    REQUIRE_FALSE(refused);
    CHECK(refused.fault().text() ==
          "certificate example.com wants the ACME profile 'shortlived', and certbot 2.1.0 knows none; install certbot "
          "4.0 "
          "or newer, or leave out 'profile'");
    CHECK(refused.fault().mark == wish.certificate.mark);
  }

  TEST_CASE("route53 has lost its propagation option in certbot 3.0") {
    Wish wish;
    wish.provider.propagation_flag = "--dns-route53-propagation-seconds";
    wish.provider.propagation_flag_until = Version{3, 0, 0};
    Words start = head();
    start[start.size() - 2] = "--dns-route53-propagation-seconds";
    const Words middle = with(ecdsa, {"--no-reuse-key", "--preferred-chain", ""});
    CHECK(wish.arguments() == whole(middle, start));
    wish.host.version = {3, 0, 0};
    start.resize(start.size() - 2);
    CHECK(wish.arguments() == whole(middle, start));
  }

  TEST_CASE("a plugin's constant arguments follow its own") {
    Wish wish;
    wish.provider.extra_arguments = {"--dns-cloudflare-strange", "yes"};
    CHECK(wish.arguments() ==
          whole(with({"--dns-cloudflare-strange", "yes"}, with(ecdsa, {"--no-reuse-key", "--preferred-chain", ""}))));
  }

  TEST_CASE("versions that do not work are named") {
    Wish old;
    old.host.version = {1, 32, 0};
    CHECK(old.ask().fault().text() == "certbot 1.32.0 is too old for certherd; install certbot 2.0 or newer");
    Wish plugin;
    plugin.provider.certbot_min = Version{2, 7, 0};
    CHECK(plugin.ask().fault().message ==
          "the plugin for cloudflare needs certbot 2.7.0 or newer; /usr/bin/certbot is certbot 2.1.0");
    plugin.provider.certbot_min.reset();
    plugin.provider.certbot_below = Version{2, 0, 0};
    CHECK(plugin.ask().fault().message ==
          "the plugin for cloudflare does not work with certbot 2.0.0 and newer; /usr/bin/certbot is certbot 2.1.0");
  }

  TEST_CASE("an argument that certherd decides is refused with its certificate's name and place") {
    Wish wish;
    wish.certificate.certbot_args = {"--serv=https://other.example"};
    const auto refused = wish.ask();
    REQUIRE_FALSE(refused);
    CHECK(refused.fault().text() ==
          "certificate example.com, certbot_args: '--serv' (--server) is for certherd to decide; configure it under "
          "'cas' "
          "instead");
    CHECK(refused.fault().mark == wish.certificate.mark);
  }

  TEST_CASE("the environment is explicit, private and in UTC") {
    const Environment expected{{"TZ", "UTC"},
                               {"LC_ALL", "C.UTF-8"},
                               {"PYTHONUNBUFFERED", "1"},
                               {"HOME", "/s/certbot/example.com/work"},
                               {"XDG_CONFIG_HOME", "/s/certbot/example.com/work/.config"},
                               {"TMPDIR", "/s/certbot/example.com/work"},
                               {"PATH", "/usr/bin:/bin"}};
    CHECK(Wish().ask().or_throw().environment == expected);
  }

  TEST_CASE("a trust bundle, credentials and proxies reach the environment; certherd's own values win") {
    Wish wish;
    wish.host.trust.bundle = "/run/bundle.pem";
    wish.host.environment = {{"https_proxy", "http://proxy:3128"}, {"TZ", "Europe/Berlin"}};
    wish.credential_environment = {{"AWS_SECRET_ACCESS_KEY", "s3cret"}};
    const Environment expected{{"TZ", "UTC"},
                               {"LC_ALL", "C.UTF-8"},
                               {"PYTHONUNBUFFERED", "1"},
                               {"HOME", "/s/certbot/example.com/work"},
                               {"XDG_CONFIG_HOME", "/s/certbot/example.com/work/.config"},
                               {"TMPDIR", "/s/certbot/example.com/work"},
                               {"REQUESTS_CA_BUNDLE", "/run/bundle.pem"},
                               {"SSL_CERT_FILE", "/run/bundle.pem"},
                               {"AWS_SECRET_ACCESS_KEY", "s3cret"},
                               {"https_proxy", "http://proxy:3128"}};
    const auto command = wish.ask().or_throw();
    CHECK(command.environment == expected);
    CHECK(command.shown.find("s3cret") == std::string::npos);
  }

  TEST_CASE("the command is shown as a shell would need it typed") {
    CHECK(shell_quoted({"/usr/bin/certbot", "-d", "*.example.com", "", "it's"}) ==
          "/usr/bin/certbot -d '*.example.com' '' 'it'\\''s'");
    CHECK(Wish().ask().or_throw().shown.starts_with(
        "/usr/bin/certbot certonly --non-interactive -v --cert-name example.com -d example.com -d '*.example.com' "));
  }

  TEST_CASE("registration with and without a contact") {
    Wish wish;
    const Words directories{"--config-dir",
                            "/s/certbot/example.com/config",
                            "--work-dir",
                            "/s/certbot/example.com/work",
                            "--logs-dir",
                            "/s/certbot/example.com/logs",
                            "--max-log-backups",
                            "0",
                            "--no-directory-hooks",
                            "--server",
                            "https://acme.example/directory"};
    const Words start{"register", "--non-interactive", "-v", "--agree-tos", "--no-eff-email"};
    CHECK(register_command({wish.host, wish.ca, {}}).or_throw().arguments ==
          with(with(start, {"--register-unsafely-without-email"}), directories));
    wish.ca.email = "hostmaster@example.com";
    CHECK(register_command({wish.host, wish.ca, {}}).or_throw().arguments ==
          with(with(start, {"--email", "hostmaster@example.com"}), directories));
  }

  TEST_CASE("external account binding comes from a file, and is missed") {
    Wish wish;
    wish.ca.eab = ExternalAccount{"kid-1", {}};
    const auto command = register_command({wish.host, wish.ca, "/run/eab.ini"}).or_throw();
    REQUIRE(command.arguments.size() > 2);
    CHECK(Words(command.arguments.end() - 2, command.arguments.end()) == Words{"--config", "/run/eab.ini"});
    CHECK(command.shown.find("kid-1") == std::string::npos);
    CHECK(register_command({wish.host, wish.ca, {}}).fault().message ==
          "CA letsencrypt wants external account binding and its key could not be given");
  }

  TEST_CASE("the file of an external account binding") {
    CHECK(external_account_config("kid-1", "zWNDZM6eQGHWpS-_").or_throw() ==
          "eab-kid = kid-1\neab-hmac-key = zWNDZM6eQGHWpS-_\n");
    CHECK_FALSE(external_account_config("", "abc"));
    CHECK_FALSE(external_account_config("kid\nserver = https://evil.example", "abc"));
    CHECK_FALSE(external_account_config("kid", "[a, b]"));
  }
}
