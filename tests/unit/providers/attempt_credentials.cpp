#include <certherd/providers/credentials.hpp>

#include <certherd/os/file.hpp>

#include <ostream>

#include <doctest/doctest.h>
#include <support/temp_dir.hpp>

using namespace certherd;
using namespace certherd::providers;
namespace fs = std::filesystem;
using certherd::test::mode_of;
using certherd::test::TempDir;

namespace {

Provider provider_of(CredentialsKind kind) {
  Provider provider;
  provider.id = "x";
  provider.credentials_kind = kind;
  if (kind != CredentialsKind::environment && kind != CredentialsKind::none)
    provider.credentials_flag = "--dns-x-credentials";
  return provider;
}

Credentials values(std::map<std::string, std::string> values) {
  Credentials credentials;
  credentials.values = std::move(values);
  return credentials;
}

AttemptCredentials provided(const Credentials& credentials, CredentialsKind kind, const fs::path& directory) {
  return provide_credentials(credentials, provider_of(kind), directory, "run-1").or_throw();
}

}  // namespace

TEST_SUITE("providers/attempt_credentials") {
  TEST_CASE("an ini file is written for the Attempt, private, and gone after it") {
    const TempDir directory;
    const fs::path run = directory.path() / "credentials";
    {
      const auto given = provided(values({{"dns_x_token", "a, b"}}), CredentialsKind::ini_file, run);
      CHECK(given.path() == run / "run-1.ini");
      CHECK(given.arguments() == std::vector<std::string>{"--dns-x-credentials", (run / "run-1.ini").string()});
      CHECK(given.environment().empty());
      CHECK(os::read_file(given.path()).value() == "dns_x_token = \"a, b\"\n");
      CHECK(mode_of(given.path()) == 0600);
      CHECK(mode_of(run) == 0700);
    }
    CHECK(fs::is_empty(run));
  }

  TEST_CASE("the administrator's own file is passed as it is and stays") {
    const TempDir directory;
    Credentials credentials = values({{"dns_x_token", "abc"}});
    credentials.file = directory.write("own.ini", "dns_x_token = abc\n");
    {
      const auto given = provided(credentials, CredentialsKind::ini_file, directory.path() / "credentials");
      CHECK(given.path() == *credentials.file);
    }
    CHECK(fs::exists(*credentials.file));
    CHECK_FALSE(fs::exists(directory.path() / "credentials"));
  }

  TEST_CASE("a document is written byte for byte") {
    const TempDir directory;
    const auto given =
        provided(values({{"service_account", "{\"a\": 1}\n"}}), CredentialsKind::json_file, directory.path());
    CHECK(given.path() == directory.path() / "run-1.json");
    CHECK(os::read_file(given.path()).value() == "{\"a\": 1}\n");
  }

  TEST_CASE("environment variables touch no disk") {
    const TempDir directory;
    const auto given =
        provided(values({{"AWS_SECRET_ACCESS_KEY", "abc"}}), CredentialsKind::environment, directory.path());
    CHECK(given.path().empty());
    CHECK(given.arguments().empty());
    CHECK(given.environment() == std::vector<std::pair<std::string, std::string>>{{"AWS_SECRET_ACCESS_KEY", "abc"}});
    CHECK(fs::is_empty(directory.path()));
  }

  TEST_CASE("a plugin without credentials, or with optional ones that are absent, gets nothing") {
    const TempDir directory;
    CHECK(provided({}, CredentialsKind::none, directory.path()).arguments().empty());
    Provider google = provider_of(CredentialsKind::json_file);
    google.credentials_optional = true;
    const auto given = provide_credentials({}, google, directory.path(), "run-1");
    REQUIRE(given);
    CHECK(given->arguments().empty());
    CHECK(fs::is_empty(directory.path()));
  }

  TEST_CASE("moving hands the file over, and assigning over one removes it") {
    const TempDir directory;
    const Credentials credentials = values({{"dns_x_token", "abc"}});
    const Provider ini = provider_of(CredentialsKind::ini_file);
    AttemptCredentials first = provide_credentials(credentials, ini, directory.path(), "first").or_throw();
    AttemptCredentials second(std::move(first));
    CHECK(fs::exists(directory.path() / "first.ini"));
    second = provide_credentials(credentials, ini, directory.path(), "second").or_throw();
    CHECK_FALSE(fs::exists(directory.path() / "first.ini"));
    CHECK(fs::exists(directory.path() / "second.ini"));
    second = AttemptCredentials();
    CHECK(fs::is_empty(directory.path()));
  }

  TEST_CASE("a planted file is not written to") {
    const TempDir directory;
    directory.write("victim", "untouched");
    fs::create_symlink(directory.path() / "victim", directory.path() / "run-1.ini");
    const auto given = provide_credentials(values({{"dns_x_token", "abc"}}), provider_of(CredentialsKind::ini_file),
                                           directory.path(), "run-1");
    CHECK_FALSE(given);
    CHECK(os::read_file(directory.path() / "victim").value() == "untouched");
  }

  TEST_CASE("values that cannot be carried are faults") {
    const TempDir directory;
    const std::string nul("a\0b", 3);
    const auto ini = provide_credentials(values({{"dns_x_token", nul}}), provider_of(CredentialsKind::ini_file),
                                         directory.path(), "run-1");
    REQUIRE_FALSE(ini);
    CHECK(ini.fault().text() == "the value of 'dns_x_token' holds a NUL byte, which no credentials file can carry");
    const auto variable = provide_credentials(values({{"AWS_X", nul}}), provider_of(CredentialsKind::environment),
                                              directory.path(), "run-1");
    REQUIRE_FALSE(variable);
    CHECK(variable.fault().text() == "the value of 'AWS_X' holds a NUL byte, which no environment variable can carry");
    const auto document = provide_credentials(values({{"a", "1"}, {"b", "2"}}), provider_of(CredentialsKind::json_file),
                                              directory.path(), "run-1");
    REQUIRE_FALSE(document);
    CHECK(document.fault().text() == "provider x takes its credentials as one whole document; set 'credentials_file'");
    CHECK(fs::is_empty(directory.path()));
  }

  TEST_CASE("a directory that cannot be made is a fault") {
    const TempDir directory;
    const auto file = directory.write("file", "");
    CHECK_FALSE(provide_credentials(values({{"dns_x_token", "abc"}}), provider_of(CredentialsKind::ini_file),
                                    file / "below", "run-1"));
  }

  TEST_CASE("what an earlier life left is swept and counted, links included and their targets spared") {
    const TempDir directory;
    const auto victim = directory.write("victim", "stays");
    const fs::path credentials = directory.path() / "credentials";
    directory.write("credentials/a.ini", "x");
    directory.write("credentials/b.json", "x");
    fs::create_symlink(victim, credentials / "link");
    fs::create_directory(credentials / "directory");
    CHECK(sweep_credentials(credentials).or_throw() == 3);
    CHECK(sweep_credentials(credentials).or_throw() == 0);
    CHECK(fs::exists(victim));
    CHECK(sweep_credentials(directory.path() / "missing").or_throw() == 0);
  }

  TEST_CASE("sweeping what is no directory is a fault") {
    const TempDir directory;
    CHECK_FALSE(sweep_credentials(directory.write("file", "")));
  }
}
