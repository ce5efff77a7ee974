#include <ostream>

#include <doctest/doctest.h>
#include <certherd/certbot/launch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/files.hpp"
#include "../support/temp_dir.hpp"
#include "../support/texts.hpp"

using namespace certherd;
using certbot::CertbotCommand;
using certbot::WaitEnder;

namespace {

struct LaunchBench {
  test::TempDir dir;
  std::filesystem::path launcher = test::write_file(dir.path() / "launcher.py", "", 0644);
  std::filesystem::path script = test::write_script(dir.path() / "certbot", "#!/usr/bin/python3\n");
  CertbotCommand command{script, {"certonly", "-n"}, {{"PATH", "/bin"}}, dir.path(), dir.path(), "certbot certonly -n"};

  Result<std::unique_ptr<WaitEnder>> prepare(const std::string& interpreter = "/usr/bin/python3") {
    return WaitEnder::prepare(command, interpreter, launcher, dir.path() / "fifo");
  }
};

}  // namespace

TEST_SUITE("certbot/launch") {
  TEST_CASE("the launcher runs certbot with its own interpreter; what is shown stays") {
    LaunchBench bench;
    const auto ender = bench.prepare();
    REQUIRE(ender.ok());
    CHECK(bench.command.executable == "/usr/bin/python3");
    CHECK(test::Texts(bench.command.arguments) ==
          test::Texts{bench.launcher.string(), bench.script.string(), "certonly", "-n"});
    CHECK(bench.command.environment.back() ==
          std::pair<std::string, std::string>("CERTHERD_END_WAIT", (bench.dir.path() / "fifo").string()));
    CHECK(bench.command.shown == "certbot certonly -n");
  }

  TEST_CASE("flags of the first line are the interpreter's still") {
    LaunchBench bench;
    test::write_script(bench.script, "#! /usr/bin/python3 -sE\n");
    REQUIRE(bench.prepare().ok());
    CHECK(bench.command.arguments.at(0) == "-sE");
    LaunchBench by_env;
    test::write_script(by_env.script, "#!/usr/bin/env python3\n");
    REQUIRE(by_env.prepare().ok());
    CHECK(by_env.command.arguments.at(0) == by_env.launcher.string());
  }

  TEST_CASE("one end of the wait for each reader, none without") {
    LaunchBench bench;
    const auto ender = bench.prepare().or_throw();
    const auto fifo = bench.dir.path() / "fifo";
    CHECK(test::mode_of(fifo) == 0600);
    CHECK_FALSE(ender->end());
    const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    CHECK(ender->end());
    char byte = 0;
    CHECK(::read(reader, &byte, 1) == 1);
    ::close(reader);
    CHECK_FALSE(ender->end());
  }

  TEST_CASE("the FIFO goes with it") {
    LaunchBench bench;
    { const auto ender = bench.prepare().or_throw(); }
    CHECK_FALSE(std::filesystem::exists(bench.dir.path() / "fifo"));
  }

  TEST_CASE("where anything is not as expected the command stays as it was") {
    struct Wrong {
      const char* what;
      void (*spoil)(LaunchBench&);
      std::string interpreter;
    };
    const Wrong rows[] = {
        {"no Python script", [](LaunchBench&) {}, ""},
        {"another interpreter", [](LaunchBench& bench) { test::write_script(bench.script, "#!/opt/python3 \n"); },
         "/usr/bin/python3"},
        {"more than one argument",
         [](LaunchBench& bench) { test::write_script(bench.script, "#!/usr/bin/python3 -s -E\n"); },
         "/usr/bin/python3"},
        {"no first line", [](LaunchBench& bench) { test::write_script(bench.script, ""); }, "/usr/bin/python3"},
        {"a launcher that others may write", [](LaunchBench& bench) { ::chmod(bench.launcher.c_str(), 0666); },
         "/usr/bin/python3"},
        {"no launcher", [](LaunchBench& bench) { std::filesystem::remove(bench.launcher); }, "/usr/bin/python3"},
        {"no place for the FIFO",
         [](LaunchBench& bench) { std::filesystem::create_directories(bench.dir.path() / "fifo"); },
         "/usr/bin/python3"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.what);
      LaunchBench bench;
      row.spoil(bench);
      CHECK_FALSE(bench.prepare(row.interpreter));
      CHECK(bench.command.executable == bench.script);
      CHECK(test::Texts(bench.command.arguments) == test::Texts{"certonly", "-n"});
      CHECK(bench.command.environment.size() == 1);
    }
  }
}
