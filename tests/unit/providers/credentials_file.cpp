#include <ostream>

#include "sample_account.hpp"

using namespace certherd;
using namespace certherd::providers;
using namespace certherd::test;

TEST_SUITE("providers/credentials_file") {
  TEST_CASE("a good file has no faults, and its values and secrets are known") {
    const CredentialsFile file("# mine\ndns_cloudflare_api_token = 'abc#def' # token\n");
    const auto check = check_credentials(file.account(), one_token);
    CHECK(check.faults.empty());
    CHECK(check.warnings.empty());
    const auto credentials = load_credentials(file.account(), one_token);
    REQUIRE(credentials);
    CHECK(credentials->file == file.path);
    CHECK(credentials->values == std::map<std::string, std::string>{{"dns_cloudflare_api_token", "abc#def"}});
    CHECK(credentials->secrets == std::vector<std::string>{"abc#def"});
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
    const CredentialsFile open(good, 0604);
    CHECK(
        faults_of(open.account(), one_token, open.path) ==
        Texts{"account: account main: the credentials file FILE is open to every user of this host; chmod 600 it, and "
              "replace the secrets in it if others may have read them"});
    const CredentialsFile group(good, 0640);
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
    const CredentialsFile file("dns_cloudflare_api_token = 'secret\nsecret\n");
    CHECK(faults_of(file.account(), one_token, file.path) ==
          Texts{"account: account main: FILE line 1: a value with unbalanced quotes or stray commas; put values with "
                "special characters in quotes",
                "account: account main: FILE line 2: neither 'key = value' nor a [section]; put values with special "
                "characters in quotes"});
  }

  TEST_CASE("a misspelt key in a file is named next to the missing one") {
    const CredentialsFile file("dns_cloudflare_token = abcdef\n");
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
    const CredentialsFile file("dns_hetzner_api_token = abcdef\ncertbot_x:dns_cloudflare_api_token = abcdef\n");
    CHECK(texts_of(check_credentials(file.account(), one_token).warnings, file.path) ==
          Texts{"account: account main: FILE line 2: 'certbot_x:dns_cloudflare_api_token' is not a key of provider "
                "cloudflare; write 'dns_cloudflare_api_token': certbot 2.0 ended the form with a colon",
                "account: account main: FILE line 1: 'dns_hetzner_api_token' is not a key of provider cloudflare; the "
                "keys of dns-cloudflare begin with 'dns_cloudflare_'"});
  }

  TEST_CASE("a bare token that looks like a key is not shown") {
    const CredentialsFile file("c2VjcmV0LXRva2Vu==\n");
    const auto check = check_credentials(file.account(), one_token);
    for (const auto& text : texts_of(check.faults)) CHECK(text.find("c2VjcmV0") == std::string::npos);
    CHECK(texts_of(check.warnings, file.path) ==
          Texts{"account: account main: FILE line 1: this is not a key of provider cloudflare; the keys of "
                "dns-cloudflare begin with 'dns_cloudflare_'"});
  }

  TEST_CASE("a key in a section is missing to certbot, and the warning says so") {
    const CredentialsFile file("[default]\ndns_cloudflare_api_token = abcdef\n");
    const auto check = check_credentials(file.account(), one_token);
    CHECK(texts_of(check.faults, file.path) ==
          Texts{"account: account main: 'dns_cloudflare_api_token' is missing in FILE"});
    CHECK(texts_of(check.warnings, file.path) ==
          Texts{"account: account main: FILE line 2: certbot does not look into [default], where "
                "'dns_cloudflare_api_token' stands; move it above the first section"});
  }

  TEST_CASE("an empty value counts as missing") {
    const CredentialsFile file("dns_cloudflare_api_token =\n");
    CHECK(faults_of(file.account(), one_token, file.path) ==
          Texts{"account: account main: 'dns_cloudflare_api_token' is empty in FILE"});
    CHECK(faults_of(with({{"dns_cloudflare_api_token", ""}})) ==
          Texts{"key: account main: 'dns_cloudflare_api_token': the value is empty"});
  }

  TEST_CASE("what ConfigObj would read otherwise than meant is told") {
    const CredentialsFile list("dns_cloudflare_api_token = abc,def\n");
    CHECK(
        faults_of(list.account(), one_token, list.path) ==
        Texts{"account: account main: FILE line 1: the comma makes the value of 'dns_cloudflare_api_token' a list; put "
              "the value in quotes"});
    const CredentialsFile reference("dns_cloudflare_api_token = abc%(hidden)sdef\n");
    CHECK(
        faults_of(reference.account(), one_token, reference.path) ==
        Texts{"account: account main: FILE line 1: certbot takes '%(…)s' in the value for a reference to another key, "
              "and there is no such key; give this value under 'credentials' in the configuration, where nothing needs "
              "quoting"});
    const CredentialsFile cut("dns_cloudflare_api_token = abc#def\n");
    const auto check = check_credentials(cut.account(), one_token);
    CHECK(check.faults.empty());
    CHECK(texts_of(check.warnings, cut.path) ==
          Texts{"account: account main: FILE line 1: the value ends at the '#'; put the value in quotes if the '#' "
                "belongs to it, or a space before it if not"});
  }

  TEST_CASE("no fault or warning holds a value") {
    const CredentialsFile file(
        "dns_cloudflare_api_token = hunter2,hunter2\ndns_cloudflare_x = hunter2#hunter2\n"
        "other = %(hunter2)s\n[hunter1]\nx = hunter2\n");
    const auto check = check_credentials(file.account(), one_token);
    CHECK(check.faults.size() + check.warnings.size() >= 4);
    for (const auto* list : {&check.faults, &check.warnings})
      for (const auto& fault : *list) CHECK(fault.text().find("hunter2") == std::string::npos);
  }

  TEST_CASE("unknown keys are secrets too, known public ones are not") {
    const CredentialsFile file(
        "dns_cloudflare_email = me@example.com\ndns_cloudflare_api_key = abcdef\ndns_cloudflare_y = ghijkl\n");
    const auto credentials = load_credentials(file.account(), choice);
    REQUIRE(credentials);
    CHECK(credentials->secrets == std::vector<std::string>{"abcdef", "ghijkl"});
  }
}
