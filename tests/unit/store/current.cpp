#include <certherd/store/current.hpp>

#include <ostream>

#include <doctest/doctest.h>

#include "sample_store.hpp"

using namespace certherd;
using namespace certherd::test;
namespace fs = std::filesystem;

namespace {

void publish(const SampleStore& store, long serial) {
  const auto pems = maker().set(maker().wish("DNS:example.com", serial), make_key());
  REQUIRE(store.publish(pems));
}

void point_to(const SampleStore& store, const fs::path& target) {
  fs::create_directories(store.paths.store_dir);
  fs::remove(store.link());
  fs::create_symlink(target, store.link());
}

CertificateFacts facts(const std::string& serial, TimePoint not_before) {
  CertificateFacts facts;
  facts.serial = serial;
  facts.not_before = not_before;
  return facts;
}

}  // namespace

TEST_SUITE("store/current") {
  TEST_CASE("nothing is published") {
    const SampleStore store;
    CHECK_FALSE(store::current(store.paths, "example.com"));
    CHECK_FALSE(store::previous(store.paths, "example.com"));
  }

  TEST_CASE("the current Generation and the one before it") {
    const SampleStore store;
    publish(store, 0x10);
    CHECK_FALSE(store::previous(store.paths, "example.com"));
    publish(store, 0x11);
    const auto current = store::current(store.paths, "example.com");
    REQUIRE(current);
    CHECK(current->certificate == "example.com");
    CHECK(current->number == 2);
    CHECK(current->directory == store.home() / "2");
    CHECK(current->facts.serial == "11");
    const auto previous = store::previous(store.paths, "example.com");
    REQUIRE(previous);
    CHECK(previous->number == 1);
    CHECK(previous->facts.serial == "10");
  }

  TEST_CASE("what is before the current one is not what is newest") {
    const SampleStore store;
    for (long serial = 1; serial <= 3; ++serial) publish(store, serial);
    point_to(store, "../generations/example.com/2");
    CHECK(store::current(store.paths, "example.com")->number == 2);
    CHECK(store::previous(store.paths, "example.com")->number == 1);
  }

  TEST_CASE("a damaged one before the current one is passed over") {
    const SampleStore store;
    for (long serial = 1; serial <= 3; ++serial) publish(store, serial);
    fs::remove(store.home() / "2/cert.pem");
    CHECK(store::previous(store.paths, "example.com")->number == 1);
  }

  TEST_CASE("a link that does not lead to a Generation of this certificate") {
    const SampleStore store;
    publish(store, 1);
    for (const auto* target : {"../generations/example.org/1", "../generations/example.com/07", "/somewhere", "1",
                               "../generations/example.com/99999999999", "../generations/example.com/2"}) {
      CAPTURE(target);
      point_to(store, target);
      CHECK_FALSE(store::current(store.paths, "example.com"));
    }
  }

  TEST_CASE("a damaged current certificate counts as none") {
    const SampleStore store;
    publish(store, 1);
    write_file(store.home() / "1/cert.pem", "damaged");
    CHECK_FALSE(store::current(store.paths, "example.com"));
  }

  TEST_CASE("a lineage that has not reached the store") {
    const Generation current{"example.com", 1, {}, facts("1", now)};
    CHECK(store::needs_publish(std::nullopt, facts("1", now)));
    CHECK(store::needs_publish(current, facts("2", now + std::chrono::seconds(1))));
    CHECK(store::needs_publish(current, facts("2", now)));
    CHECK_FALSE(store::needs_publish(current, facts("1", now)));
    CHECK_FALSE(store::needs_publish(current, facts("2", now - std::chrono::seconds(1))));
  }
}
