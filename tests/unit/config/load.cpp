#include <ostream>

#include <doctest/doctest.h>
#include <certherd/config/load.hpp>

#include "../support/temp_dir.hpp"
#include "../support/texts.hpp"

#include <algorithm>

using namespace certherd;

namespace {

PluginsMap test_providers() {
  PluginsMap map;
  const auto add = [&](const std::string& id, CredentialsKind kind) -> Provider& {
    Provider provider;
    provider.id = id;
    provider.authenticator = "dns-" + id;
    provider.credentials_kind = kind;
    return map[id] = provider;
  };
  add("cloudflare", CredentialsKind::ini_file);
  add("rfc2136", CredentialsKind::ini_file);
  add("duckdns", CredentialsKind::ini_file).single_txt = true;
  add("route53", CredentialsKind::environment);
  add("standalone", CredentialsKind::none);
  return map;
}

const std::map<std::string, KnownCa> test_cas{{"letsencrypt", {"https://le.example/directory", false}},
                                              {"zerossl", {"https://zero.example/directory", true}}};

/// A configuration in a directory of its own, and what loading it gave.
struct Loaded {
  test::TempDir dir;
  config::LoadedConfig config;

  explicit Loaded(const std::string& text) { load(text); }
  Loaded() = default;
  void load(const std::string& text) {
    config = config::load_config(dir.write("certherd.yaml", text), test_providers(), test_cas);
  }
  /// The faults as "line:column message; fix".
  test::Texts faults() const { return texts(config.faults); }
  test::Texts warnings() const { return texts(config.warnings); }

private:
  static test::Texts texts(const std::vector<Fault>& faults) {
    test::Texts out;
    for (const auto& fault : faults) {
      std::string place;
      if (fault.mark) place = std::to_string(fault.mark->line) + ":" + std::to_string(fault.mark->column) + " ";
      out.push_back(place + fault.text());
    }
    return out;
  }
};

using test::Texts;

const std::string head = "agree_tos: true\n";
const std::string with_account =
    head + "accounts:\n  main: {provider: cloudflare, zones: [example.com], credentials_file: cf.ini}\n";

}  // namespace

