#include <certherd/store/publish.hpp>

#include <unistd.h>

#include <ostream>

#include <doctest/doctest.h>
#include <support/files.hpp>
#include <support/in_child.hpp>
#include <support/texts.hpp>

#include "sample_store.hpp"

using namespace certherd;
using namespace certherd::test;
namespace fs = std::filesystem;

TEST_SUITE("store/publish_faults") {
  TEST_CASE("an unknown owner or group: nothing is touched") {
    SampleStore store;
    store.certificate.files.owner = "no-such-user";
    CHECK(store.publish().fault().text() ==
          "there is no user 'no-such-user' on this host; create it or correct the certificate's owner");
    store.certificate.files = {"", "no-such-group", 0600, 0644};
    CHECK(store.publish().fault().text() ==
          "there is no group 'no-such-group' on this host; create it or correct the certificate's group");
    CHECK_FALSE(fs::exists(store.paths.state_dir));
  }

  TEST_CASE("a directory where the link belongs is left alone") {
    const SampleStore store;
    fs::create_directories(store.link());
    write_file(store.link() / "precious", "data");
    CHECK(store.publish().fault().text() == store.link().string() +
                                                " is a directory, not a link made by certherd, and is left alone; "
                                                "move it away; the next run publishes without a new order");
    CHECK(content(store.link() / "precious") == "data");
    CHECK(names_in(store.home()) == Texts{});
  }

  TEST_CASE("a file where the link belongs is left alone") {
    const SampleStore store;
    store.dir.write("state/certificates/example.com", "data");
    CHECK(store.publish().fault().text().starts_with(store.link().string() + " is a file, not a link"));
    CHECK(content(store.link()) == "data");
  }

  TEST_CASE("names that would leave the store") {
    SampleStore store;
    for (const std::string name : {"", ".", "..", ".hidden", "a/b", "../x"}) {
      CAPTURE(name);
      store.certificate.name = name;
      CHECK(store.publish().fault().text() ==
            "'" + name + "' cannot be the name of a directory in the store; rename the certificate");
    }
    CHECK_FALSE(fs::exists(store.paths.state_dir));
  }

  TEST_CASE("a store that cannot be made") {
    SampleStore store;
    store.dir.write("file", "");
    store.paths.store_dir = store.dir.path() / "file" / "certificates";
    const auto generation = store.publish();
    REQUIRE_FALSE(generation);
    CHECK(generation.fault().message ==
          "cannot create the directory " + store.paths.store_dir.string() + ": Not a directory");
  }

  TEST_CASE("writing fails midway: the old Generation stays, nothing is left of the new one") {
    const SampleStore store;
    const auto pems = maker().set();
    REQUIRE(store.publish(pems));
    auto large = maker().set();
    large.fullchain += std::string(64 * 1024, '\n');
    const std::string told = in_child([&]() -> std::string {
      limit_file_size(16 * 1024);
      const auto generation = store.publish(large);
      return generation ? "no fault" : generation.fault().text();
    });
    CHECK(told == "cannot write " + (store.home() / ".2.new" / "fullchain.pem").string() + ": File too large");
    CHECK(content(store.link() / "cert.pem") == pems.cert);
    CHECK(names_in(store.home()) == Texts{"1"});
    CHECK(names_in(store.paths.store_dir) == Texts{"example.com"});
  }

  TEST_CASE("a store that may not be written: the old Generation stays") {
    const SampleStore store;
    REQUIRE(store.publish());
    fs::permissions(store.dir.path(), fs::perms(0755));
    fs::permissions(store.paths.state_dir, fs::perms(0755));
    const bool root = ::geteuid() == 0;
    if (!root) fs::permissions(store.paths.store_dir, fs::perms(0555));
    if (root) fs::permissions(store.home(), fs::perms(0777));
    const std::string told = in_child([&]() -> std::string {
      // Modes do not bind root; to somebody else the store's 0755 is read-only.
      if (root && ::setuid(65534) != 0) return "cannot become nobody";
      const auto generation = store.publish();
      return generation ? "no fault" : generation.fault().text();
    });
    if (!root) fs::permissions(store.paths.store_dir, fs::perms(0755));
    CHECK(told == "cannot create the link " + store.link().string() +
                      ": Permission denied; check the owner and the mode, or run as the user that owns it");
    CHECK(fs::read_symlink(store.link()) == "../generations/example.com/1");
    CHECK(names_in(store.home()) == Texts{"1"});
  }
}
