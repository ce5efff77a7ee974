#include <certherd/base/text.hpp>
#include <certherd/ca/known_cas.hpp>
#include <certherd/providers/plugins_map.hpp>
#include <certherd/service/configuration.hpp>
#include <certherd/service/import_certbot.hpp>
#include <certherd/service/roster.hpp>

#include <algorithm>
#include <ostream>

#include <doctest/doctest.h>

#include "../store/pem_maker.hpp"
#include "../support/temp_dir.hpp"

using namespace certherd;
using test::maker;
using test::now;

namespace {

const PluginsMap& providers_map() {
  static const PluginsMap map =
      providers::load_plugins_map({std::filesystem::path(CERTHERD_SOURCE_DIR) / "plugins-map"}).providers;
  return map;
}

/// certbot's directory with what a test puts there, and a configuration that knows the built-in CAs alone.
struct Bench {
  test::TempDir dir;
  Settings settings;
  std::string credentials;

  Bench() {
    for (const auto& [id, known] : ca::known_cas()) {
      settings.cas[id].id = id;
      settings.cas[id].server = known.server;
    }
    credentials = dir.write("cloudflare.ini", "dns_cloudflare_api_token = 0123456789\n", 0600).string();
    dir.write("le/renewal/README", "not a renewal file");
    std::filesystem::create_directory_symlink(std::filesystem::path(CERTHERD_SOURCE_DIR) / "plugins-map",
                                              dir.path() / "plugins-map");
  }

  std::string options(const std::string& more = "") const {
    return "[renewalparams]\naccount = 0123\nserver = https://acme-v02.api.letsencrypt.org/directory\n"
           "authenticator = dns-cloudflare\ndns_cloudflare_credentials = " +
           credentials + "\nkey_type = ecdsa\n" + more;
  }

  void lineage(const std::string& name, const test::Wish& wish, const std::string& renewal,
               const std::string& key = "P-256") {
    const auto pems = maker().set(wish, test::make_key(key));
    const std::string live = "le/live/" + name + "/";
    dir.write(live + "cert.pem", pems.cert);
    dir.write(live + "chain.pem", pems.chain);
    dir.write(live + "fullchain.pem", pems.fullchain);
    dir.write(live + "privkey.pem", pems.privkey, 0600);
    dir.write("le/renewal/" + name + ".conf", "version = 2.1.0\n" + renewal);
  }
  void lineage(const std::string& name, const std::string& more = "") {
    lineage(name, maker().wish("DNS:" + name), options(more));
  }

  service::CertbotImport read() const {
    return service::read_certbot_directory(dir.path() / "le", settings, providers_map(), now).or_throw();
  }
  /// The only certificate there is.
  service::ImportedCertificate read_one() const {
    auto import = read();
    for (const auto& remark : import.remarks)
      if (remark.left_out) throw std::runtime_error(remark.text);
    return import.certificates.at(0);
  }
  /// Why the only lineage is left out.
  std::string left_out() const {
    const auto import = read();
    if (!import.certificates.empty()) return "it goes over";
    for (const auto& remark : import.remarks)
      if (remark.left_out) return remark.text;
    return "nothing is said";
  }
  /// What config check would say of the written file.
  std::string faults_of(const service::CertbotImport& import) const {
    const auto written = dir.write("imported.yaml", service::import_yaml(import, now));
    const auto main = dir.write("certherd.yaml", "agree_tos: true\ninclude: [imported.yaml]\n");
    auto configuration = service::load_configuration(main);
    if (configuration.valid()) service::check_surroundings(configuration);
    return configuration.valid() ? "" : configuration.faults.front().text();
  }
};

std::string notes(const service::CertbotImport& import) {
  std::string text;
  for (const auto& remark : import.remarks) text += remark.text + "\n";
  return text;
}

}  // namespace

