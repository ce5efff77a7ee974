#include <certherd/os/file.hpp>
#include <certherd/providers/plugins_map.hpp>

#include <ostream>

#include <doctest/doctest.h>
#include <support/temp_dir.hpp>
#include <support/texts.hpp>

#include <algorithm>
#include <set>

using namespace certherd;
using namespace certherd::providers;
using certherd::test::TempDir;
using certherd::test::Texts;

namespace {

const std::string minimal = "authenticator: dns-x\npropagation: {default_seconds: 10}\n";

/// The faults of one file "x.yaml", each as "line:column: message; fix".
Texts faults_of(const std::string& yaml, const std::string& name = "x.yaml") {
  const TempDir directory;
  directory.write(name, yaml);
  Texts texts;
  for (const auto& fault : load_plugins_map({directory.path()}).faults) {
    REQUIRE(fault.mark);
    CHECK(fault.mark->file == (directory.path() / name).string());
    texts.push_back(std::to_string(fault.mark->line) + ":" + std::to_string(fault.mark->column) + ": " + fault.text());
  }
  return texts;
}

Provider provider_of(const std::string& yaml) {
  const TempDir directory;
  directory.write("x.yaml", yaml);
  const auto loaded = load_plugins_map({directory.path()});
  REQUIRE(loaded.faults.empty());
  return loaded.providers.at("x");
}

const LoadedPluginsMap& shipped() {
  static const LoadedPluginsMap loaded = load_plugins_map({CERTHERD_SOURCE_DIR "/plugins-map"});
  return loaded;
}

}  // namespace

