#include <ostream>

#include <doctest/doctest.h>

#include "loaded.hpp"

using namespace certherd;
using namespace certherd::test;

TEST_SUITE("config/load") {
  TEST_CASE("a whole configuration is read") {
    const Loaded loaded(R"(email: hostmaster@example.com
agree_tos: yes
ca: lab
state_dir: state
dns: {resolvers: ["192.0.2.53:53", "[2001:db8::53]:53"], port: 5353}
certbot: {path: /opt/certbot, timeout: 20m, grace: 90s, engine: plain}
files: {owner: root, group: ssl-cert, key_mode: 0640, cert_mode: 644}
cas:
  lab: {server: "https://localhost:14000/dir", ca_bundle: lab-ca.pem}
  zerossl: {eab: {kid: abc, hmac_key: {file: zerossl.hmac}}}
accounts:
  main:
    provider: cloudflare
    zones: [Example.com]
    credentials_file: credentials/main.ini
  internal:
    provider: cloudflare
    zones: [internal.example.com]
    propagation_seconds: 20
    credentials:
      dns_cloudflare_api_token: {systemd_credential: cf-internal}
hooks:
  reload: {command: [/usr/bin/systemctl, reload, nginx], timeout: 30s}
  tell: {webhook: https://chat.example.com/hook, on: [deployed, failed]}
certificates:
  - domains: ["*.example.com", example.com]
    dns_provider: cloudflare
    account: main
    propagation_seconds: 30
    hooks: [reload, tell]
  - name: inside
    domains: [a.internal.example.com]
    dns_provider: cloudflare
    ca: zerossl
    key_type: rsa
    rsa_key_size: 4096
    preferred_chain: ISRG Root X1
    profile: shortlived
    reuse_key: on
    certbot_args: [--must-staple]
)");
    REQUIRE(loaded.faults() == Texts{});
    const Settings& settings = loaded.config.settings;
    const auto dir = loaded.dir.path();
    CHECK(settings.email == "hostmaster@example.com");
    CHECK(settings.paths.state_dir == dir / "state");
    CHECK(settings.paths.store_dir == dir / "state/certificates");
    CHECK(settings.paths.generations_dir() == dir / "state/generations");
    CHECK(settings.dns.resolvers.size() == 2);
    CHECK(settings.dns.port == 5353);
    CHECK(settings.certbot.timeout == Seconds(1200));
    CHECK(settings.cas.at("lab").ca_bundle == dir / "lab-ca.pem");
    CHECK(settings.cas.at("lab").email == "hostmaster@example.com");
    CHECK(settings.cas.at("zerossl").server == "https://zero.example/directory");
    CHECK(settings.cas.at("zerossl").eab->hmac_key.text == (dir / "zerossl.hmac").string());
    CHECK(settings.accounts.at("main").zones == Texts{"example.com"});
    CHECK(settings.accounts.at("main").credentials_file == dir / "credentials/main.ini");
    CHECK(settings.hooks.at("reload").timeout == Seconds(30));
    CHECK(settings.hooks.at("tell").on == std::vector{HookEvent::deployed, HookEvent::failed});
    REQUIRE(settings.certificates.size() == 2);
    const Certificate& first = settings.certificates[0];
    CHECK(first.name == "example.com");
    CHECK(first.domains == Texts{"*.example.com", "example.com"});
    CHECK(first.ca == "lab");
    CHECK(first.propagation == Seconds(30));
    CHECK(first.files.key_mode == 0640);
    CHECK(first.files.cert_mode == 0644);
    const Certificate& second = settings.certificates[1];
    CHECK(second.account == "internal");  // the most specific zone wins
    CHECK(second.key_type == KeyType::rsa);
    CHECK(second.rsa_key_size == 4096);
    CHECK(second.reuse_key);
    CHECK(settings.find("inside") == &second);
    CHECK(settings.find("outside") == nullptr);
  }

  TEST_CASE("every fault is reported at once, in the order of the places, with what was probably meant") {
    const Loaded loaded(R"(emial: a@example.com
agree_tos: true
ca: letsencrpyt
accounts:
  main: {provider: cloudfare, zones: [example.com], credentials_file: x.ini}
certificates:
  - domains: [example.com]
    dns_provider: cloudflare
    hooks: [relaod]
    acount: main
hooks:
  reload: {command: [/bin/true]}
)");
    CHECK(loaded.faults() ==
          Texts{"1:1 'emial' is not a key of the configuration; did you mean 'email'?",
                "3:5 'letsencrpyt' is not a CA; did you mean 'letsencrypt'?",
                "5:20 'cloudfare' is not a provider of the plugins-map; did you mean 'cloudflare'?",
                "7:14 there is no account of provider 'cloudflare' for this certificate; add one under 'accounts:'",
                "9:12 'relaod' is not a hook; did you mean 'reload'?",
                "10:5 'acount' is not a key of this certificate; did you mean 'account'?"});
  }

  TEST_CASE("values that YAML readers mangle are refused by name") {
    const Loaded loaded(with_account + R"(certificates:
  - {name: a, domains: [a.example.com], dns_provider: cloudflare, propagation_seconds: 010}
  - {name: b, domains: [b.example.com], dns_provider: cloudflare, propagation_seconds: 1e3}
  - {name: c, domains: [c.example.com], dns_provider: cloudflare, propagation_seconds: 1:30}
  - {name: d, domains: [d.example.com], dns_provider: cloudflare, propagation_seconds: 0x10}
  - {name: e, domains: [e.example.com], dns_provider: cloudflare, reuse_key: 1}
)");
    const auto faults = loaded.faults();
    REQUIRE(faults.size() == 5);
    CHECK(faults[0] ==
          "5:88 'propagation_seconds' of certificate 'a': '010' has a leading zero, which YAML 1.1 reads as "
          "octal; write a whole number from 0 to 86400 in plain decimal");
    CHECK(faults[1].find("'1e3' is a number in a form that YAML readers take differently") != std::string::npos);
    CHECK(faults[2].find("'1:30' is a number in a form") != std::string::npos);
    CHECK(faults[3].find("'0x10' is not written in decimal") != std::string::npos);
    CHECK(faults[4] == "9:78 'reuse_key' of certificate 'e' is true or false, and this is '1'");
  }

  TEST_CASE("yes and no mean true and false where a truth value is asked for, and themselves elsewhere") {
    const Loaded loaded(
        "agree_tos: yes\naccounts:\n  no: {provider: cloudflare, credentials: {dns_cloudflare_api_token: 010}}\n"
        "certificates:\n  - {domains: [on.example.com], dns_provider: cloudflare, account: no, reuse_key: off}\n");
    CHECK(loaded.faults() == Texts{});
    CHECK(loaded.config.settings.accounts.at("no").credentials.at("dns_cloudflare_api_token").text == "010");
    CHECK_FALSE(loaded.config.settings.certificates[0].reuse_key);
  }

  TEST_CASE("anchors and merge keys do what the author meant") {
    const Loaded loaded(with_account + R"(certificates:
  - &base {domains: [a.example.com], dns_provider: cloudflare, propagation_seconds: 33}
  - <<: *base
    domains: [b.example.com]
)");
    CHECK(loaded.faults() == Texts{});
    CHECK(loaded.config.settings.certificates[1].name == "b.example.com");
    CHECK(loaded.config.settings.certificates[1].propagation == Seconds(33));
  }

  TEST_CASE("terms of service that are not agreed to") {
    CHECK(Loaded("email: a@example.com\n").faults().front().find("'agree_tos' is not true") != std::string::npos);
    CHECK(Loaded("agree_tos: no\n").faults().front().find("1:12 'agree_tos' is not true") == 0);
  }

  TEST_CASE("an empty and a missing configuration") {
    CHECK(Loaded("").faults() == Texts{"1:1 the configuration is empty; README.md shows a first one"});
    const auto missing = config::load_config("/nonexistent/certherd.yaml", test_providers(), test_cas);
    REQUIRE(missing.faults.size() == 1);
    CHECK(missing.faults[0].text() == "cannot read /nonexistent/certherd.yaml: No such file or directory");
  }

  TEST_CASE("file modes are octal, and keys are nobody else's") {
    const Loaded loaded(head + "files: {key_mode: 0644, cert_mode: 9}\n");
    CHECK(loaded.faults() ==
          Texts{"2:19 'key_mode' of 'files' would let everybody read private keys; use 0600 or 0640 with a group",
                "2:36 'cert_mode' of 'files': '9' is not a file mode; write three octal digits, maybe with a zero "
                "before them: "
                "0640"});
  }

  TEST_CASE("included files take part, in order, and only definitions may stand in them") {
    Loaded loaded;
    loaded.dir.write("conf.d/10-accounts.yaml",
                     "accounts:\n  main: {provider: cloudflare, credentials_file: ../cf.ini}\n");
    loaded.dir.write("conf.d/20-certificates.yaml",
                     "email: x@example.com\ncertificates:\n  - {domains: [b.example.com], dns_provider: cloudflare}\n");
    loaded.load(head + "include: [conf.d/*.yaml, missing.yaml, none.d/*.yaml]\n");
    CHECK(loaded.config.settings.accounts.at("main").credentials_file == loaded.dir.path() / "cf.ini");
    CHECK(loaded.config.settings.certificates.size() == 1);
    const auto faults = loaded.faults();
    REQUIRE(faults.size() == 2);
    CHECK(faults[0] == "2:10 the included file " + (loaded.dir.path() / "missing.yaml").string() + " does not exist");
    CHECK(faults[1] == "1:1 'email' is not a key of an included file; known: cas, accounts, hooks, certificates");
  }

  TEST_CASE("a second definition in another file names the first") {
    Loaded loaded;
    loaded.dir.write("b.yaml", "hooks:\n  h: {command: [/bin/true]}\n");
    loaded.load(head + "include: [b.yaml]\nhooks:\n  h: {command: [/bin/false]}\n");
    REQUIRE(loaded.faults().size() == 1);
    CHECK(loaded.faults()[0].find("2:3 hook 'h' is defined a second time; the first is at ") == 0);
    CHECK(loaded.faults()[0].find("certherd.yaml:4:3") != std::string::npos);
  }

  TEST_CASE("wrong shapes are named") {
    const Loaded loaded(head + "accounts: [a]\ncertificates: {a: b}\nhooks: x\ndns: 1\n");
    CHECK(loaded.faults() == Texts{"2:11 'accounts' must be a map from names to their settings",
                                   "3:15 'certificates' must be a list; begin each certificate with '- domains: [...]'",
                                   "4:8 'hooks' must be a map from names to their settings",
                                   "5:6 'dns' must be a map of keys and values, and this is a single value"});
  }
}
