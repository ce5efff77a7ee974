#include <ostream>

#include "sample_account.hpp"

using namespace certherd;
using namespace certherd::providers;
using namespace certherd::test;

TEST_SUITE("providers/credentials") {
  TEST_CASE("an account without credentials is a fault unless the plugin can do without") {
    CHECK(faults_of(account()) ==
          Texts{"account: account main: there are no credentials; set 'credentials_file' or 'credentials'"});
    Provider optional = one_token;
    optional.credentials_optional = true;
    CHECK(faults_of(account(), optional).empty());
  }

  TEST_CASE("exactly one alternative must be given whole") {
    CHECK(faults_of(with({{"dns_cloudflare_api_token", "abcdef"}}), choice).empty());
    CHECK(faults_of(with({{"dns_cloudflare_email", "a@b.c"}, {"dns_cloudflare_api_key", "abcdef"}}), choice).empty());
    CHECK(
        faults_of(with({{"dns_cloudflare_email", "a@b.c"}}), choice) ==
        Texts{"account: account main: one of these must be given whole under 'credentials': dns_cloudflare_api_token; "
              "dns_cloudflare_email with dns_cloudflare_api_key"});
    CHECK(
        faults_of(with({{"dns_cloudflare_api_token", "abcdef"}, {"dns_cloudflare_email", "a@b.c"}}), choice) ==
        Texts{"key: account main: 'dns_cloudflare_email' cannot stand beside dns_cloudflare_api_token; keep one way to "
              "log in: dns_cloudflare_api_token; dns_cloudflare_email with dns_cloudflare_api_key"});
  }

  TEST_CASE("of alternatives that contain each other the larger one is meant") {
    const Provider nested = provider({key("dns_cloudflare_a", false), key("dns_cloudflare_b", false)},
                                     {{"dns_cloudflare_a"}, {"dns_cloudflare_a", "dns_cloudflare_b"}});
    CHECK(faults_of(with({{"dns_cloudflare_a", "1"}}), nested).empty());
    CHECK(faults_of(with({{"dns_cloudflare_a", "1"}, {"dns_cloudflare_b", "2"}}), nested).empty());
  }

  TEST_CASE("a pattern stands for every key that begins so, and one of them can be required") {
    Provider zones = one_token;
    zones.keys.push_back(key("dns_cloudflare_zone", true, false));
    zones.keys.back().pattern = true;
    CHECK(faults_of(with({{"dns_cloudflare_api_token", "abcdef"}, {"dns_cloudflare_zone1", "x"}}), zones).empty());
    CHECK(faults_of(with({{"dns_cloudflare_api_token", "abcdef"}}), zones) ==
          Texts{"account: account main: 'dns_cloudflare_zone*' is missing under 'credentials'"});
  }

  TEST_CASE("an unknown key under credentials is a fault at its place") {
    CHECK(faults_of(with({{"dns_cloudflare_api_token", "abcdef"}, {"dns_cloudflare_api_tokn", "abcdef"}})) ==
          Texts{"key: account main: 'dns_cloudflare_api_tokn' is not a key of provider cloudflare; did you mean "
                "'dns_cloudflare_api_token'?"});
  }

  TEST_CASE("a JSON document is checked, from a file and from a value") {
    Provider google = one_token;
    google.credentials_kind = CredentialsKind::json_file;
    google.keys = {key("service_account")};
    const CredentialsFile good(R"({"client_email": "a@b", "private_key": "----KEY----", "token_uri": "https://x"})");
    const auto credentials = load_credentials(good.account(), google);
    REQUIRE(credentials);
    CHECK(credentials->secrets == std::vector<std::string>{"----KEY----"});
    const CredentialsFile bad("{\"private_key\": \n");
    CHECK(faults_of(bad.account(), google, bad.path) ==
          Texts{"account: account main: the JSON document in FILE is invalid: incomplete JSON; use the file as the "
                "provider made it"});
    const CredentialsFile list("[]");
    CHECK(
        faults_of(list.account(), google, list.path) ==
        Texts{
            "account: account main: the JSON document in FILE is not an object; use the file as the provider made it"});
    CHECK(faults_of(with({{"service_account", "{}"}}), google).empty());
    CHECK(faults_of(with({{"service_account", "{"}}), google).size() == 1);
  }

  TEST_CASE("environment variables come from credentials, not from a file") {
    Provider aws = one_token;
    aws.credentials_kind = CredentialsKind::environment;
    aws.keys = {key("AWS_SECRET_ACCESS_KEY")};
    CHECK(faults_of(with({{"AWS_SECRET_ACCESS_KEY", "abcdef"}}), aws).empty());
    const CredentialsFile file("x");
    CHECK(
        faults_of(file.account(), aws)[0] ==
        "account: account main: provider cloudflare takes its credentials from environment variables, not from a file; "
        "give them under 'credentials'");
  }

  TEST_CASE("credentials for a plugin that takes none are a fault") {
    Provider none = provider({});
    none.credentials_kind = CredentialsKind::none;
    CHECK(faults_of(account(), none).empty());
    CHECK(faults_of(with({{"x", "y"}}), none) ==
          Texts{"account: account main: provider cloudflare takes no credentials; remove them"});
  }

  TEST_CASE("loading with several faults tells the first and how many more") {
    const auto credentials = load_credentials(with({{"dns_cloudflare_x", "1"}}), one_token);
    REQUIRE_FALSE(credentials);
    CHECK(credentials.fault().message ==
          "account main: 'dns_cloudflare_x' is not a key of provider cloudflare (and 1 more: 'certherd config check' "
          "lists them)");
  }

  TEST_CASE("the redactor hides secrets and their basic authentication") {
    Credentials credentials;
    credentials.values = {{"user", "aladdin"}, {"pass", "opensesame"}};
    credentials.secrets = {"opensesame"};
    Redactor redactor;
    add_secrets(redactor, credentials);
    CHECK(redactor("user aladdin pass opensesame") == "user aladdin pass [redacted]");
    CHECK(redactor("Authorization: Basic YWxhZGRpbjpvcGVuc2VzYW1l") == "Authorization: Basic [redacted]");
  }
}
