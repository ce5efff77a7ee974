#include <sys/stat.h>

#include <cstdlib>
#include <ostream>

#include <support/environment_variable.hpp>

#include "sample_account.hpp"

using namespace certherd;
using namespace certherd::providers;
using namespace certherd::test;

TEST_SUITE("providers/credentials_values") {
  TEST_CASE("a value from a file loses one newline") {
    const TempDir directory;
    const auto token = directory.write("token", "abcdef\n\n", 0600);
    const auto credentials = load_credentials(from(ValueSource::Kind::file, token), one_token);
    REQUIRE(credentials);
    CHECK_FALSE(credentials->file);
    CHECK(credentials->values.at("dns_cloudflare_api_token") == "abcdef\n");
  }

  TEST_CASE("a value's file that is missing or open to others is a fault at its place") {
    CHECK(
        faults_of(from(ValueSource::Kind::file, "/nonexistent/token")) ==
        Texts{"key: account main: cannot read the file of 'dns_cloudflare_api_token', /nonexistent/token: No such file "
              "or directory"});
    const TempDir directory;
    const auto token = directory.write("token", "abcdef\n", 0644);
    CHECK(faults_of(from(ValueSource::Kind::file, token), one_token, token) ==
          Texts{"key: account main: the file of 'dns_cloudflare_api_token', FILE is open to every user of this host; "
                "chmod 600 it, and replace the secrets in it if others may have read them"});
  }

  TEST_CASE("a value that is no secret may stand in a file open to others, and a name nobody knows may be a secret") {
    const TempDir directory;
    const auto server = directory.write("server", "192.0.2.53\n", 0644);
    const Provider with_server = provider({key("dns_cloudflare_server", true, false)});
    const auto credentials =
        load_credentials(from(ValueSource::Kind::file, server, "dns_cloudflare_server"), with_server);
    REQUIRE(credentials);
    CHECK(credentials->values.at("dns_cloudflare_server") == "192.0.2.53");
    const auto faults = faults_of(from(ValueSource::Kind::file, server, "dns_cloudflare_tokne"), with_server, server);
    REQUIRE(faults.size() == 3);
    CHECK(faults[1].starts_with("key: account main: the file of 'dns_cloudflare_tokne', FILE is open to every user"));
  }

  TEST_CASE("a source that gives nothing is a fault, also of a key that could be absent") {
    const EnvironmentVariable set("CERTHERD_TEST_TOKEN", "");
    const Provider optional = provider({key("dns_cloudflare_api_token", false)});
    CHECK(faults_of(from(ValueSource::Kind::env, "CERTHERD_TEST_TOKEN"), optional) ==
          Texts{"key: account main: 'dns_cloudflare_api_token': the environment variable CERTHERD_TEST_TOKEN is "
                "empty"});
  }

  TEST_CASE("a value from the environment") {
    CHECK(
        faults_of(from(ValueSource::Kind::env, "CERTHERD_TEST_TOKEN")) ==
        Texts{"key: account main: 'dns_cloudflare_api_token': the environment variable CERTHERD_TEST_TOKEN is not set; "
              "set it where certherd is started"});
    const EnvironmentVariable set("CERTHERD_TEST_TOKEN", "abcdef");
    const auto credentials = load_credentials(from(ValueSource::Kind::env, "CERTHERD_TEST_TOKEN"), one_token);
    REQUIRE(credentials);
    CHECK(credentials->values.at("dns_cloudflare_api_token") == "abcdef");
  }

  TEST_CASE("a systemd credential") {
    const Account source = from(ValueSource::Kind::systemd_credential, "cf");
    ::unsetenv("CREDENTIALS_DIRECTORY");
    CHECK(faults_of(source) ==
          Texts{"key: account main: 'dns_cloudflare_api_token': the systemd credential cf is not there: "
                "CREDENTIALS_DIRECTORY is not set; add LoadCredential=cf:/path/to/file to the certherd unit; outside "
                "of the unit use {file:}"});
    const TempDir directory;
    const EnvironmentVariable set("CREDENTIALS_DIRECTORY", directory.path());
    CHECK(faults_of(source) ==
          Texts{"key: account main: 'dns_cloudflare_api_token': the systemd credential cf is not there; add "
                "LoadCredential=cf:/path/to/file to the certherd unit"});
    directory.write("cf", "abcdef\n", 0400);
    CHECK(load_credentials(source, one_token)->values.at("dns_cloudflare_api_token") == "abcdef");
    CHECK(
        faults_of(from(ValueSource::Kind::systemd_credential, "../shadow")) ==
        Texts{"key: account main: 'dns_cloudflare_api_token': '../shadow' cannot be the name of a systemd credential; "
              "give the name alone, without a path"});
  }

  TEST_CASE("a second secret file is checked and its secrets are known") {
    Provider second = one_token;
    second.keys = {key("dns_cloudflare_key_file", true, false)};
    second.keys[0].file = true;
    const TempDir directory;
    const auto pem = directory.write("key.json", R"({"user": "me", "private_key": "----KEY----"})", 0600);
    const auto credentials = load_credentials(with({{"dns_cloudflare_key_file", pem}}), second);
    REQUIRE(credentials);
    CHECK(credentials->secrets == std::vector<std::string>{"----KEY----"});

    ::chmod(pem.c_str(), 0644);
    CHECK(
        faults_of(with({{"dns_cloudflare_key_file", pem}}), second, pem) ==
        Texts{
            "key: account main: the file of 'dns_cloudflare_key_file', FILE is open to every user of this host; chmod "
            "600 it, and replace the secrets in it if others may have read them"});
    CHECK(faults_of(with({{"dns_cloudflare_key_file", "key.pem"}}), second) ==
          Texts{"key: account main: 'dns_cloudflare_key_file' under 'credentials' is a relative path, and certbot does "
                "not run where that file lies; write the whole path"});
    CHECK(faults_of(with({{"dns_cloudflare_key_file", "/nonexistent"}}), second) ==
          Texts{"key: account main: cannot read the file of 'dns_cloudflare_key_file', /nonexistent: No such file or "
                "directory"});
  }
}