TEST_SUITE("config/load") {
  TEST_CASE("a whole configuration is read") {
    const Loaded loaded(R"(email: hostmaster@example.com
agree_tos: yes
ca: lab
state_dir: state
dns: {resolvers: ["192.0.2.53:53", "[2001:db8::53]:53"], port: 5353}
certbot: {path: /opt/certbot, timeout: 20m, grace: 90s}
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

  TEST_CASE("two certificates of one name, and domains listed twice") {
    const Loaded loaded(with_account + R"(certificates:
  - {domains: [example.com, EXAMPLE.com.], dns_provider: cloudflare}
  - {domains: ["*.example.com"], dns_provider: cloudflare}
)");
    const auto faults = loaded.faults();
    REQUIRE(faults.size() == 2);
    CHECK(faults[0] == "5:29 the domain 'example.com' stands twice in this certificate; remove one of them");
    CHECK(faults[1].find("6:15 a second certificate has the name 'example.com'; the first is at ") == 0);
  }

  TEST_CASE("a name that would leave its directory is refused") {
    const Loaded loaded(with_account +
                        "certificates:\n  - {name: ../etc, domains: [example.com], dns_provider: cloudflare}\n");
    REQUIRE(loaded.faults().size() == 1);
    CHECK(loaded.faults()[0].find("'../etc' cannot be the name of a certificate") != std::string::npos);
  }

  TEST_CASE("domains that no zone of the named account covers, and the account that would") {
    const Loaded loaded(head + R"(accounts:
  a: {provider: cloudflare, zones: [example.com], credentials_file: a.ini}
  b: {provider: cloudflare, zones: [example.org], credentials_file: b.ini}
certificates:
  - {domains: [www.example.org], dns_provider: cloudflare, account: a}
  - {domains: [www.example.net], dns_provider: cloudflare}
  - {domains: [notexample.com], dns_provider: cloudflare, account: a}
)");
    CHECK(loaded.faults() == Texts{"6:69 no zone of account 'a' covers 'www.example.org'; account 'b' would cover it",
                                   "7:15 no account of provider 'cloudflare' has zones that cover every domain of this "
                                   "certificate; add the zone "
                                   "to the account that may edit it",
                                   "8:68 no zone of account 'a' covers 'notexample.com'; add the zone to the account, "
                                   "if its credentials may edit "
                                   "it"});
  }

  TEST_CASE("two accounts that fit equally well must be told apart") {
    const Loaded loaded(head + R"(accounts:
  a: {provider: cloudflare, zones: [example.com], credentials_file: a.ini}
  b: {provider: cloudflare, zones: [example.com], credentials_file: b.ini}
certificates:
  - {domains: [example.com], dns_provider: cloudflare}
)");
    CHECK(loaded.faults() ==
          Texts{"6:15 accounts 'a' and 'b' cover the domains of this certificate equally well; name one with "
                "'account:'"});
  }

  TEST_CASE("a certificate without one usable domain is not told that several accounts would fit") {
    const Loaded loaded(head + R"(accounts:
  a: {provider: cloudflare, zones: [example.com], credentials_file: a.ini}
  b: {provider: cloudflare, zones: [example.org], credentials_file: b.ini}
certificates:
  - {domains: [], dns_provider: cloudflare}
)");
    CHECK(loaded.faults() == Texts{"6:15 'domains' of this certificate is empty"});
  }

  TEST_CASE("an account of another provider") {
    const Loaded loaded(with_account +
                        "certificates:\n  - {domains: [example.com], dns_provider: rfc2136, account: main}\n");
    CHECK(loaded.faults() ==
          Texts{"5:62 account 'main' is one of provider 'cloudflare', and this certificate uses 'rfc2136'"});
  }

  TEST_CASE("providers that need no account") {
    const Loaded loaded(head +
                        "certificates:\n  - {domains: [example.com], dns_provider: route53}\n"
                        "  - {domains: [b.example.com], dns_provider: standalone}\n");
    CHECK(loaded.faults() == Texts{});
    CHECK(loaded.config.settings.certificates[0].account.empty());
  }

  TEST_CASE("a provider that holds one TXT record cannot do apex and wildcard in one order") {
    const Loaded loaded(head +
                        "accounts:\n  d: {provider: duckdns, credentials_file: d.ini}\ncertificates:\n"
                        "  - {domains: [a.duckdns.org, '*.a.duckdns.org'], dns_provider: duckdns}\n");
    CHECK(loaded.faults() ==
          Texts{"5:15 provider 'duckdns' holds one TXT record for a name, and "
                "'_acme-challenge.a.duckdns.org' would need two; split the apex and its wildcard into two "
                "certificates"});
  }

  TEST_CASE("a CA that wants external account binding and has none") {
    const Loaded loaded(with_account +
                        "certificates:\n  - {domains: [example.com], dns_provider: cloudflare, ca: zerossl}\n");
    CHECK(loaded.faults() ==
          Texts{"5:60 CA 'zerossl' registers accounts only with external account binding; add cas: {zerossl: "
                "{eab: {kid: ..., hmac_key: {file: ...}}}}"});
  }

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

  TEST_CASE("file modes are octal, and keys are nobody else's") {
    const Loaded loaded(head + "files: {key_mode: 0644, cert_mode: 9}\n");
    CHECK(loaded.faults() ==
          Texts{"2:19 'key_mode' of 'files' would let everybody read private keys; use 0600 or 0640 with a group",
                "2:36 'cert_mode' of 'files': '9' is not a file mode; write three octal digits, maybe with a zero "
                "before them: "
                "0640"});
  }

  TEST_CASE("keys that do not go together") {
    const Loaded loaded(with_account + R"(certificates:
  - {domains: [a.example.com], dns_provider: cloudflare, key_type: rsa, elliptic_curve: secp384r1}
  - {domains: [b.example.com], dns_provider: cloudflare, rsa_key_size: 4096}
  - {domains: [c.example.com], dns_provider: cloudflare, key_type: rsa, rsa_key_size: 1024}
)");
    const auto faults = loaded.faults();
    REQUIRE(faults.size() == 3);
    CHECK(faults[0].find("has an RSA key and an elliptic_curve") != std::string::npos);
    CHECK(faults[1].find("has an ECDSA key and an rsa_key_size") != std::string::npos);
    CHECK(faults[2].find("is 1024; it can be 2048 to 8192") != std::string::npos);
  }

  TEST_CASE("a private CA needs its https URL") {
    const Loaded loaded(head + "cas:\n  a: {ca_bundle: x.pem}\n  b: {server: 'http://localhost/dir'}\n");
    CHECK(loaded.faults() ==
          Texts{"3:6 CA 'a' needs the key 'server'",
                "4:15 the server of CA 'b' must be an https URL; ACME is spoken over HTTPS only (RFC 8555 "
                "§6.1)"});
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

  TEST_CASE("warnings: a wildcard's own names, and files for a group that cannot reach them") {
    const Loaded loaded(with_account + R"(files: {group: ssl-cert}
certificates:
  - {domains: ["*.example.com", www.example.com], dns_provider: cloudflare}
)");
    CHECK(loaded.faults() == Texts{});
    const auto warnings = loaded.warnings();
    REQUIRE(warnings.size() == 2);
    CHECK(warnings[0].find("gives *") == std::string::npos);
    CHECK(warnings[0].find("cannot enter /var/lib/certherd, which is closed to others") != std::string::npos);
    CHECK(warnings[1].find("'www.example.com' of this certificate is covered by '*.example.com' already") !=
          std::string::npos);
  }

  TEST_CASE("wrong shapes are named") {
    const Loaded loaded(head + "accounts: [a]\ncertificates: {a: b}\nhooks: x\ndns: 1\n");
    CHECK(loaded.faults() == Texts{"2:11 'accounts' must be a map from names to their settings",
                                   "3:15 'certificates' must be a list; begin each certificate with '- domains: [...]'",
                                   "4:8 'hooks' must be a map from names to their settings",
                                   "5:6 'dns' must be a map of keys and values, and this is a single value"});
  }
}

TEST_SUITE("config/show_fault") {
  TEST_CASE("the line, a caret below the place, and the fix") {
    test::TempDir dir;
    const auto file = dir.write("c.yaml", "agree_tos: true\nemial: a@example.com\n").string();
    CHECK(config::show_fault({"'emial' is not a key", "did you mean 'email'?", SourceMark{file, 2, 1}}) ==
          file + ":2:1: 'emial' is not a key\n    emial: a@example.com\n    ^\n    did you mean 'email'?");
  }

  TEST_CASE("a secret on the line stays hidden, the caret where it was") {
    test::TempDir dir;
    const auto file =
        dir.write("c.yaml", "a: {dns_x_api_tokn: abcdefgh, dns_x_secret: hunter2, key_type: rsa}\n").string();
    CHECK(config::show_fault({"m", "", SourceMark{file, 1, 54}}) ==
          file + ":1:54: m\n    a: {dns_x_api_tokn: abcdefgh, dns_x_secret: *******, key_type: rsa}\n    " +
              std::string(53, ' ') + "^");
  }

  TEST_CASE("without a place there is only the message") {
    CHECK(config::show_fault({"cannot read x", "", {}}) == "cannot read x");
  }
}
