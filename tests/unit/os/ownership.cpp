#include <ostream>

#include <certherd/base/text.hpp>
#include <certherd/os/ownership.hpp>

#include <doctest/doctest.h>
#include <support/temp_dir.hpp>

#include <filesystem>

#include <unistd.h>

using namespace certherd;
namespace fs = std::filesystem;

namespace {

constexpr os::Owner nobody{65534, 65534};

std::string owner(const fs::path& path) {
  const auto found = os::owner_of(path).or_throw();
  return std::to_string(found.user) + ":" + std::to_string(found.group);
}

/// Only root can give anything away.
bool root() {
  return ::geteuid() == 0;
}

}  // namespace

TEST_SUITE("os/ownership") {
  TEST_CASE("everything of root's goes over, and nothing of anybody else's" * doctest::skip(!root())) {
    test::TempDir dir;
    const fs::path tree = dir.path() / "tree";
    fs::create_directories(tree / "a" / "b");
    const auto file = dir.write("tree/a/b/file", "text");
    const auto hers = dir.write("tree/a/hers", "text");
    const auto grouped = dir.write("tree/a/grouped", "text");
    REQUIRE(::chown(hers.c_str(), 1234, 1235) == 0);
    REQUIRE(::chown(grouped.c_str(), 0, 1235) == 0);
    CHECK(os::give(tree, nobody));
    for (const auto& path : {tree, tree / "a", tree / "a" / "b", file}) CHECK(owner(path) == "65534:65534");
    CHECK(owner(hers) == "1234:1235");
    CHECK(owner(grouped) == "65534:1235");
  }

  TEST_CASE("nothing outside is reached, by no kind of link" * doctest::skip(!root())) {
    test::TempDir dir;
    fs::create_directories(dir.path() / "tree");
    fs::create_directories(dir.path() / "outside");
    const auto file = dir.write("outside/file", "text");
    fs::create_directory_symlink(dir.path() / "outside", dir.path() / "tree" / "soft");
    fs::create_hard_link(file, dir.path() / "tree" / "hard");
    CHECK(os::give(dir.path() / "tree", nobody));
    CHECK(owner(dir.path() / "tree" / "soft") == "65534:65534");
    CHECK(owner(dir.path() / "outside") == "0:0");
    CHECK(owner(file) == "0:0");
  }

  TEST_CASE("what is not there is no trouble to give, and has no owner") {
    test::TempDir dir;
    CHECK(os::give(dir.path() / "gone", nobody));
    const auto none = os::owner_of(dir.path() / "gone");
    REQUIRE_FALSE(none);
    CHECK(contains(none.fault().message, "gone"));
  }

  TEST_CASE("what cannot be given is told" * doctest::skip(root())) {
    test::TempDir dir;
    CHECK(os::owner_of(dir.path()).or_throw().user == ::geteuid());
    CHECK(os::give(dir.path(), nobody));  // none of it is root's
  }
}
