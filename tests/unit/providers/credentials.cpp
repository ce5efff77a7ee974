#include <certherd/providers/credentials.hpp>

#include "support/temp_dir.hpp"
#include "support/texts.hpp"

#include <sys/stat.h>

#include <ostream>

#include <doctest/doctest.h>

#include <cstdlib>

using namespace certherd;
using namespace certherd::providers;
namespace fs = std::filesystem;
using certherd::test::TempDir;
using certherd::test::Texts;

namespace {

const SourceMark account_mark{"certherd.yaml", 5, 3};
const SourceMark key_mark{"certherd.yaml", 9, 7};

CredentialKey key(std::string name, bool required = true, bool secret = true) {
  CredentialKey key;
  key.name = std::move(name);
  key.required = required;
  key.secret = secret;
  return key;
}

Provider provider(std::vector<CredentialKey> keys, KeyAlternatives alternatives = {}) {
  Provider provider;
  provider.id = "cloudflare";
  provider.authenticator = "dns-cloudflare";
  provider.credentials_flag = "--dns-cloudflare-credentials";
  provider.keys = std::move(keys);
  provider.alternatives = std::move(alternatives);
  return provider;
}

const Provider one_token = provider({key("dns_cloudflare_api_token")});
const Provider choice = provider({key("dns_cloudflare_api_token", false), key("dns_cloudflare_email", false, false),
                                  key("dns_cloudflare_api_key", false)},
                                 {{"dns_cloudflare_api_token"}, {"dns_cloudflare_email", "dns_cloudflare_api_key"}});

Account account() {
  Account account;
  account.id = "main";
  account.provider = "cloudflare";
  account.mark = account_mark;
  return account;
}

Account with(std::map<std::string, std::string> literals) {
  Account result = account();
  for (auto& [name, text] : literals)
    result.credentials[name] = {ValueSource::Kind::literal, std::move(text), key_mark};
  return result;
}

Account from(ValueSource::Kind kind, std::string text, const std::string& name = "dns_cloudflare_api_token") {
  Account result = account();
  result.credentials[name] = {kind, std::move(text), key_mark};
  return result;
}

/// A private file in a directory of its own.
struct File {
  explicit File(const std::string& content, mode_t mode = 0600) : path(directory.write("c.ini", content)) {
    ::chmod(path.c_str(), mode);
  }
  Account account() const {
    Account result = ::account();
    result.credentials_file = path;
    return result;
  }
  TempDir directory;
  fs::path path;
};

Texts texts_of(const std::vector<Fault>& faults, const fs::path& hidden = {}) {
  Texts texts;
  for (const auto& fault : faults) {
    REQUIRE(fault.mark);
    std::string text = (*fault.mark == key_mark ? "key: " : "account: ") + fault.text();
    for (std::size_t at = text.find(hidden.string()); !hidden.empty() && at != std::string::npos;
         at = text.find(hidden.string()))
      text.replace(at, hidden.string().size(), "FILE");
    texts.push_back(text);
  }
  return texts;
}

Texts faults_of(const Account& account, const Provider& provider = one_token, const fs::path& hidden = {}) {
  return texts_of(check_credentials(account, provider).faults, hidden);
}

/// Sets a variable of our environment for one case.
struct Variable {
  Variable(std::string name, const std::string& value) : name(std::move(name)) {
    ::setenv(this->name.c_str(), value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name.c_str()); }
  std::string name;
};

}  // namespace