TEST_SUITE("service/import_certbot") {
  TEST_CASE("what the certificate has and what the renewal file says become one entry") {
    Bench bench;
    bench.lineage("example.com", maker().wish(),
                  bench.options("dns_cloudflare_propagation_seconds = 45\nreuse_key = True\n"
                                "preferred_chain = \"Root, X1\"\nmust_staple = True\n"
                                "renew_hook = \"systemctl reload nginx # now\"\n"),
                  "P-384");
    const auto import = bench.read();
    const Certificate wanted = bench.read_one().wanted;
    CHECK(wanted.name == "example.com");
    CHECK(wanted.domains == std::vector<std::string>{"example.com", "*.example.com"});
    CHECK(wanted.provider == "cloudflare");
    CHECK(wanted.account == "cloudflare");
    CHECK(wanted.ca == "letsencrypt");
    CHECK(wanted.propagation == Seconds(45));
    CHECK(wanted.key_type == KeyType::ecdsa);
    CHECK(wanted.elliptic_curve == "secp384r1");
    CHECK(wanted.reuse_key);
    CHECK(wanted.preferred_chain == "Root, X1");
    CHECK(wanted.certbot_args == std::vector<std::string>{"--must-staple"});
    CHECK(wanted.hooks == std::vector<std::string>{"deploy-example.com"});
    CHECK(import.hooks.at("deploy-example.com").command ==
          std::vector<std::string>{"/bin/sh", "-c", "systemctl reload nginx # now"});
    CHECK(import.accounts.at("cloudflare").zones == std::vector<std::string>{"example.com"});
    CHECK(import.accounts.at("cloudflare").credentials_file == bench.credentials);
    CHECK(import.cas.empty());
    CHECK(bench.faults_of(import) == "");
  }

  TEST_CASE("one account for each provider and credentials file, with the zones of its certificates") {
    Bench bench;
    bench.lineage("www.example.com");
    bench.lineage("both", maker().wish("DNS:example.com,DNS:*.example.org"), bench.options());
    const auto second = bench.dir.write("second.ini", "dns_cloudflare_api_token = 9876543210\n", 0600).string();
    auto other = bench.options();
    other.replace(other.find(bench.credentials), bench.credentials.size(), second);
    bench.lineage("example.net", maker().wish("DNS:example.net"), other);
    const auto import = bench.read();
    REQUIRE(import.accounts.size() == 2);
    CHECK(import.accounts.at("cloudflare").zones == std::vector<std::string>{"example.com", "example.org"});
    CHECK(import.accounts.at("cloudflare-2").zones == std::vector<std::string>{"example.net"});
    CHECK(bench.faults_of(import) == "");
  }

  TEST_CASE("an account of the configuration that covers the domains is used") {
    Bench bench;
    Account mine;
    mine.id = "mine";
    mine.provider = "cloudflare";
    mine.zones = {"example.com"};
    bench.settings.accounts["mine"] = mine;
    bench.lineage("www.example.com");
    bench.lineage("example.net");
    const auto import = bench.read();
    CHECK(import.certificates[1].wanted.account == "mine");
    CHECK(import.certificates[0].wanted.account == "cloudflare");
    CHECK(contains(notes(import), "account 'mine' of the configuration covers it and takes the place of"));
  }

  TEST_CASE("CAs: known by their address, renamed since, and unknown ones") {
    Bench bench;
    const auto with_server = [&](const std::string& server) {
      auto options = bench.options();
      const auto start = options.find("https://");
      return options.replace(start, options.find('\n', start) - start, server);
    };
    const auto add = [&](const std::string& name, const std::string& server) {
      bench.lineage(name, maker().wish("DNS:" + name), with_server(server));
    };
    add("a.example", "https://acme-staging-v02.api.letsencrypt.org/directory");
    add("b.example", "https://acme-v01.api.letsencrypt.org/directory");
    add("c.example", "https://ca.corp.example:8443/acme/dir");
    add("d.example", "https://ca.corp.example:8443/acme/dir");
    add("e.example", "https://ca.corp.example/other");
    const auto import = bench.read();
    std::vector<std::string> cas;
    for (const auto& one : import.certificates) cas.push_back(one.wanted.ca);
    CHECK(cas == std::vector<std::string>{"letsencrypt-staging", "letsencrypt", "ca.corp.example", "ca.corp.example",
                                          "ca.corp.example-2"});
    CHECK(import.cas.at("ca.corp.example").server == "https://ca.corp.example:8443/acme/dir");
    CHECK(bench.faults_of(import) == "");
  }

  TEST_CASE("the key stays that of the certificate, whatever was asked for since") {
    Bench bench;
    bench.lineage("example.com", maker().wish(), bench.options("rsa_key_size = 4096\n"), "RSA");
    const auto import = bench.read();
    CHECK(import.certificates[0].wanted.key_type == KeyType::rsa);
    CHECK(import.certificates[0].wanted.rsa_key_size == 2048);
    CHECK(contains(notes(import), "its key is rsa 2048 and stays so"));
  }

  TEST_CASE("same names: the younger one goes over, and one with another kind of key does too") {
    Bench bench;
    auto old = maker().wish();
    old.not_before -= std::chrono::hours(24 * 30);
    bench.lineage("example.com", old, bench.options());
    bench.lineage("example.com-0001", maker().wish(), bench.options());
    bench.lineage("example.com-rsa", old, bench.options(), "RSA");
    const auto import = bench.read();
    REQUIRE(import.certificates.size() == 2);
    CHECK(import.certificates[0].wanted.name == "example.com-0001");
    CHECK(import.certificates[1].wanted.name == "example.com-rsa");
    CHECK(contains(notes(import), "as example.com-0001, which is younger"));
  }

  TEST_CASE("what the renewal file of an old certbot wrote as None is not there") {
    Bench bench;
    bench.lineage("example.com", "pre_hook = None\nrenew_hook = None\nautorenew = True\n");
    const auto import = bench.read();
    CHECK(import.hooks.empty());
    CHECK(notes(import) == "");
  }

  TEST_CASE("a plugin with the name of its distribution before it") {
    Bench bench;
    auto options = bench.options();
    options.replace(options.find("dns-cloudflare"), 14, "certbot-dns-cloudflare:dns-cloudflare");
    bench.lineage("example.com", maker().wish(), options);
    CHECK(bench.read_one().wanted.provider == "cloudflare");
  }

  TEST_CASE("a copy of certbot's directory is read as it stands, and a lineage elsewhere is found") {
    Bench bench;
    const std::string away = (bench.dir.path() / "le/live/elsewhere").string();
    bench.lineage("elsewhere", maker().wish("DNS:elsewhere.example"), bench.options());
    bench.lineage("example.com", maker().wish("DNS:example.com"),
                  "cert = /nowhere/letsencrypt/live/example.com/cert.pem\n" + bench.options());
    bench.dir.write("le/renewal/moved.conf", "cert = " + away + "/cert.pem\n" + bench.options());
    std::filesystem::remove(bench.dir.path() / "le/renewal/elsewhere.conf");
    const auto import = bench.read();
    REQUIRE(import.certificates.size() == 2);
    CHECK(import.certificates[0].facts.domains == std::vector<std::string>{"example.com"});
    CHECK(import.certificates[1].facts.domains == std::vector<std::string>{"elsewhere.example"});
  }

  TEST_CASE("an expired one is left out with its entry ready") {
    Bench bench;
    auto wish = maker().wish("DNS:example.com");
    wish.not_after = now - std::chrono::hours(1);
    bench.lineage("example.com", wish, bench.options());
    CHECK(bench.left_out() ==
          "it expired at 2026-11-23 11:00 UTC; if it is still needed, take its entry into the configuration");
    const auto yaml = service::import_yaml(bench.read(), now);
    CHECK(contains(yaml, "#     - name: example.com\n#       domains: [example.com]\n"));
    CHECK(bench.faults_of(bench.read()) == "");
  }

  TEST_CASE("two TXT records at a provider that holds one") {
    Bench bench;
    const auto file = bench.dir.write("duck.ini", "dns_duckdns_token = 0123456789\n", 0600).string();
    bench.lineage("x.duckdns.org", maker().wish("DNS:x.duckdns.org,DNS:*.x.duckdns.org"),
                  "[renewalparams]\nauthenticator = dns-duckdns\ndns_duckdns_credentials = " + file + "\n");
    CHECK(contains(bench.left_out(), "holds one TXT record for a name"));
  }

  TEST_CASE("names, domains and keys that certherd refuses") {
    SUBCASE("a name") {
      Bench bench;
      bench.lineage("-x", maker().wish(), bench.options());
      CHECK(contains(bench.left_out(), "cannot be the name of a certificate"));
    }
    SUBCASE("a domain") {
      Bench bench;
      bench.lineage("a", maker().wish("DNS:under_score.example.com"), bench.options());
      CHECK(contains(bench.left_out(), "under_score"));
    }
    SUBCASE("no domain at all") {
      Bench bench;
      bench.lineage("a", maker().wish("IP:192.0.2.1"), bench.options());
      CHECK(bench.left_out() == "its certificate is for no domain");
    }
    SUBCASE("a curve") {
      Bench bench;
      bench.lineage("a", maker().wish(), bench.options(), "secp256k1");
      CHECK(contains(bench.left_out(), "which certherd does not order"));
    }
  }

  TEST_CASE("text that would break YAML or a comment stays what it is") {
    Bench bench;
    bench.lineage("example.com", "renew_hook = '''echo \"a\\b: [c] #d %e&*\" '''\nodd = x\n");
    bench.lineage("1e3", maker().wish("DNS:e.example"), bench.options());
    bench.lineage("null", maker().wish("DNS:n.example"), bench.options());
    const auto import = bench.read();
    CHECK(bench.faults_of(import) == "");
    const auto configuration = service::load_configuration(bench.dir.path() / "certherd.yaml");
    CHECK(configuration.settings.hooks.at("deploy-example.com").command.back() == "echo \"a\\b: [c] #d %e&*\" ");
    CHECK(configuration.settings.find("1e3") != nullptr);
    CHECK(configuration.settings.find("null") != nullptr);
  }

  TEST_CASE("what only left out lineages would need is not written") {
    Bench bench;
    auto wish = maker().wish("DNS:example.com");
    wish.not_after = now - std::chrono::hours(1);
    bench.lineage("example.com", wish, bench.options("renew_hook = true\n"));
    const auto import = bench.read();
    CHECK_FALSE(import.has_news());
    CHECK(import.accounts.empty());
    CHECK(import.hooks.empty());
  }

  TEST_CASE("an adopted certificate with a profile is not due because of it, and owes no earlier failure") {
    Bench bench;
    bench.lineage("example.com", "required_profile = shortlived\n");
    const auto import = bench.read();
    bench.settings.certificates.push_back(import.certificates.at(0).wanted);
    Paths& paths = bench.settings.paths;
    paths.state_dir = bench.dir.path() / "state";
    paths.store_dir = paths.state_dir / "certificates";
    paths.runtime_dir = bench.dir.path() / "run";
    paths.audit_log = bench.dir.path() / "audit.jsonl";
    auto state = service::take_state(bench.settings);
    CertificateState failed;
    failed.certificate = "example.com";
    failed.failures = 3;
    failed.failure_class = FailureClass::txt_missing;
    state.journal->save_state(failed);

    const auto adopted = service::adopt(state, bench.settings, import, {}, now);
    REQUIRE(adopted.size() == 1);
    REQUIRE(adopted[0].generation);
    auto configuration = std::make_shared<service::Configuration>();
    configuration->settings = bench.settings;
    service::Roster roster(configuration, state.journal.get());
    const service::Entry& entry = *roster.find("example.com");
    CHECK(entry.state.profile == "shortlived");
    CHECK(entry.state.failures == 0);
    CHECK(roster.decide(entry, now).action == renewal::Decision::Action::nothing);
  }

  TEST_CASE("a directory that is none of certbot's") {
    test::TempDir dir;
    const auto import = service::read_certbot_directory(dir.path(), {}, {}, now);
    REQUIRE_FALSE(import);
    CHECK(contains(import.fault().message, "has no directory 'renewal'"));
  }
}
