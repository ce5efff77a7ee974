#include <certherd/store/current.hpp>
#include <certherd/store/publish.hpp>

#include <ostream>

#include <doctest/doctest.h>

#include "../support/temp_dir.hpp"
#include "pem_maker.hpp"

using namespace certherd;
using certherd::test::PemMaker;
using certherd::test::TempDir;
namespace fs = std::filesystem;

namespace {

const TimePoint now = *parse_utc("2026-11-23T12:00:00Z");

struct Store {
  Store() {
    paths.state_dir = dir.path();
    paths.store_dir = dir.path() / "certificates";
    certificate.name = "example.com";
  }
  void publish(long serial) const {
    const PemMaker maker(now);
    const auto pems = maker.set(maker.wish("DNS:example.com", serial), test::make_key());
    REQUIRE(store::publish(paths, certificate, pems, *store::read_facts(pems.cert)));
  }
  void point_to(const fs::path& target) const {
    fs::create_directories(paths.store_dir);
    fs::remove(paths.store_dir / "example.com");
    fs::create_symlink(target, paths.store_dir / "example.com");
  }

  TempDir dir;
  Paths paths;
  Certificate certificate;
};

CertificateFacts facts(const std::string& serial, TimePoint not_before) {
  CertificateFacts facts;
  facts.serial = serial;
  facts.not_before = not_before;
  return facts;
}

}  // namespace

TEST_SUITE("store/current") {
  TEST_CASE("nothing is published") {
    const Store store;
    CHECK_FALSE(store::current(store.paths, "example.com"));
    CHECK_FALSE(store::previous(store.paths, "example.com"));
  }

  TEST_CASE("the current Generation and the one before it") {
    const Store store;
    store.publish(0x10);
    CHECK_FALSE(store::previous(store.paths, "example.com"));
    store.publish(0x11);
    const auto current = store::current(store.paths, "example.com");
    REQUIRE(current);
    CHECK(current->certificate == "example.com");
    CHECK(current->number == 2);
    CHECK(current->directory == store.dir.path() / "generations" / "example.com" / "2");
    CHECK(current->facts.serial == "11");
    const auto previous = store::previous(store.paths, "example.com");
    REQUIRE(previous);
    CHECK(previous->number == 1);
    CHECK(previous->facts.serial == "10");
  }

  TEST_CASE("what is before the current one is not what is newest") {
    const Store store;
    for (long serial = 1; serial <= 3; ++serial) store.publish(serial);
    store.point_to("../generations/example.com/2");
    CHECK(store::current(store.paths, "example.com")->number == 2);
    CHECK(store::previous(store.paths, "example.com")->number == 1);
  }

  TEST_CASE("a damaged one before the current one is passed over") {
    const Store store;
    for (long serial = 1; serial <= 3; ++serial) store.publish(serial);
    fs::remove(store.dir.path() / "generations/example.com/2/cert.pem");
    CHECK(store::previous(store.paths, "example.com")->number == 1);
  }

  TEST_CASE("a link that does not lead to a Generation of this certificate") {
    const Store store;
    store.publish(1);
    for (const auto* target : {"../generations/example.org/1", "../generations/example.com/07", "/somewhere", "1",
                               "../generations/example.com/99999999999", "../generations/example.com/2"}) {
      CAPTURE(target);
      store.point_to(target);
      CHECK_FALSE(store::current(store.paths, "example.com"));
    }
  }

  TEST_CASE("a damaged current certificate counts as none") {
    const Store store;
    store.publish(1);
    store.dir.write("generations/example.com/1/cert.pem", "damaged");
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
