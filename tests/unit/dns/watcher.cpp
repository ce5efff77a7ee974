#include <ostream>

#include <doctest/doctest.h>
#include <certherd/dns/watcher.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "../support/coroutine.hpp"
#include "name_server.hpp"

using namespace certherd;
using test::Asked;
using test::NameServer;

namespace {

struct WatchBench {
  boost::asio::io_context io{1};
  boost::asio::thread_pool pool{1};
  std::vector<std::unique_ptr<NameServer>> servers;
  dns::WatchOptions options{std::chrono::steady_clock::now(), Milliseconds(2), Milliseconds(10), Milliseconds(100)};

  /// A server that shows the values from its question number `from` on.
  ServerFacts shows(std::vector<std::string> values, int from, bool authoritative = true) {
    const auto asked = std::make_shared<int>(0);
    servers.push_back(std::make_unique<NameServer>(
        io.get_executor(), "127.0.0.1", 0, [asked, values, from, authoritative](const Asked& question) {
          test::Answer answer;
          answer.authoritative = authoritative;
          if (++*asked >= from)
            for (const auto& value : values)
              answer.answers.push_back("_acme-challenge.example.com. 1 IN TXT \"" + value + "\"");
          return std::vector{answer.wire(question)};
        }));
    ServerFacts facts;
    facts.name = "ns" + std::to_string(servers.size());
    facts.address = servers.back()->endpoint();
    return facts;
  }
  dns::Watcher watcher(std::vector<ServerFacts> facts, std::vector<std::string> values = {"a"}) {
    std::vector<dns::WatchedName> names{{"_acme-challenge.example.com", std::move(values), std::move(facts)}};
    return {io.get_executor(), pool, std::move(names), options};
  }
  ~WatchBench() {
    servers.clear();
    io.restart();
    io.run();
  }
};

}  // namespace

TEST_SUITE("dns/watcher") {
  TEST_CASE("until the last server shows it; each has its own time") {
    WatchBench bench;
    std::vector<ServerFacts> facts{bench.shows({"a"}, 1), bench.shows({"other", "a"}, 4)};
    auto watcher = bench.watcher(facts);
    CHECK(test::run_among_others(bench.io, watcher.run()));
    const auto seen = watcher.visibility();
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].server == "ns1");
    CHECK(seen[0].address == facts[0].address);
    REQUIRE(seen[0].visible_after);
    REQUIRE(seen[1].visible_after);
    CHECK(*seen[0].visible_after <= *seen[1].visible_after);
    CHECK(bench.servers[0]->asked().size() == 1);  // not asked again
    CHECK(bench.servers[1]->asked().size() == 4);
    CHECK_FALSE(bench.servers[1]->asked()[0].recursion);
  }

  TEST_CASE("of two values both are wanted, by a server that speaks for the zone") {
    WatchBench bench;
    std::vector<ServerFacts> facts{bench.shows({"a"}, 1), bench.shows({"a", "b"}, 1, false)};
    auto watcher = bench.watcher(facts, {"a", "b"});
    auto stop_later = [&]() -> boost::asio::awaitable<void> {
      while (bench.servers[0]->asked().size() < 3 || bench.servers[1]->asked().size() < 3) {
        boost::asio::steady_timer timer(bench.io, Milliseconds(1));
        co_await timer.async_wait(boost::asio::use_awaitable);
      }
      watcher.stop();
    };
    boost::asio::co_spawn(bench.io, stop_later(), boost::asio::detached);
    CHECK_FALSE(test::run_among_others(bench.io, watcher.run()));
    for (const auto& server : watcher.visibility()) CHECK_FALSE(server.visible_after);
  }

  TEST_CASE("a server that is away is told with its trouble") {
    WatchBench bench;
    std::vector<ServerFacts> facts{bench.shows({"a"}, 1), bench.shows({"a"}, 1)};
    bench.servers.pop_back();
    auto watcher = bench.watcher(facts);
    auto stop_soon = [&]() -> boost::asio::awaitable<void> {
      boost::asio::steady_timer timer(bench.io, Milliseconds(50));
      co_await timer.async_wait(boost::asio::use_awaitable);
      watcher.stop();
    };
    boost::asio::co_spawn(bench.io, stop_soon(), boost::asio::detached);
    CHECK_FALSE(test::run_among_others(bench.io, watcher.run()));
    const auto seen = watcher.visibility();
    CHECK_FALSE(seen[1].visible_after);
    CHECK(seen[1].error == "connection refused");
  }

  TEST_CASE("with nobody to ask it has seen nothing") {
    WatchBench bench;
    ServerFacts nowhere;
    nowhere.name = "ns9";
    std::vector<ServerFacts> facts{nowhere};
    auto watcher = bench.watcher(facts);
    CHECK_FALSE(test::run_among_others(bench.io, watcher.run()));
    CHECK(watcher.visibility().empty());
  }
}
