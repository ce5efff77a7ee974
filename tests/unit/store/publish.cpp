#include <certherd/store/current.hpp>
#include <certherd/store/publish.hpp>

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ostream>

#include <doctest/doctest.h>
#include <support/files.hpp>
#include <support/texts.hpp>

#include "sample_store.hpp"

using namespace certherd;
using namespace certherd::test;
namespace fs = std::filesystem;

TEST_SUITE("store/publish") {
  TEST_CASE("the first Generation") {
    const SampleStore store;
    const auto pems = maker().set();
    const auto generation = store.publish(pems);
    REQUIRE(generation);
    CHECK(generation->number == 1);
    CHECK(generation->certificate == "example.com");
    CHECK(generation->directory == store.home() / "1");
    CHECK(fs::read_symlink(store.link()) == "../generations/example.com/1");
    CHECK(content(store.link() / "cert.pem") == pems.cert);
    CHECK(content(store.link() / "chain.pem") == pems.chain);
    CHECK(content(store.link() / "fullchain.pem") == pems.fullchain);
    CHECK(content(store.link() / "privkey.pem") == pems.privkey);
    CHECK(names_in(store.home()) == Texts{"1"});
    CHECK(names_in(store.paths.store_dir) == Texts{"example.com"});
  }

  TEST_CASE("the second one, the first stays") {
    const SampleStore store;
    REQUIRE(store.publish());
    const auto pems = maker().set();
    CHECK(store.publish(pems)->number == 2);
    CHECK(fs::read_symlink(store.link()) == "../generations/example.com/2");
    CHECK(content(store.link() / "cert.pem") == pems.cert);
    CHECK(names_in(store.home()) == Texts{"1", "2"});
  }

  TEST_CASE("a store elsewhere holds its Generations") {
    SampleStore store;
    store.paths.store_dir = store.dir.path() / "elsewhere";
    REQUIRE(store.publish());
    CHECK(fs::read_symlink(store.link()) == ".generations/example.com/1");
    CHECK(fs::exists(store.link() / "cert.pem"));
  }

  TEST_CASE("a store directory that is a link itself") {
    const SampleStore store;
    fs::create_directories(store.paths.state_dir);
    fs::create_directories(store.dir.path() / "far" / "away");
    fs::create_symlink(store.dir.path() / "far" / "away", store.paths.store_dir);
    REQUIRE(store.publish());
    CHECK(fs::read_symlink(store.link()) == "../../state/generations/example.com/1");
    CHECK(fs::exists(store.link() / "cert.pem"));
    CHECK(store::current(store.paths, "example.com")->number == 1);
  }

  TEST_CASE("modes") {
    SampleStore store;
    const auto old_mask = ::umask(077);
    REQUIRE(store.publish());
    CHECK(mode_of(store.link() / "privkey.pem") == 0600);
    CHECK(mode_of(store.link() / "cert.pem") == 0644);
    CHECK(mode_of(store.link() / "fullchain.pem") == 0644);
    CHECK(mode_of(store.home() / "1") == 0755);
    store.certificate.files.key_mode = 0640;
    store.certificate.files.cert_mode = 0600;
    REQUIRE(store.publish());
    ::umask(old_mask);
    CHECK(mode_of(store.link() / "privkey.pem") == 0640);
    CHECK(mode_of(store.link() / "chain.pem") == 0600);
  }

  TEST_CASE("a directory of the administrator keeps its mode") {
    const SampleStore store;
    fs::create_directories(store.paths.store_dir);
    fs::permissions(store.paths.store_dir, fs::perms(0750));
    REQUIRE(store.publish());
    CHECK(mode_of(store.paths.store_dir) == 0750);
  }

  TEST_CASE("owner and group, by number here") {
    if (::geteuid() != 0) return;  // only root gives files away
    SampleStore store;
    store.certificate.files = {"12345", "54321", 0640, 0644};
    REQUIRE(store.publish());
    struct stat status {};
    REQUIRE(::stat((store.link() / "privkey.pem").c_str(), &status) == 0);
    CHECK(status.st_uid == 12345);
    CHECK(status.st_gid == 54321);
    CHECK((status.st_mode & 07777) == 0640);
  }

  TEST_CASE("a group by its name") {
    SampleStore store;
    const ::group* own = ::getgrgid(::getegid());
    if (!own) return;
    store.certificate.files.group = own->gr_name;
    CHECK(store.publish().ok());
  }

  TEST_CASE("a link that leads nowhere is replaced") {
    const SampleStore store;
    fs::create_directories(store.paths.store_dir);
    fs::create_symlink("../gone", store.link());
    REQUIRE(store.publish());
    CHECK(fs::exists(store.link() / "cert.pem"));
  }

  TEST_CASE("what a publish that died left is cleared, and nothing else") {
    const SampleStore store;
    REQUIRE(store.publish());
    store.dir.write("state/generations/example.com/.2.new/privkey.pem", "half");
    store.dir.write("state/generations/example.com/notes.new", "the administrator's");
    fs::create_symlink("x", store.paths.store_dir / ".example.com.new");
    fs::create_symlink("x", store.paths.store_dir / ".example.com.au.new");
    REQUIRE(store.publish());
    CHECK(names_in(store.home()) == Texts{"1", "2", "notes.new"});
    CHECK(names_in(store.paths.store_dir) == Texts{".example.com.au.new", "example.com"});
  }

  TEST_CASE("a whole Generation that never became current keeps its number") {
    const SampleStore store;
    REQUIRE(store.publish());
    fs::copy(store.home() / "1", store.home() / "2");
    CHECK(store.publish()->number == 3);
    CHECK(fs::read_symlink(store.link()) == "../generations/example.com/3");
  }
}
