#include <certherd/certbot/lineage.hpp>

#include <ostream>

#include <doctest/doctest.h>
#include <support/temp_dir.hpp>

using namespace certherd;
using namespace certherd::certbot;
namespace fs = std::filesystem;

namespace {

void make_lineage(const fs::path& config) {
  for (const std::string kind : {"cert", "chain", "fullchain", "privkey"}) {
    test::write_file(config / "archive/example.com" / (kind + "1.pem"), kind);
    fs::create_directories(config / "live/example.com");
    fs::create_symlink("../../archive/example.com/" + kind + "1.pem", config / "live/example.com" / (kind + ".pem"));
  }
  test::write_file(config / "renewal/example.com.conf",
                   "version = 2.1.0\ncert = c\nprivkey = p\nchain = h\nfullchain = f\n[renewalparams]\n");
}

void make_account(const fs::path& folder) {
  for (const std::string file : {"regr.json", "meta.json", "private_key.json"}) test::write_file(folder / file, "{}");
}

}  // namespace

TEST_SUITE("certbot/lineage") {
  TEST_CASE("a lineage lies below live and renewal") {
    const Lineage lineage = lineage_of("/c", "example.com");
    CHECK(lineage.cert == "/c/live/example.com/cert.pem");
    CHECK(lineage.chain == "/c/live/example.com/chain.pem");
    CHECK(lineage.fullchain == "/c/live/example.com/fullchain.pem");
    CHECK(lineage.privkey == "/c/live/example.com/privkey.pem");
    CHECK(lineage.renewal == "/c/renewal/example.com.conf");
  }

  TEST_CASE("it exists when all its files do") {
    const test::TempDir directory;
    CHECK_FALSE(lineage_exists(directory.path(), "example.com"));
    make_lineage(directory.path());
    CHECK(lineage_exists(directory.path(), "example.com"));
    fs::remove(directory.path() / "archive/example.com/privkey1.pem");
    CHECK_FALSE(lineage_exists(directory.path(), "example.com"));
  }

  TEST_CASE("a renewal file that certbot was killed before writing is that of no lineage") {
    const test::TempDir directory;
    make_lineage(directory.path());
    for (const std::string text : {"", "version = 2.1.0\n", "cert = c\nprivkey = p\nfullchain = f\n"}) {
      test::write_file(directory.path() / "renewal/example.com.conf", text);
      CHECK_FALSE(lineage_exists(directory.path(), "example.com"));
    }
    CHECK(clear_broken_lineage(directory.path(), "example.com"));
    CHECK_FALSE(fs::exists(directory.path() / "renewal/example.com.conf"));
  }

  TEST_CASE("a whole lineage stays") {
    const test::TempDir directory;
    make_lineage(directory.path());
    CHECK(clear_broken_lineage(directory.path(), "example.com"));
    CHECK(lineage_exists(directory.path(), "example.com"));
  }

  TEST_CASE("a broken lineage is moved away, twice if need be") {
    const test::TempDir directory;
    for (const std::string number : {"1", "2"}) {
      make_lineage(directory.path());
      fs::remove(directory.path() / "renewal/example.com.conf");
      CHECK(clear_broken_lineage(directory.path(), "example.com"));
      CHECK_FALSE(fs::exists(directory.path() / "live/example.com"));
      CHECK(fs::exists(directory.path() / ("archive/example.com." + number + ".broken/privkey1.pem")));
    }
  }

  TEST_CASE("nothing to clear is no fault") {
    const test::TempDir directory;
    CHECK(clear_broken_lineage(directory.path(), "example.com"));
  }

  TEST_CASE("accounts are counted for one directory URL, port and path included") {
    const test::TempDir directory;
    make_account(directory.path() / "localhost:14000/dir/0123456789abcdef0123456789abcdef");
    CHECK(accounts_registered(directory.path(), "https://localhost:14000/dir") == 1);
    make_account(directory.path() / "localhost:14000/dir/fedcba9876543210fedcba9876543210");
    CHECK(accounts_registered(directory.path(), "https://localhost:14000/dir") == 2);
    CHECK(accounts_registered(directory.path(), "https://localhost/dir") == 0);
    CHECK(accounts_registered(directory.path(), "https://localhost:14000/directory") == 0);
    CHECK(accounts_registered(directory.path() / "missing", "https://localhost:14000/dir") == 0);
  }

  TEST_CASE("an account without its key is none") {
    const test::TempDir directory;
    const fs::path account = directory.path() / "acme.example/directory/0123456789abcdef0123456789abcdef";
    make_account(account);
    test::write_file(account / "regr.json", "");  // certbot was killed before it wrote that
    CHECK(accounts_registered(directory.path(), "https://acme.example/directory") == 0);
    make_account(account);
    fs::remove(account / "private_key.json");
    CHECK(accounts_registered(directory.path(), "https://acme.example/directory") == 0);
  }

  TEST_CASE("directories are private and share the account") {
    const test::TempDir directory;
    const fs::path accounts = directory.path() / "accounts/ca";
    for (int round = 0; round < 2; ++round) {
      CHECK(prepare_directories(directory.path() / "certbot/example.com", accounts));
      for (const std::string kind : {"config", "work", "logs"}) {
        const auto mode = fs::status(directory.path() / "certbot/example.com" / kind).permissions();
        CHECK(mode == fs::perms::owner_all);
      }
      CHECK(fs::read_symlink(directory.path() / "certbot/example.com/config/accounts") == accounts);
    }
  }

  TEST_CASE("another CA's link is replaced, certbot's own directory is not") {
    const test::TempDir directory;
    const fs::path home = directory.path() / "certbot";
    CHECK(prepare_directories(home, directory.path() / "accounts/a"));
    CHECK(prepare_directories(home, directory.path() / "accounts/b"));
    CHECK(fs::read_symlink(home / "config/accounts") == directory.path() / "accounts/b");
    fs::remove(home / "config/accounts");
    fs::create_directory(home / "config/accounts");
    const auto refused = prepare_directories(home, directory.path() / "accounts/b");
    REQUIRE_FALSE(refused);
    CHECK(refused.fault().message == (home / "config/accounts").string() + " is a directory and should be a link to " +
                                         (directory.path() / "accounts/b").string());
  }
}
