#include <doctest/doctest.h>
#include <certherd/service/ledger.hpp>
#include <journal/sample_database.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>

using namespace certherd;

namespace {

/// Runs it to its end; what it threw, if anything.
std::exception_ptr run(boost::asio::awaitable<void> work) {
  boost::asio::io_context io;
  std::exception_ptr thrown;
  boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr error) { thrown = error; });
  io.run();
  return thrown;
}

Settings settings_with_a_limit() {
  Settings settings;
  Ca& ca = settings.cas["lab"];
  ca.id = "lab";
  ca.rate_limits.push_back({RateLimit::Kind::new_orders, 10, Seconds(3600)});
  return settings;
}

const Bucket spent_long_ago{"lab", "new_orders", "lab", 1, TimePoint{} + Seconds(1'700'000'000)};

}  // namespace

TEST_SUITE("service/ledger") {
  TEST_CASE("limits that are unused again leave the database") {
    test::SampleDatabase database;
    database.journal->save_buckets({spent_long_ago});
    boost::asio::thread_pool pool(1);
    service::Ledger ledger(*database.journal, pool);
    CHECK_FALSE(run(ledger.tidy(settings_with_a_limit())));
    CHECK(database.journal->buckets().empty());
  }

  TEST_CASE("the clock was set: what was counted moves with it, in the database too") {
    test::SampleDatabase database;
    database.journal->save_buckets({spent_long_ago});
    boost::asio::thread_pool pool(1);
    service::Ledger ledger(*database.journal, pool);
    CHECK_FALSE(run(ledger.clock_stepped(Milliseconds(-60'000))));
    REQUIRE(database.journal->buckets().size() == 1);
    CHECK(database.journal->buckets()[0].at == spent_long_ago.at - Seconds(60));
  }

  TEST_CASE("a database that cannot be written is no reason to end") {
    test::SampleDatabase database;
    database.journal->save_buckets({spent_long_ago});
    const auto read_only = database.open(journal::Journal::Mode::read_only);
    boost::asio::thread_pool pool(1);
    service::Ledger ledger(*read_only, pool);
    CHECK_FALSE(run(ledger.clock_stepped(Milliseconds(1000))));
    CHECK_FALSE(run(ledger.tidy(settings_with_a_limit())));
    CHECK(read_only->buckets().size() == 1);
  }
}
