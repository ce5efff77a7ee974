#include <ostream>

#include <certherd/service/orphans.hpp>

#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>
#include <support/coroutine.hpp>
#include <support/stranger.hpp>
#include <support/temp_dir.hpp>

using namespace certherd;
using namespace certherd::test;
namespace fs = std::filesystem;

namespace {

/// A state directory in which certbots may be at work.
struct Home {
  TempDir dir;
  Paths paths;

  Home() { paths.state_dir = dir.path() / "state"; }

  std::vector<std::string> arguments(const std::string& name) const {
    return {"certonly", "--config-dir", (paths.certbot_dir(name) / "config").string()};
  }
  /// A recorded debug log of a success, up to the end of the line that holds `last`.
  void write_log(const std::string& name, const std::string& last) const {
    const auto text =
        content(fs::path(CERTHERD_TEST_DATA) / "transcripts/2.1.0/success-slow-validation/letsencrypt.log");
    const auto at = text.find(last);
    REQUIRE(at != text.npos);
    write_file(paths.certbot_dir(name) / "logs" / "letsencrypt.log", text.substr(0, text.find('\n', at) + 1));
  }
  int end_all(Seconds grace, Seconds patience = Seconds(60)) const {
    return run_with_stop([&](os::StopSignal& stop) { return service::end_orphans(paths, grace, stop, patience); });
  }
};

const std::string polite = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done";
const std::string stubborn = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
const std::string finishing = "trap 'exit 3' TERM; echo ready; sleep 1; exit 0";

}  // namespace

TEST_SUITE("service/orphans") {
  TEST_CASE("no certbot of an earlier life") {
    const Home home;
    CHECK(home.end_all(Seconds(1)) == 0);
  }

  TEST_CASE("before cleanup: TERM, and KILL for who does not hear it, both at the same time") {
    const Home home;
    home.write_log("example.com", "Performing the following challenges");
    Stranger a(polite, home.arguments("example.com"));
    Stranger b(stubborn, {"--config-dir=" + (home.paths.certbot_dir("example.org") / "config").string()});
    CHECK(home.end_all(Seconds(1)) == 2);
    CHECK(a.end() == "exit 3");
    CHECK(b.end() == "signal 9");
  }

  TEST_CASE("past cleanup it may finish") {
    const Home home;
    home.write_log("example.com", "Cleaning up challenges");
    Stranger certbot(finishing, home.arguments("example.com"));
    CHECK(home.end_all(Seconds(1)) == 1);
    CHECK(certbot.end() == "exit 0");
  }

  TEST_CASE("past cleanup, but for ever") {
    const Home home;
    home.write_log("example.com", "Cleaning up challenges");
    Stranger certbot(polite, home.arguments("example.com"));
    CHECK(home.end_all(Seconds(30), Seconds(1)) == 1);
    CHECK(certbot.end() == "exit 3");
  }

  TEST_CASE("the certbots of others are left alone") {
    const Home home;
    fs::create_directories(home.paths.state_dir);
    const std::string state = home.paths.state_dir.string();
    Stranger other(polite, {"--config-dir", state + "-other/certbot/example.com/config"});
    Stranger above(polite, {"--config-dir", state + "/certbot/../../elsewhere"});
    Stranger all(polite, {"--config-dir", state + "/certbot"});
    Stranger nothing(polite, {state + "/certbot/example.com/config", "--config-dir"});
    CHECK(home.end_all(Seconds(1)) == 0);
    for (const auto* stranger : {&other, &above, &all, &nothing}) CHECK(stranger->runs());
  }

  TEST_CASE("a stop leaves to the next start what still runs") {
    const Home home;
    Stranger certbot(stubborn, home.arguments("example.com"));
    boost::asio::io_context context{1};
    os::StopSignal stop(context.get_executor());
    stop.request();
    CHECK(test::run(context, service::end_orphans(home.paths, Seconds(600), stop)) == 1);
    CHECK(certbot.runs());
  }
}
