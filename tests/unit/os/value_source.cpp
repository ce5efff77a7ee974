#include <ostream>

#include <certherd/os/value_source.hpp>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <support/environment_variable.hpp>
#include <support/temp_dir.hpp>

using namespace certherd;
using Kind = ValueSource::Kind;

namespace {

Result<std::string> read(Kind kind, const std::string& text) {
  return os::read_value({kind, text, {}});
}

}  // namespace

TEST_SUITE("os/value_source") {
  TEST_CASE("a literal is its own value") {
    CHECK(*read(Kind::literal, "abc") == "abc");
  }

  TEST_CASE("an empty literal is a fault") {
    CHECK(read(Kind::literal, "").fault().message == "the value is empty");
  }

  TEST_CASE("a file loses exactly one trailing newline") {
    const test::TempDir dir;
    CHECK(*read(Kind::file, dir.write("a", "one\ntwo\n\n", 0600)) == "one\ntwo\n");
    CHECK(*read(Kind::file, dir.write("b", " spaces stay ", 0600)) == " spaces stay ");
  }

  TEST_CASE("a missing file is named") {
    const test::TempDir dir;
    const std::string path = (dir.path() / "none").string();
    CHECK(read(Kind::file, path).fault().message == "cannot read " + path + ": No such file or directory");
  }

  TEST_CASE("an empty file is a fault, also when it holds a newline only") {
    const test::TempDir dir;
    const std::string path = dir.write("a", "\n", 0600);
    CHECK(read(Kind::file, path).fault().message == "the file " + path + " is empty");
  }

  TEST_CASE("a file readable by every user is refused, with the command that mends it") {
    const test::TempDir dir;
    const std::string path = dir.write("a", "secret", 0644);
    const auto value = read(Kind::file, path);
    CHECK(value.fault().message == path + " is readable by every user");
    CHECK(value.fault().fix == "chmod 600 " + path);
  }

  TEST_CASE("a file writable by every user is refused") {
    const test::TempDir dir;
    const std::string path = dir.write("a", "secret", 0602);
    CHECK(read(Kind::file, path).fault().message == path + " is writable by every user");
  }

  TEST_CASE("what is no secret may be read by others, but not written") {
    const test::TempDir dir;
    const auto read_public = [](const std::filesystem::path& path) {
      return os::read_value({Kind::file, path.string(), {}}, false);
    };
    CHECK(*read_public(dir.write("a", "ns1.example.net\n", 0644)) == "ns1.example.net");
    const auto open = dir.write("b", "ns1.example.net", 0646);
    CHECK(read_public(open).fault().message == open.string() + " is writable by every user");
  }

  TEST_CASE("a file its group may read is accepted") {
    const test::TempDir dir;
    CHECK(*read(Kind::file, dir.write("a", "secret", 0640)) == "secret");
  }

  TEST_CASE("a FIFO is refused instead of waited for") {
    const test::TempDir dir;
    const std::string path = (dir.path() / "fifo").string();
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK(read(Kind::file, path).fault().message == path + " is not a regular file");
  }

  TEST_CASE("an environment variable") {
    {
      const test::EnvironmentVariable set("CERTHERD_TEST_VALUE", "from env");
      CHECK(*read(Kind::env, "CERTHERD_TEST_VALUE") == "from env");
    }
    {
      const test::EnvironmentVariable empty("CERTHERD_TEST_VALUE", "");
      CHECK(read(Kind::env, "CERTHERD_TEST_VALUE").fault().message ==
            "the environment variable CERTHERD_TEST_VALUE is empty");
    }
    CHECK(read(Kind::env, "CERTHERD_TEST_VALUE").fault().text() ==
          "the environment variable CERTHERD_TEST_VALUE is not set; set it where certherd is started");
  }

  TEST_CASE("a systemd credential is a file of the service's credentials directory") {
    const test::TempDir dir;
    dir.write("cf", "token\n", 0400);
    {
      const test::EnvironmentVariable set("CREDENTIALS_DIRECTORY", dir.path());
      CHECK(*read(Kind::systemd_credential, "cf") == "token");
      CHECK(read(Kind::systemd_credential, "other").fault().text() ==
            "the systemd credential other is not there; add LoadCredential=other:/path/to/file to the certherd unit");
    }
    CHECK(read(Kind::systemd_credential, "cf").fault().text() ==
          "the systemd credential cf is not there: CREDENTIALS_DIRECTORY is not set; add "
          "LoadCredential=cf:/path/to/file to the certherd unit; outside of the unit use {file:}");
  }

  TEST_CASE("a systemd credential cannot lead out of its directory") {
    for (const char* name : {"", ".", "..", "../shadow", "/etc/shadow"}) {
      CAPTURE(name);
      CHECK(read(Kind::systemd_credential, name).fault().fix == "give the name alone, without a path");
    }
  }

  TEST_CASE("a fault carries the source's place") {
    const SourceMark mark{"certherd.yaml", 7, 3};
    CHECK(os::read_value({Kind::env, "CERTHERD_TEST_NOT_SET", mark}).fault().mark == mark);
    CHECK_FALSE(os::read_value({Kind::env, "CERTHERD_TEST_NOT_SET", {}}).fault().mark.has_value());
  }
}
