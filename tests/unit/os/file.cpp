#include <ostream>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <certherd/os/file.hpp>
#include <certherd/os/lock.hpp>

#include "../support/files.hpp"
#include "../support/temp_dir.hpp"

#include <vector>

using namespace certherd;
namespace fs = std::filesystem;

TEST_SUITE("os/file") {
  TEST_CASE("a new file has its content and mode, whatever the umask") {
    test::TempDir dir;
    const mode_t before = ::umask(0077);
    CHECK(os::create_file(dir.path() / "a", "content", 0644).ok());
    ::umask(before);
    CHECK(*os::read_file(dir.path() / "a") == "content");
    CHECK(test::mode_of(dir.path() / "a") == 0644);
  }

  TEST_CASE("a file that is there is not touched, nor what a planted link leads to") {
    test::TempDir dir;
    const auto victim = dir.write("victim", "old");
    fs::create_symlink(victim, dir.path() / "link");
    CHECK_FALSE(os::create_file(victim, "new", 0600).ok());
    const auto through_link = os::create_file(dir.path() / "link", "new", 0600);
    REQUIRE_FALSE(through_link.ok());
    CHECK(through_link.fault().message == "cannot create " + (dir.path() / "link").string() + ": File exists");
    CHECK(*os::read_file(victim) == "old");
  }

  TEST_CASE("replacing leaves nothing beside the file") {
    test::TempDir dir;
    const auto file = dir.write("a", "old");
    CHECK(os::replace_file(file, "new", 0600).ok());
    CHECK(*os::read_file(file) == "new");
    CHECK(test::mode_of(file) == 0600);
    CHECK(test::names_in(dir.path()) == std::vector<std::string>{"a"});
  }

  TEST_CASE("replacing what is a directory fails and leaves nothing beside it") {
    test::TempDir dir;
    fs::create_directory(dir.path() / "a");
    CHECK_FALSE(os::replace_file(dir.path() / "a", "new", 0600).ok());
    CHECK(test::names_in(dir.path()) == std::vector<std::string>{"a"});
  }

  TEST_CASE("a symbolic link moves at once") {
    test::TempDir dir;
    CHECK(os::replace_symlink(dir.path() / "link", "one").ok());
    CHECK(os::replace_symlink(dir.path() / "link", "two").ok());
    CHECK(fs::read_symlink(dir.path() / "link") == "two");
    CHECK(test::names_in(dir.path()) == std::vector<std::string>{"link"});
  }

  TEST_CASE("faults name the file, the system's words and what to do") {
    CHECK(os::read_file("/nonexistent/x").fault().message == "cannot read /nonexistent/x: No such file or directory");
    CHECK(os::system_fault("cannot write", "/x", ENOSPC).text() ==
          "cannot write /x: No space left on device; free some space on that file system");
    CHECK(os::system_fault("cannot write", "/x", EROFS).fix == "the file system is mounted read-only");
    CHECK(os::system_fault("cannot write", "/x", EACCES).fix ==
          "check the owner and the mode, or run as the user that owns it");
  }

  TEST_CASE("directories are made with their parents, and the mode of the last is corrected") {
    test::TempDir dir;
    const auto path = dir.path() / "a/b/c";
    CHECK(os::make_directory(path, 0700).ok());
    CHECK(test::mode_of(path) == 0700);
    CHECK(os::make_directory(path, 0750).ok());
    CHECK(test::mode_of(path) == 0750);
    const auto file = dir.write("file", "");
    CHECK(os::make_directory(file, 0700).fault().message ==
          "cannot create the directory " + file.string() + ": Not a directory");
    CHECK_FALSE(os::make_directory(file / "below", 0700).ok());
  }

  TEST_CASE("missing parents are open to readers whatever the umask, and those that are there stay as they are") {
    test::TempDir dir;
    const mode_t umask_before = ::umask(0077);
    const bool made = os::make_directory(dir.path() / "a/b/c", 0700).ok();
    ::umask(umask_before);
    CHECK(made);
    CHECK(test::mode_of(dir.path() / "a") == 0755);
    CHECK(test::mode_of(dir.path() / "a/b") == 0755);
    CHECK(test::mode_of(dir.path() / "a/b/c") == 0700);
    CHECK(test::mode_of(dir.path()) == 0700);
  }
}

TEST_SUITE("os/lock") {
  TEST_CASE("one holder at a time, and the next one learns who it is") {
    test::TempDir dir;
    const auto path = dir.path() / "lock";
    std::string holder;
    {
      const auto first = os::FileLock::try_take(path, holder);
      REQUIRE(first.ok());
      CHECK(first->has_value());
      const auto second = os::FileLock::try_take(path, holder);
      REQUIRE(second.ok());
      CHECK_FALSE(second->has_value());
      CHECK(holder == std::to_string(::getpid()));
    }
    const auto third = os::FileLock::try_take(path, holder);
    REQUIRE(third.ok());
    CHECK(third->has_value());
  }

  TEST_CASE("a place that cannot hold a lock") {
    std::string holder;
    CHECK(os::FileLock::try_take("/nonexistent/lock", holder).fault().message ==
          "cannot open the lock /nonexistent/lock: No such file or directory");
  }
}
