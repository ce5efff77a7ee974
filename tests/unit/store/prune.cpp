#include <certherd/store/publish.hpp>

#include <chrono>
#include <ostream>

#include <doctest/doctest.h>
#include <support/files.hpp>
#include <support/texts.hpp>

#include "sample_store.hpp"

using namespace certherd;
using namespace certherd::test;
namespace fs = std::filesystem;

namespace {

Result<void> prune(const SampleStore& store, std::chrono::hours later) {
  return store::prune(store.paths, "example.com", std::chrono::system_clock::now() + later);
}

}  // namespace

TEST_SUITE("store/prune") {
  TEST_CASE("pruning keeps the newest five") {
    const SampleStore store;
    for (int i = 0; i < 8; ++i) REQUIRE(store.publish());
    REQUIRE(prune(store, std::chrono::hours(25)).ok());
    CHECK(names_in(store.home()) == Texts{"4", "5", "6", "7", "8"});
  }

  TEST_CASE("pruning keeps what was superseded less than a day ago") {
    const SampleStore store;
    for (int i = 0; i < 8; ++i) REQUIRE(store.publish());
    REQUIRE(prune(store, std::chrono::hours(23)).ok());
    CHECK(names_in(store.home()).size() == 8);
  }

  TEST_CASE("pruning keeps the current Generation, however old") {
    const SampleStore store;
    for (int i = 0; i < 8; ++i) REQUIRE(store.publish());
    fs::remove(store.link());
    fs::create_symlink("../generations/example.com/2", store.link());
    REQUIRE(prune(store, std::chrono::hours(25)).ok());
    CHECK(names_in(store.home()) == Texts{"2", "4", "5", "6", "7", "8"});
  }

  TEST_CASE("pruning where nothing was published") {
    CHECK(store::prune(SampleStore().paths, "example.com", now).ok());
  }
}
