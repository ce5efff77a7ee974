#include <ostream>

#include "../../../src/api/socket_file.hpp"

#include <certherd/base/text.hpp>

#include <doctest/doctest.h>
#include <grp.h>
#include <sys/stat.h>
#include <support/files.hpp>
#include <support/in_child.hpp>
#include <support/temp_dir.hpp>
#include <support/unix_client.hpp>

#include <csignal>
#include <filesystem>

using namespace certherd;
using api::SocketFile;
namespace fs = std::filesystem;

namespace {

std::string fault_of(const Result<SocketFile>& result) {
  return result ? "no fault" : result.fault().message;
}

struct stat status_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

/// A socket file whose owner died without taking it away.
void leave_stale(const fs::path& path) {
  const os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = test::unix_address(path);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd.get(), 1) == 0);
}

std::size_t files_in(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), {}));
}

}  // namespace

TEST_SUITE("api/socket_file") {
  TEST_CASE("the file has its mode and group, whatever the umask") {
    const test::TempDir directory;
    const fs::path path = directory.path() / "control.sock";
    // root may give any group, others their own.
    const group* const group = ::getuid() == 0 ? ::getgrnam("adm") : ::getgrgid(::getegid());
    REQUIRE(group);
    const std::string name = group->gr_name;
    const gid_t gid = group->gr_gid;
    for (const mode_t mask : {0000, 0077, 0022}) {
      for (const mode_t mode : {0660, 0600, 0666}) {
        const mode_t before = ::umask(mask);
        const auto file = SocketFile::listen(path, mode, name);
        ::umask(before);
        REQUIRE_MESSAGE(file.ok(), fault_of(file));
        CHECK((status_of(path).st_mode & 07777) == mode);
        CHECK(S_ISSOCK(status_of(path).st_mode));
        CHECK(status_of(path).st_gid == gid);
        CHECK(files_in(directory.path()) == 1);
      }
    }
    CHECK(files_in(directory.path()) == 0);
  }

  TEST_CASE("a socket on which nobody answers is replaced, and what a start left half made") {
    const test::TempDir directory;
    const fs::path path = directory.path() / "control.sock";
    leave_stale(path);
    leave_stale(path.native() + "~");
    const auto file = SocketFile::listen(path, 0600, "");
    REQUIRE_MESSAGE(file.ok(), fault_of(file));
    test::UnixClient client(path);
    CHECK(files_in(directory.path()) == 1);
  }

  TEST_CASE("a socket on which somebody answers is left alone") {
    const test::TempDir directory;
    const fs::path path = directory.path() / "control.sock";
    const auto first = SocketFile::listen(path, 0600, "");
    REQUIRE(first.ok());
    const auto inode = status_of(path).st_ino;
    const auto second = SocketFile::listen(path, 0600, "");
    CHECK(fault_of(second) == "cannot listen on " + path.string() + ": another program listens there");
    CHECK(status_of(path).st_ino == inode);
    CHECK(files_in(directory.path()) == 1);
    test::UnixClient client(path);
  }

  TEST_CASE("a file that is no socket is left alone") {
    const test::TempDir directory;
    const fs::path path = directory.write("control.sock", "precious");
    const auto file = SocketFile::listen(path, 0600, "");
    CHECK(fault_of(file) == "cannot listen on " + path.string() + ": a file that is no socket is there");
    CHECK(test::content(path) == "precious");
    const fs::path link = directory.path() / "link";
    fs::create_symlink(path, link);
    CHECK(contains(fault_of(SocketFile::listen(link, 0600, "")), "a file that is no socket is there"));
  }

  TEST_CASE("at the end the file is removed, unless another has its place") {
    const test::TempDir directory;
    const fs::path path = directory.path() / "control.sock";
    auto file = SocketFile::listen(path, 0600, "");
    REQUIRE(file.ok());
    fs::remove(path);
    leave_stale(path);
    file->close();
    CHECK(fs::exists(path));
    {
      const auto again = SocketFile::listen(path, 0600, "");
      REQUIRE(again.ok());
    }
    CHECK_FALSE(fs::exists(path));
  }

  TEST_CASE("what cannot be is told, and leaves nothing behind") {
    const test::TempDir directory;
    const fs::path path = directory.path() / "control.sock";
    const auto group = SocketFile::listen(path, 0600, "no-such-group");
    CHECK(fault_of(group) == "the group 'no-such-group' of the control socket does not exist");
    CHECK(contains(group.fault().fix, "groupadd --system no-such-group"));
    const fs::path long_path = directory.path() / std::string(100, 'x');
    CHECK(contains(fault_of(SocketFile::listen(long_path, 0600, "")), "is too long: the system allows 106 bytes"));
    const fs::path nowhere = directory.path() / "missing" / "control.sock";
    CHECK(fault_of(SocketFile::listen(nowhere, 0600, "")) ==
          "cannot listen on " + nowhere.string() + ": No such file or directory");
    CHECK(files_in(directory.path()) == 0);
  }

  TEST_CASE("the longest path that is allowed works") {
    const test::TempDir directory;
    const std::string start = directory.path().string() + "/";
    const fs::path path = start + std::string(106 - start.size(), 'x');
    const auto file = SocketFile::listen(path, 0600, "");
    REQUIRE_MESSAGE(file.ok(), fault_of(file));
    test::UnixClient client(path);
  }

  TEST_CASE("a group of which the service is no member is told") {
    if (::getuid() != 0) return;  // the change of user below is root's
    const test::TempDir directory;
    fs::permissions(directory.path(), fs::perms::all);
    const fs::path path = directory.path() / "control.sock";
    const std::string told = test::in_child([&]() -> std::string {
      if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) return "no change of user";
      const auto file = SocketFile::listen(path, 0600, "adm");
      return file ? "no fault" : file.fault().text();
    });
    CHECK(told ==
          "cannot give the control socket to the group 'adm': the service is not a member of it; "
          "make the user of the service a member (usermod --append --groups adm certherd)");
    CHECK(files_in(directory.path()) == 0);
  }
}
