#include <certherd/os/fd.hpp>
#include <certherd/os/notify.hpp>

#include <doctest/doctest.h>

#include <support/environment_variable.hpp>
#include <support/temp_dir.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstring>

using namespace certherd;
using namespace certherd::os;
using test::EnvironmentVariable;

namespace {

/// systemd's end of the notification socket.
class Manager {
public:
  Manager() : path_((directory_.path() / "notify").string()), variable_("NOTIFY_SOCKET", path_) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path_.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path_.data(), path_.size());
    socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }

  /// The next message; "" if none was sent.
  std::string told() {
    std::array<char, 4096> buffer;
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    return got < 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(got));
  }

private:
  test::TempDir directory_;
  std::string path_;
  EnvironmentVariable variable_;
  Fd socket_;
};

}  // namespace

TEST_SUITE("os/notify") {
  TEST_CASE("each word reaches systemd") {
    Manager manager;
    notify_ready("watching 3 certificates");
    CHECK(manager.told() == "READY=1\nSTATUS=watching 3 certificates");
    notify_status("2 runs under way");
    CHECK(manager.told() == "STATUS=2 runs under way");
    notify_stopping("waiting for 2 certbots");
    CHECK(manager.told() == "STOPPING=1\nSTATUS=waiting for 2 certbots");
    notify_stopping();
    CHECK(manager.told() == "STOPPING=1");
    notify_watchdog();
    CHECK(manager.told() == "WATCHDOG=1");
    notify_extend_timeout(Milliseconds(60'500));
    CHECK(manager.told() == "EXTEND_TIMEOUT_USEC=60500000");
    CHECK(manager.told() == "");
  }

  TEST_CASE("a reload carries the monotonic time at which it began") {
    Manager manager;
    notify_reloading();
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::string told = manager.told();
    const std::string start = "RELOADING=1\nMONOTONIC_USEC=";
    REQUIRE(told.starts_with(start));
    const long long microseconds = std::stoll(told.substr(start.size()));
    const long long present = now.tv_sec * 1'000'000LL + now.tv_nsec / 1000;
    CHECK(microseconds <= present);
    CHECK(microseconds > present - 60'000'000);
  }

  TEST_CASE("a status cannot smuggle in another assignment") {
    Manager manager;
    notify_status("bad\nREADY=1\x1b[31m");
    CHECK(manager.told() == "STATUS=bad READY=1\\x1b[31m");
  }

  TEST_CASE("without systemd, and with one that is gone, nothing happens") {
    ::unsetenv("NOTIFY_SOCKET");
    notify_ready("fine");
    const EnvironmentVariable gone("NOTIFY_SOCKET", "/nonexistent/notify");
    notify_ready("fine");
  }

  TEST_CASE("the watchdog is fed twice in its time, by the process it means alone") {
    ::unsetenv("WATCHDOG_USEC");
    CHECK_FALSE(watchdog_interval());
    const EnvironmentVariable time("WATCHDOG_USEC", "60000000");
    CHECK(watchdog_interval() == Milliseconds(30'000));
    {
      const EnvironmentVariable ours("WATCHDOG_PID", std::to_string(::getpid()));
      CHECK(watchdog_interval() == Milliseconds(30'000));
    }
    {
      const EnvironmentVariable other("WATCHDOG_PID", "1");
      CHECK_FALSE(watchdog_interval());
    }
    const EnvironmentVariable nonsense("WATCHDOG_USEC", "soon");
    CHECK_FALSE(watchdog_interval());
  }
}