TEST_SUITE("providers/credentials") {
  TEST_CASE("a good file has no faults, and its values and secrets are known") {
    const File file("# mine\ndns_cloudflare_api_token = 'abc#def' # token\n");
    const auto check = check_credentials(file.account(), one_token);
    CHECK(check.faults.empty());
    CHECK(check.warnings.empty());
    const auto credentials = load_credentials(file.account(), one_token);
    REQUIRE(credentials);
    CHECK(credentials->file == file.path);
    CHECK(credentials->values == std::map<std::string, std::string>{{"dns_cloudflare_api_token", "abc#def"}});
    CHECK(credentials->secrets == std::vector<std::string>{"abc#def"});
  }

  TEST_CASE("an account without credentials is a fault unless the plugin can do without") {
    CHECK(faults_of(account()) ==
          Texts{"account: account main: there are no credentials; set 'credentials_file' or 'credentials'"});
    Provider optional = one_token;
    optional.credentials_optional = true;
    CHECK(faults_of(account(), optional).empty());
  }

  TEST_CASE("a missing file, a directory and a device are told apart") {
    Account missing = account();
    missing.credentials_file = "/nonexistent/c.ini";
    CHECK(
        faults_of(missing) ==
        Texts{"account: account main: cannot read the credentials file /nonexistent/c.ini: No such file or directory"});
    const TempDir directory;
    Account wrong = account();
    wrong.credentials_file = directory.path();
    CHECK(faults_of(wrong, one_token, directory.path()) ==
          Texts{"account: account main: the credentials file FILE is a directory; name the file itself"});
    wrong.credentials_file = "/dev/null";
    CHECK(faults_of(wrong) ==
          Texts{"account: account main: the credentials file /dev/null is no regular file; name the file itself"});
  }

  TEST_CASE("a file open to all users is refused, one open to its group is a warning") {
    const std::string good = "dns_cloudflare_api_token = abcdef\n";
    const File open(good, 0604);
    CHECK(
        faults_of(open.account(), one_token, open.path) ==
        Texts{"account: account main: the credentials file FILE is open to every user of this host; chmod 600 it, and "
              "replace the secrets in it if others may have read them"});
    const File group(good, 0640);
    const auto check = check_credentials(group.account(), one_token);
    CHECK(check.faults.empty());
    CHECK(texts_of(check.warnings, group.path) ==
          Texts{"account: account main: the credentials file FILE is open to its group; chmod 600 it unless that is "
                "intended"});
  }

  TEST_CASE("a file that opens and cannot be read is a fault, to root as well") {
    Account unreadable = account();
    unreadable.credentials_file = "/proc/self/mem";
    CHECK(faults_of(unreadable) == Texts{"account: account main: cannot read /proc/self/mem: Input/output error"});
  }

  TEST_CASE("syntax errors name the line and hide the text") {
    const File file("dns_cloudflare_api_token = 'secret\nsecret\n");
    CHECK(faults_of(file.account(), one_token, file.path) ==
          Texts{"account: account main: FILE line 1: a value with unbalanced quotes or stray commas; put values with "
                "special characters in quotes",
                "account: account main: FILE line 2: neither 'key = value' nor a [section]; put values with special "
                "characters in quotes"});
  }

  TEST_CASE("a misspelt key in a file is named next to the missing one") {
    const File file("dns_cloudflare_token = abcdef\n");
    const auto check = check_credentials(file.account(), one_token);
    CHECK(
        texts_of(check.faults, file.path) ==
        Texts{"account: account main: 'dns_cloudflare_api_token' is missing in FILE; rename 'dns_cloudflare_token' if "
              "that was meant"});
    CHECK(
        texts_of(check.warnings, file.path) ==
        Texts{"account: account main: FILE line 1: 'dns_cloudflare_token' is not a key of provider cloudflare; did you "
              "mean 'dns_cloudflare_api_token'?"});
  }

  TEST_CASE("a key of another plugin and one from before certbot 2 are recognised") {
    const File file("dns_hetzner_api_token = abcdef\ncertbot_x:dns_cloudflare_api_token = abcdef\n");
    CHECK(texts_of(check_credentials(file.account(), one_token).warnings, file.path) ==
          Texts{"account: account main: FILE line 2: 'certbot_x:dns_cloudflare_api_token' is not a key of provider "
                "cloudflare; write 'dns_cloudflare_api_token': certbot 2.0 ended the form with a colon",
                "account: account main: FILE line 1: 'dns_hetzner_api_token' is not a key of provider cloudflare; the "
                "keys of dns-cloudflare begin with 'dns_cloudflare_'"});
  }

  TEST_CASE("a bare token that looks like a key is not shown") {
    const File file("c2VjcmV0LXRva2Vu==\n");
    const auto check = check_credentials(file.account(), one_token);
    for (const auto& text : texts_of(check.faults)) CHECK(text.find("c2VjcmV0") == std::string::npos);
    CHECK(texts_of(check.warnings, file.path) ==
          Texts{"account: account main: FILE line 1: this is not a key of provider cloudflare; the keys of "
                "dns-cloudflare begin with 'dns_cloudflare_'"});
  }

  TEST_CASE("a key in a section is missing to certbot, and the warning says so") {
    const File file("[default]\ndns_cloudflare_api_token = abcdef\n");
    const auto check = check_credentials(file.account(), one_token);
    CHECK(texts_of(check.faults, file.path) ==
          Texts{"account: account main: 'dns_cloudflare_api_token' is missing in FILE"});
    CHECK(texts_of(check.warnings, file.path) ==
          Texts{"account: account main: FILE line 2: certbot does not look into [default], where "
                "'dns_cloudflare_api_token' stands; move it above the first section"});
  }

  TEST_CASE("an empty value counts as missing") {
    const File file("dns_cloudflare_api_token =\n");
    CHECK(faults_of(file.account(), one_token, file.path) ==
          Texts{"account: account main: 'dns_cloudflare_api_token' is empty in FILE"});
    CHECK(faults_of(with({{"dns_cloudflare_api_token", ""}})) ==
          Texts{"account: account main: 'dns_cloudflare_api_token' is empty under 'credentials'"});
  }

  TEST_CASE("what ConfigObj would read otherwise than meant is told") {
    const File list("dns_cloudflare_api_token = abc,def\n");
    CHECK(
        faults_of(list.account(), one_token, list.path) ==
        Texts{"account: account main: FILE line 1: the comma makes the value of 'dns_cloudflare_api_token' a list; put "
              "the value in quotes"});
    const File reference("dns_cloudflare_api_token = abc%(hidden)sdef\n");
    CHECK(
        faults_of(reference.account(), one_token, reference.path) ==
        Texts{"account: account main: FILE line 1: certbot takes '%(…)s' in the value for a reference to another key, "
              "and there is no such key; give this value under 'credentials' in the configuration, where nothing needs "
              "quoting"});
    const File cut("dns_cloudflare_api_token = abc#def\n");
    const auto check = check_credentials(cut.account(), one_token);
    CHECK(check.faults.empty());
    CHECK(texts_of(check.warnings, cut.path) ==
          Texts{"account: account main: FILE line 1: the value ends at the '#'; put the value in quotes if the '#' "
                "belongs to it, or a space before it if not"});
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

  TEST_CASE("a value from a file loses one newline") {
    const TempDir directory;
    const auto token = directory.write("token", "abcdef\n\n");
    ::chmod(token.c_str(), 0600);
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
    const auto token = directory.write("token", "abcdef\n");
    ::chmod(token.c_str(), 0644);
    CHECK(faults_of(from(ValueSource::Kind::file, token), one_token, token) ==
          Texts{"key: account main: the file of 'dns_cloudflare_api_token', FILE is open to every user of this host; "
                "chmod 600 it, and replace the secrets in it if others may have read them"});
  }

  TEST_CASE("a value from the environment") {
    CHECK(
        faults_of(from(ValueSource::Kind::env, "CERTHERD_TEST_TOKEN")) ==
        Texts{"key: account main: 'dns_cloudflare_api_token': the environment variable CERTHERD_TEST_TOKEN is not set; "
              "set it where certherd is started"});
    const Variable set("CERTHERD_TEST_TOKEN", "abcdef");
    const auto credentials = load_credentials(from(ValueSource::Kind::env, "CERTHERD_TEST_TOKEN"), one_token);
    REQUIRE(credentials);
    CHECK(credentials->values.at("dns_cloudflare_api_token") == "abcdef");
  }

  TEST_CASE("a systemd credential") {
    const Account source = from(ValueSource::Kind::systemd_credential, "cf");
    ::unsetenv("CREDENTIALS_DIRECTORY");
    CHECK(faults_of(source) ==
          Texts{"key: account main: 'dns_cloudflare_api_token': systemd has passed no credentials, so 'cf' cannot be "
                "read; add LoadCredential=cf:/path/of/the/secret to the unit; outside of the unit use {file:}"});
    const TempDir directory;
    const Variable set("CREDENTIALS_DIRECTORY", directory.path());
    CHECK(faults_of(source, one_token, directory.path()) ==
          Texts{"key: account main: 'dns_cloudflare_api_token': cannot read FILE/cf: No such file or directory; add "
                "LoadCredential=cf:/path/of/the/secret to the unit"});
    directory.write("cf", "abcdef\n");
    CHECK(load_credentials(source, one_token)->values.at("dns_cloudflare_api_token") == "abcdef");
    CHECK(
        faults_of(from(ValueSource::Kind::systemd_credential, "../shadow")) ==
        Texts{"key: account main: 'dns_cloudflare_api_token': '../shadow' cannot be the name of a systemd credential"});
  }

  TEST_CASE("a second secret file is checked and its secrets are known") {
    Provider second = one_token;
    second.keys = {key("dns_cloudflare_key_file", true, false)};
    second.keys[0].file = true;
    const TempDir directory;
    const auto pem = directory.write("key.json", R"({"user": "me", "private_key": "----KEY----"})");
    ::chmod(pem.c_str(), 0600);
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

  TEST_CASE("a JSON document is checked, from a file and from a value") {
    Provider google = one_token;
    google.credentials_kind = CredentialsKind::json_file;
    google.keys = {key("service_account")};
    const File good(R"({"client_email": "a@b", "private_key": "----KEY----", "token_uri": "https://x"})");
    const auto credentials = load_credentials(good.account(), google);
    REQUIRE(credentials);
    CHECK(credentials->secrets == std::vector<std::string>{"----KEY----"});
    const File bad("{\"private_key\": \n");
    CHECK(faults_of(bad.account(), google, bad.path) ==
          Texts{"account: account main: the JSON document in FILE is invalid: incomplete JSON; use the file as the "
                "provider made it"});
    const File list("[]");
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
    const File file("x");
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

  TEST_CASE("no fault or warning holds a value") {
    const File file(
        "dns_cloudflare_api_token = hunter2,hunter2\ndns_cloudflare_x = hunter2#hunter2\n"
        "other = %(hunter2)s\n[hunter1]\nx = hunter2\n");
    const auto check = check_credentials(file.account(), one_token);
    CHECK(check.faults.size() + check.warnings.size() >= 4);
    for (const auto* list : {&check.faults, &check.warnings})
      for (const auto& fault : *list) CHECK(fault.text().find("hunter2") == std::string::npos);
  }

  TEST_CASE("unknown keys are secrets too, known public ones are not") {
    const File file(
        "dns_cloudflare_email = me@example.com\ndns_cloudflare_api_key = abcdef\ndns_cloudflare_y = ghijkl\n");
    const auto credentials = load_credentials(file.account(), choice);
    REQUIRE(credentials);
    CHECK(credentials->secrets == std::vector<std::string>{"abcdef", "ghijkl"});
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