TEST_SUITE("providers/plugins_map") {
  TEST_CASE("every shipped entry is free of faults") {
    for (const auto& fault : shipped().faults) FAIL_CHECK(to_string(*fault.mark) << ": " << fault.text());
    CHECK(shipped().providers.size() >= 100);
  }

  TEST_CASE("the flags of every shipped entry begin with its authenticator") {
    for (const auto& [id, provider] : shipped().providers) {
      CAPTURE(id);
      const std::string own = "--" + provider.authenticator + "-";
      if (!provider.credentials_flag.empty()) CHECK(provider.credentials_flag.starts_with(own));
      if (!provider.propagation_flag.empty()) CHECK(provider.propagation_flag.starts_with(own));
    }
  }

  TEST_CASE("the keys of every shipped ini file begin with its authenticator, but for those of lego") {
    for (const auto& [id, provider] : shipped().providers) {
      if (provider.credentials_kind != CredentialsKind::ini_file) continue;
      std::string prefix = provider.authenticator + "_";
      std::replace(prefix.begin(), prefix.end(), '-', '_');
      for (const auto& key : provider.keys) {
        CAPTURE(id);
        CAPTURE(key.name);
        CHECK((key.name.starts_with(prefix) || (id == "multi" && key.pattern)));
      }
    }
  }

  TEST_CASE("every shipped ini file has a secret or points to one") {
    for (const auto& [id, provider] : shipped().providers) {
      if (provider.credentials_kind != CredentialsKind::ini_file) continue;
      CAPTURE(id);
      CHECK(std::any_of(provider.keys.begin(), provider.keys.end(),
                        [](const auto& key) { return key.secret || key.file; }));
    }
  }

  TEST_CASE("every shipped entry says how far it was verified and how long to wait") {
    for (const auto& [id, provider] : shipped().providers) {
      CAPTURE(id);
      CHECK(std::set<std::string>{"high", "medium", "low"}.contains(provider.confidence));
      CHECK((provider.default_seconds || provider.recommended_seconds));
    }
  }

  TEST_CASE("plugins that depart from the rule are described as they are") {
    const auto& map = shipped().providers;
    CHECK(map.at("azure").credentials_flag == "--dns-azure-config");
    CHECK(map.at("edgedns").credentials_flag == "--edgedns-credentials");
    CHECK(map.at("regru").credentials_flag == "--dns-credentials");
    CHECK(map.at("google").credentials_kind == CredentialsKind::json_file);
    CHECK(map.at("google").credentials_optional);
    CHECK(map.at("route53").credentials_kind == CredentialsKind::environment);
    CHECK(map.at("route53").credentials_flag.empty());
    CHECK(map.at("route53").propagation_flag_until == Version{3, 0, 0});
    CHECK(map.at("route53").wait == WaitMechanism::own_poll);
    CHECK(map.at("route53").seconds() == Seconds{0});
    CHECK(map.at("duckdns").single_txt);
    CHECK(map.at("inwx").follows_cname);
    CHECK(map.at("cloudflare").alternatives ==
          KeyAlternatives{{"dns_cloudflare_api_token"}, {"dns_cloudflare_email", "dns_cloudflare_api_key"}});
  }

  TEST_CASE("the example of the README is a good entry") {
    const std::string readme = os::read_file(CERTHERD_SOURCE_DIR "/plugins-map/README.md").value();
    const std::size_t start = readme.find("```yaml\n") + 8;
    REQUIRE(start > 8);
    const Provider provider = provider_of(readme.substr(start, readme.find("```\n", start) - start));
    CHECK(provider.authenticator == "dns-acme-corp");
    CHECK(provider.keys.size() == 2);
  }

  TEST_CASE("what is not written follows certbot's naming") {
    const Provider provider = provider_of(minimal);
    CHECK(provider.id == "x");
    CHECK(provider.title == "x");
    CHECK(provider.credentials_kind == CredentialsKind::ini_file);
    CHECK(provider.credentials_flag == "--dns-x-credentials");
    CHECK(provider.propagation_flag == "--dns-x-propagation-seconds");
    CHECK(provider.wait == WaitMechanism::fixed_sleep);
    CHECK(provider.seconds() == Seconds{10});
    CHECK(provider.confidence.empty());
  }

  TEST_CASE("everything that can be written is read") {
    const Provider provider = provider_of(
        "title: X\nauthenticator: x\ndebian_package: d\npypi_package: p\n"
        "credentials:\n  kind: ini\n  flag: --x-config\n  optional: true\n"
        "  keys:\n    x_a: {required: true, secret: true, file: true, description: first}\n    x_z*: {}\n    x_b:\n"
        "  one_of: [[x_a], [x_b]]\n"
        "propagation: {flag: none, flag_until: 3.1, default_seconds: 5, recommended_seconds: 7, wait: own_sleep}\n"
        "single_txt: true\nfollows_cname: true\nown_zone: true\ncertbot: {min: 2.0, below: 4.0}\nextra_arguments: "
        "[--x-mode, strict]\n"
        "confidence: low\nnote: n\n");
    CHECK(provider.title == "X");
    CHECK(provider.debian_package == "d");
    CHECK(provider.pypi_package == "p");
    CHECK(provider.credentials_flag == "--x-config");
    CHECK(provider.credentials_optional);
    REQUIRE(provider.keys.size() == 3);
    CHECK(provider.keys[0].name == "x_a");
    CHECK(provider.keys[0].required);
    CHECK(provider.keys[0].secret);
    CHECK(provider.keys[0].file);
    CHECK(provider.keys[0].description == "first");
    CHECK(provider.keys[1].name == "x_z");
    CHECK(provider.keys[1].pattern);
    CHECK_FALSE(provider.keys[2].pattern);
    CHECK(provider.alternatives == KeyAlternatives{{"x_a"}, {"x_b"}});
    CHECK(provider.propagation_flag.empty());
    CHECK(provider.propagation_flag_until == Version{3, 1, 0});
    CHECK(provider.default_seconds == Seconds{5});
    CHECK(provider.seconds() == Seconds{7});
    CHECK(provider.wait == WaitMechanism::own_sleep);
    CHECK(provider.single_txt);
    CHECK(provider.follows_cname);
    CHECK(provider.own_zone);
    CHECK(provider.certbot_min == Version{2, 0, 0});
    CHECK(provider.certbot_below == Version{4, 0, 0});
    CHECK(provider.extra_arguments == std::vector<std::string>{"--x-mode", "strict"});
    CHECK(provider.confidence == "low");
    CHECK(provider.note == "n");
  }

  TEST_CASE("what the provider can be asked is read") {
    const std::string keys = minimal + "credentials: {keys: {x_user: {}, x_token: {}}}\n";
    const Provider provider = provider_of(keys +
                                          "zone_list:\n"
                                          "  - {url: 'https://x.test/{x_user}?p={page}', headers: {A: 'B {x_token}'}, "
                                          "names: 'a[].n', pages: b.c, denials: [403, 404]}\n"
                                          "  - {url: 'http://127.0.0.1:1/', names: '[]', denials: []}\n"
                                          "  - {url: 'https://x.test/', names: 'z[]'}\n"
                                          "dynamic_update: {server: x_user, port: x_user, key_name: x_user, secret: "
                                          "x_token, algorithm: x_user}\n");
    REQUIRE(provider.zone_lists.size() == 3);
    const ZoneList& first = provider.zone_lists[0];
    CHECK(first.url == "https://x.test/{x_user}?p={page}");
    CHECK(first.headers.at("A") == "B {x_token}");
    CHECK(first.names == "a[].n");
    CHECK(first.pages == "b.c");
    CHECK(first.denials == std::vector<int>{403, 404});
    CHECK(provider.zone_lists[1].denials.empty());
    CHECK(provider.zone_lists[2].denials == std::vector<int>{401});
    REQUIRE(provider.update_keys);
    CHECK(provider.update_keys->secret == "x_token");
    CHECK_FALSE(provider_of(minimal).update_keys);
  }

  TEST_CASE("questions that could not be asked, or would show a secret") {
    const auto faults = [](const std::string& entry) {
      Texts texts;
      for (const auto& fault : faults_of(minimal + "credentials: {keys: {x_token: {}}}\n" + entry))
        texts.push_back(fault.substr(fault.find(' ') + 1));
      return texts;
    };
    const auto list = [&](const std::string& what) { return faults("zone_list: [{" + what + "}]\n"); };
    CHECK(list("url: 'http://x.test/', names: 'z[]'") ==
          Texts{"'zone_list.url' must begin with https://, not 'http://x.test/'"});
    CHECK(list("url: 'http://127.0.0.1.x.test/', names: 'z[]'").size() == 1);
    CHECK(list("url: 'https://', names: 'z[]'").size() == 1);
    CHECK(list("names: 'z[]'") == Texts{"'zone_list.url' must begin with https://, not ''"});
    CHECK(list("url: 'https://x.test/{x_tokem}', names: 'z[]'") ==
          Texts{"'{x_tokem}' in 'zone_list.url' names no key of the credentials, and is not {page}"});
    CHECK(list("url: 'https://x.test/', headers: {A: '{page}'}, names: 'z[]'") ==
          Texts{"'{page}' in 'zone_list.headers' names no key of the credentials"});
    for (const std::string path : {"", "z", "z[].a b"}) {
      CAPTURE(path);
      CHECK(list("url: 'https://x.test/', names: '" + path + "'").size() == 1);
    }
    CHECK(list("url: 'https://x.test/{page}', names: 'z[]', pages: 'z[]'").size() == 1);
    CHECK(list("url: 'https://x.test/', names: 'z[]', pages: a") ==
          Texts{"'zone_list.pages' has no meaning without {page} in 'zone_list.url'"});
    CHECK(list("url: 'https://x.test/', names: 'z[]', denials: [200]") ==
          Texts{"'zone_list.denials' must hold HTTP statuses from 400 to 499, not '200'"});
    CHECK(list("url: 'https://x.test/', names: 'z[]', name: a") ==
          Texts{"unknown key 'zone_list.name'; did you mean 'names'?"});
    CHECK(faults("zone_list: {url: a}\n") == Texts{"'zone_list' must be a list of maps"});
    CHECK(faults("zone_list: [a]\n") == Texts{"'zone_list' must be a list of maps"});
    CHECK(faults("dynamic_update: {server: x_token, port: x_token, key_name: x_token, secret: x_token}\n") ==
          Texts{"'dynamic_update.algorithm' must name a key of the credentials"});
  }

  TEST_CASE("a later directory adds entries and replaces them whole") {
    const TempDir first;
    const TempDir second;
    first.write("a.yaml", "title: old\nnote: gone\n" + minimal);
    first.write("b.yaml", minimal);
    second.write("a.yaml", "title: new\n" + minimal);
    second.write("c.yaml", minimal);
    const auto loaded = load_plugins_map({first.path(), second.path()});
    CHECK(loaded.faults.empty());
    CHECK(loaded.providers.size() == 3);
    CHECK(loaded.providers.at("a").title == "new");
    CHECK(loaded.providers.at("a").note.empty());
    CHECK(loaded.providers.at("a").mark.file == (second.path() / "a.yaml").string());
  }

  TEST_CASE("a missing directory holds no entries") {
    const auto loaded = load_plugins_map({"/nonexistent/plugins-map"});
    CHECK(loaded.providers.empty());
    CHECK(loaded.faults.empty());
  }

  TEST_CASE("an entry with a fault is left out and disables no other") {
    const TempDir directory;
    directory.write("bad.yaml", "autenticator: dns-x\n");
    directory.write("good.yaml", minimal);
    const auto loaded = load_plugins_map({directory.path()});
    CHECK_FALSE(loaded.faults.empty());
    CHECK(loaded.providers.size() == 1);
    CHECK(loaded.providers.contains("good"));
  }

  TEST_CASE("a broken entry of the administrator does not bring back the shipped one's faults or remove it") {
    const TempDir first;
    const TempDir second;
    first.write("a.yaml", "title: shipped\n" + minimal);
    second.write("a.yaml", "title: [\n");
    const auto loaded = load_plugins_map({first.path(), second.path()});
    CHECK(loaded.faults.size() == 1);
    CHECK(loaded.providers.at("a").title == "shipped");
  }

  TEST_CASE("all faults of a file are told at once, with their places and what was meant") {
    CHECK(faults_of("titel: X\nauthenticator: dns x\ncredentials:\n  kind: jsn\n  keys: {dns_x_a: {requird: true}}\n"
                    "  one_of: [[dns_x_b]]\npropagation: {default_seconds: soon}\nsingle_txt: yes\n"
                    "certbot: {min: new}\nextra_arguments: [strict]\nconfidence: hihg\n") ==
          Texts{"2:16: 'authenticator' cannot be 'dns x'",
                "4:9: 'credentials.kind' cannot be 'jsn'; it is one of ini, json, file, environment, none; did you "
                "mean 'json'?",
                "5:20: unknown key 'credentials.keys.dns_x_a.requird'; did you mean 'required'?",
                "6:11: 'credentials.one_of' names 'dns_x_b', which is not among the keys; did you mean 'dns_x_a'?",
                "7:32: 'propagation.default_seconds' must be a number of seconds up to a day, not 'soon'",
                "8:13: 'single_txt' must be true or false, not 'yes'",
                "9:16: 'certbot.min' must be a version such as 2.1.0, not 'new'",
                "10:18: 'extra_arguments' must begin with an option such as --dns-x-y",
                "11:13: 'confidence' cannot be 'hihg'; it is one of high, medium, low; did you mean 'high'?",
                "1:1: unknown key 'titel'; did you mean 'title'?"});
  }

  TEST_CASE("values of a wrong type are faults") {
    CHECK(faults_of("title: [X]\nauthenticator: dns-x\ncredentials: ini\npropagation: []\nextra_arguments: --x\n") ==
          Texts{"1:8: 'title' must be a text", "3:14: 'credentials' must be a map", "4:14: 'propagation' must be a map",
                "5:18: 'extra_arguments' must be a list of texts"});
    CHECK(faults_of("authenticator: dns-x\npropagation: {default_seconds: 1}\nextra_arguments: [[a]]\n"
                    "credentials: {keys: {dns_x_a: true}, one_of: [dns_x_a]}\n") ==
          Texts{"4:31: 'credentials.keys.dns_x_a' must be a map; write {} when there is nothing to say about the key",
                "4:47: 'credentials.one_of' must be a list of lists of key names",
                "3:19: 'extra_arguments' must hold texts only"});
  }

  TEST_CASE("a missing authenticator and a missing wait are faults") {
    CHECK(faults_of("title: X\n") ==
          Texts{"1:1: 'authenticator' is missing; write certbot's name of the plugin, as 'certbot plugins' lists it"});
    CHECK(faults_of("authenticator: dns-x\n") ==
          Texts{"1:1: 'propagation.default_seconds' is missing; write the plugin's own default, or recommended_seconds "
                "when it is not known"});
  }

  TEST_CASE("flags must look like options") {
    CHECK(faults_of("authenticator: dns-x\ncredentials: {flag: dns-x-config}\n"
                    "propagation: {flag: '--x y', default_seconds: 1}\n") ==
          Texts{"2:21: 'credentials.flag' must be an option such as --dns-x-credentials, not 'dns-x-config'",
                "3:21: 'propagation.flag' must be an option such as --dns-x-propagation-seconds or none, not '--x y'"});
  }

  TEST_CASE("keys must suit the kind of credentials") {
    const std::string wait = "propagation: {default_seconds: 1}\nauthenticator: dns-x\n";
    CHECK(faults_of(wait + "credentials: {kind: none, keys: {a: {}}}\n") ==
          Texts{"3:33: credentials of kind none have no keys"});
    CHECK(faults_of(wait + "credentials: {kind: json, keys: {a: {}, b: {}}}\n") ==
          Texts{"3:33: a credentials file of kind json or file has at most one key"});
    CHECK(faults_of(wait + "credentials: {kind: environment, flag: --dns-x-c, keys: {aws_key: {}}}\n") ==
          Texts{"3:40: 'credentials.flag' has no meaning without a credentials file",
                "3:57: 'aws_key' cannot be the name of an environment variable"});
    CHECK(faults_of(wait + "credentials: {keys: {'dns x': {}}}\n") ==
          Texts{"3:22: 'dns x' cannot be the name of a credentials key"});
  }

  TEST_CASE("file names must be ids") {
    CHECK(faults_of(minimal, "My_Provider.yaml") ==
          Texts{"1:1: the name of a provider consists of a-z, 0-9 and '-', so 'My_Provider.yaml' cannot be an entry of "
                "the plugins-map; rename the file"});
    CHECK(faults_of(minimal, "x.yml") == Texts{"1:1: entries of the plugins-map end in .yaml; rename the file"});
  }

  TEST_CASE("hidden files and other files are no entries") {
    CHECK(faults_of("x", ".x.yaml").empty());
    CHECK(faults_of("x", "README.md").empty());
  }

  TEST_CASE("a file that is no map is a fault, and so is an empty one") {
    CHECK(faults_of("- a\n") == Texts{"1:1: an entry of the plugins-map must be a map"});
    CHECK(faults_of("") == Texts{"1:1: an entry of the plugins-map must be a map"});
  }
}
