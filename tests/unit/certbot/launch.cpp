#include <ostream>

#include <doctest/doctest.h>
#include <certherd/base/text.hpp>
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
  CertbotCommand command = of(script, "/usr/bin/python3");

  static CertbotCommand of(const std::filesystem::path& script, const std::string& interpreter) {
    CertbotCommand command;
    command.executable = script;
    command.interpreter = interpreter;
    command.arguments = {"certonly", "-n"};
    command.environment = {{"PATH", "/bin"}};
    command.shown = "certbot certonly -n";
    return command;
  }
  Result<certbot::PythonCall> call() const { return certbot::python_call(command, launcher); }
  std::filesystem::path fifo() const { return dir.path() / "fifo"; }
};

}  // namespace

TEST_SUITE("certbot/launch") {
  TEST_CASE("a program of ours runs in certbot's own interpreter") {
    LaunchBench bench;
    const auto call = bench.call().or_throw();
    CHECK(call.interpreter == "/usr/bin/python3");
    CHECK(test::Texts(call.arguments) == test::Texts{bench.launcher.string(), bench.script.string()});
  }

  TEST_CASE("flags of the first line are the interpreter's still") {
    LaunchBench bench;
    test::write_script(bench.script, "#! /usr/bin/python3 -sE\n");
    CHECK(bench.call().or_throw().arguments.at(0) == "-sE");
    LaunchBench by_env;
    test::write_script(by_env.script, "#!/usr/bin/env python3\n");
    CHECK(by_env.call().or_throw().arguments.at(0) == by_env.launcher.string());
  }

  TEST_CASE("what our programs are told besides") {
    LaunchBench bench;
    CHECK(certbot::launch_environment(bench.command).empty());
    bench.command.end_wait = "/fifo";
    bench.command.directories = {{"/a \"b\".pem", "/anchors-1"}, {"/c.pem", "/anchors-2"}};
    CHECK(certbot::launch_environment(bench.command) ==
          certbot::Environment{{"CERTHERD_END_WAIT", "/fifo"},
                               {"CERTHERD_ANCHORS", R"({"/a \"b\".pem":"/anchors-1","/c.pem":"/anchors-2"})"}});
  }

  TEST_CASE("one end of the wait for each reader, none without") {
    LaunchBench bench;
    const auto ender = WaitEnder::prepare(bench.command, bench.fifo()).or_throw();
    CHECK(bench.command.end_wait == bench.fifo());
    CHECK(bench.command.shown == "certbot certonly -n");
    CHECK(test::mode_of(bench.fifo()) == 0600);
    CHECK_FALSE(ender->end());
    const int reader = ::open(bench.fifo().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    CHECK(ender->end());
    char byte = 0;
    CHECK(::read(reader, &byte, 1) == 1);
    ::close(reader);
    CHECK_FALSE(ender->end());
  }

  TEST_CASE("the FIFO goes with it") {
    LaunchBench bench;
    { const auto ender = WaitEnder::prepare(bench.command, bench.fifo()).or_throw(); }
    CHECK_FALSE(std::filesystem::exists(bench.fifo()));
  }

  TEST_CASE("no place for the FIFO: the command stays as it was") {
    LaunchBench bench;
    std::filesystem::create_directories(bench.fifo());
    CHECK_FALSE(WaitEnder::prepare(bench.command, bench.fifo()));
    CHECK(bench.command.end_wait.empty());
  }

  TEST_CASE("what cannot be followed is said") {
    struct Wrong {
      const char* what;
      void (*spoil)(LaunchBench&);
      std::string fault;
    };
    const Wrong rows[] = {
        {"no Python script", [](LaunchBench& bench) { bench.command.interpreter.clear(); }, "is no Python script"},
        {"another interpreter", [](LaunchBench& bench) { test::write_script(bench.script, "#!/opt/python3 \n"); },
         "the first line"},
        {"more than one argument",
         [](LaunchBench& bench) { test::write_script(bench.script, "#!/usr/bin/python3 -s -E\n"); }, "the first line"},
        {"no first line", [](LaunchBench& bench) { test::write_script(bench.script, ""); }, "the first line"},
        {"a program that others may write", [](LaunchBench& bench) { ::chmod(bench.launcher.c_str(), 0666); },
         "others may write it"},
        {"no program", [](LaunchBench& bench) { std::filesystem::remove(bench.launcher); }, "is missing"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.what);
      LaunchBench bench;
      row.spoil(bench);
      const auto call = bench.call();
      REQUIRE_FALSE(call);
      CHECK(contains(call.fault().message, row.fault));
    }
  }
}
