#include <certherd/journal/journal.hpp>

#include <ostream>

#include <doctest/doctest.h>

#include "same_job.hpp"
#include "sample_database.hpp"

using namespace certherd;
using namespace certherd::test;
using certherd::journal::HookJobFilter;

namespace {

/// "run/position".
Texts places(const std::vector<HookJob>& jobs) {
  Texts texts;
  for (const auto& job : jobs) texts.push_back(job.run + "/" + std::to_string(job.position));
  return texts;
}

}  // namespace

TEST_SUITE("journal/hook_jobs") {
  TEST_CASE("owed hook jobs, oldest Run first, until they are done or dropped") {
    SampleDatabase database;
    HookJob job = sample_job("run-2", 1, "reload");
    HookJob tell = sample_job("run-1", 2, "tell");
    tell.next_try = at(5000);
    tell.error = "exit code 1";
    tell.tries = 1;
    HookJob done = sample_job("run-1", 1, "reload");
    done.done = true;
    database.journal->save_hook_job(job);
    database.journal->save_hook_jobs(std::vector<HookJob>{tell, done});
    database.journal.reset();
    database.journal = database.open();
    auto owed = database.journal->owed_hook_jobs();
    REQUIRE(owed.size() == 2);
    check_same(owed[0], tell);
    check_same(owed[1], job);
    job.done = true;
    job.tries = 1;
    database.journal->save_hook_job(job);
    CHECK(places(database.journal->owed_hook_jobs()) == Texts{"run-1/2"});
    tell.dropped = true;
    tell.error = "the hook is no longer configured";
    database.journal->save_hook_job(tell);
    CHECK(database.journal->owed_hook_jobs().empty());
    const auto all = database.journal->hook_jobs();
    REQUIRE(all.size() == 3);
    check_same(all[0], job);
    check_same(all[1], done);
    check_same(all[2], tell);
  }

  TEST_CASE("jobs by certificate, hook, state and number") {
    const SampleDatabase database;
    database.journal->save_hook_job(sample_job("1", 1, "reload", "example.com"));
    database.journal->save_hook_job(sample_job("1", 2, "tell", "example.com"));
    auto done = sample_job("2", 1, "reload", "example.org");
    done.done = true;
    database.journal->save_hook_job(done);
    auto dropped = sample_job("3", 1, "reload", "example.org");
    dropped.dropped = true;
    database.journal->save_hook_job(dropped);
    const auto found = [&](auto change) {
      HookJobFilter filter;
      change(filter);
      return places(database.journal->hook_jobs(filter));
    };
    CHECK(found([](HookJobFilter&) {}) == Texts{"3/1", "2/1", "1/1", "1/2"});
    CHECK(found([](HookJobFilter& filter) { filter.certificate = "example.com"; }) == Texts{"1/1", "1/2"});
    CHECK(found([](HookJobFilter& filter) { filter.hook = "reload"; }) == Texts{"3/1", "2/1", "1/1"});
    CHECK(found([](HookJobFilter& filter) { filter.owed_only = true; }) == Texts{"1/1", "1/2"});
    CHECK(found([](HookJobFilter& filter) { filter.limit = 2; }) == Texts{"3/1", "2/1"});
    CHECK(found([](HookJobFilter& filter) {
            filter.certificate = "example.com";
            filter.hook = "tell";
            filter.owed_only = true;
            filter.limit = 5;
          }) == Texts{"1/2"});
  }

  TEST_CASE("jobs that one execution has served are saved together or not at all") {
    const SampleDatabase database;
    const auto reader = database.open(journal::Journal::Mode::read_only);
    auto first = sample_job("1", 1, "reload");
    auto second = sample_job("2", 1, "reload");
    second.ran_with = "1/1";
    first.done = second.done = true;
    CHECK_THROWS_AS(reader->save_hook_jobs(std::vector<HookJob>{first, second}), Failed);
    CHECK(reader->hook_jobs().empty());
    database.journal->save_hook_jobs(std::vector<HookJob>{first, second});
    const auto all = reader->hook_jobs();
    REQUIRE(all.size() == 2);
    CHECK(all[0].ran_with == "1/1");
    CHECK(all[1].ran_with == "");
    database.journal->save_hook_jobs({});
    CHECK(reader->hook_jobs().size() == 2);
  }
}
