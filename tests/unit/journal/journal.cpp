#include <certherd/journal/journal.hpp>

#include <ostream>

#include <doctest/doctest.h>

#include "same_job.hpp"
#include "sample_database.hpp"

using namespace certherd;
using namespace certherd::test;
using certherd::journal::AuditHead;
using certherd::journal::HistoryFilter;

namespace {

void check_same(const std::optional<Failure>& seen, const std::optional<Failure>& expected) {
  REQUIRE(seen.has_value() == expected.has_value());
  if (!seen) return;
  CHECK(seen->failure_class == expected->failure_class);
  CHECK(seen->phase == expected->phase);
  CHECK(seen->error == expected->error);
  CHECK(seen->problem_type == expected->problem_type);
  CHECK(seen->problem_detail == expected->problem_detail);
  CHECK(seen->problem_domain == expected->problem_domain);
  CHECK(seen->hint == expected->hint);
  CHECK(seen->fix == expected->fix);
  CHECK(seen->retry_after == expected->retry_after);
}

void check_same(const Attempt& seen, const Attempt& expected) {
  CHECK(seen.number == expected.number);
  CHECK(seen.started == expected.started);
  CHECK(seen.ended == expected.ended);
  CHECK(seen.certbot_version == expected.certbot_version);
  CHECK(seen.command_line == expected.command_line);
  CHECK(seen.exit_code == expected.exit_code);
  CHECK(seen.signal == expected.signal);
  CHECK(seen.usage.user == expected.usage.user);
  CHECK(seen.usage.system == expected.usage.system);
  CHECK(seen.usage.max_rss_kib == expected.usage.max_rss_kib);
  CHECK((seen.timeline.spans == expected.timeline.spans));
  CHECK(seen.wait_ended == expected.wait_ended);
  REQUIRE(seen.visibility.size() == expected.visibility.size());
  for (std::size_t i = 0; i < seen.visibility.size(); ++i) {
    CHECK(seen.visibility[i].server == expected.visibility[i].server);
    CHECK(seen.visibility[i].address == expected.visibility[i].address);
    CHECK(seen.visibility[i].visible_after == expected.visibility[i].visible_after);
    CHECK(seen.visibility[i].error == expected.visibility[i].error);
  }
  check_same(seen.failure, expected.failure);
}

void check_same(const Generation& seen, const Generation& expected) {
  CHECK(seen.certificate == expected.certificate);
  CHECK(seen.number == expected.number);
  CHECK(seen.directory == expected.directory);
  CHECK(Texts(seen.facts.domains) == Texts(expected.facts.domains));
  CHECK(seen.facts.serial == expected.facts.serial);
  CHECK(seen.facts.issuer == expected.facts.issuer);
  CHECK(seen.facts.key == expected.facts.key);
  CHECK(seen.facts.not_before == expected.facts.not_before);
  CHECK(seen.facts.not_after == expected.facts.not_after);
}

/// What history() gives of a Run.
void check_same_light(const Run& seen, const Run& expected) {
  CHECK(seen.id == expected.id);
  CHECK(seen.certificate == expected.certificate);
  CHECK(Texts(seen.domains) == Texts(expected.domains));
  CHECK(seen.provider == expected.provider);
  CHECK(seen.account == expected.account);
  CHECK(seen.ca == expected.ca);
  CHECK(to_string(seen.actor) == to_string(expected.actor));
  CHECK(seen.reason == expected.reason);
  CHECK(seen.started == expected.started);
  CHECK(seen.ended == expected.ended);
  CHECK(seen.outcome == expected.outcome);
  check_same(seen.failure, expected.failure);
}

}  // namespace

TEST_SUITE("journal/journal") {
  TEST_CASE("a whole Run comes back as it was, also after reopening") {
    SampleDatabase database;
    const Run run = rich_run();
    database.save(run);
    database.journal.reset();
    const auto found = database.open()->find_run(run.id);
    REQUIRE(found);
    check_same_light(*found, run);
    CHECK((found->timeline.spans == run.timeline.spans));
    REQUIRE(found->attempts.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) check_same(found->attempts[i], run.attempts[i]);
    REQUIRE(found->generation);
    check_same(*found->generation, *run.generation);
    REQUIRE(found->findings.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
      const Finding& seen = found->findings[i];
      const Finding& expected = run.findings[i];
      CHECK(seen.severity == expected.severity);
      CHECK(seen.topic == expected.topic);
      CHECK(Texts{seen.domain, seen.seen, seen.fix} == Texts{expected.domain, expected.seen, expected.fix});
    }
    REQUIRE(found->hook_jobs.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) check_same(found->hook_jobs[i], run.hook_jobs[i]);
  }

  TEST_CASE("an Attempt saved again replaces the first") {
    const SampleDatabase database;
    Run run = rich_run();
    database.save(run);
    run.attempts[0].failure.reset();
    run.attempts[0].exit_code = 0;
    run.attempts[0].timeline.spans.pop_back();
    database.journal->save_attempt(run.id, run.attempts[0]);
    const auto found = database.journal->find_run(run.id);
    REQUIRE(found->attempts.size() == 2);
    check_same(found->attempts[0], run.attempts[0]);
  }

  TEST_CASE("a huge error text and one with every byte") {
    const SampleDatabase database;
    Run run = rich_run();
    run.failure->error = std::string(1 << 20, 'x');
    run.failure->hint.clear();
    for (int byte = 1; byte < 256; ++byte) run.failure->hint += static_cast<char>(byte);
    database.save(run);
    check_same(database.journal->find_run(run.id)->failure, run.failure);
  }

  TEST_CASE("text that looks like SQL is text") {
    const SampleDatabase database;
    const Run run = sample_run("'; DROP TABLE runs; --", "x' OR '1'='1");
    database.save(run);
    HistoryFilter filter;
    filter.certificate = "x' OR '1'='1";
    CHECK(ids(database.journal->history(filter)) == Texts{run.id});
  }

  TEST_CASE("a Run that has begun has no outcome, and shows after its program died") {
    SampleDatabase database;
    database.journal->begin_run(sample_run("a", "example.com", 1));
    database.save(ended_run("b", "example.org", 2, Outcome::deployed));
    database.journal.reset();
    const auto journal = database.open();
    const auto runs = journal->history();
    REQUIRE(ids(runs) == Texts{"b", "a"});
    CHECK_FALSE(runs[1].outcome);
    CHECK(runs[1].ended == TimePoint());
    HistoryFilter unfinished;
    unfinished.unfinished_only = true;
    CHECK(ids(journal->history(unfinished)) == Texts{"a"});
  }

  TEST_CASE("history by certificate, outcome, time and number") {
    const SampleDatabase database;
    database.save(ended_run("1", "example.com", 1000, Outcome::deployed));
    database.save(ended_run("2", "example.com", 2000, Outcome::failed));
    database.save(ended_run("3", "example.org", 3000, Outcome::deployed_hook_failed));
    database.save(ended_run("4", "example.org", 4000, Outcome::interrupted));
    const auto found = [&](auto change) {
      HistoryFilter filter;
      change(filter);
      return ids(database.journal->history(filter));
    };
    CHECK(found([](HistoryFilter&) {}) == Texts{"4", "3", "2", "1"});
    CHECK(found([](HistoryFilter& filter) { filter.certificate = "example.com"; }) == Texts{"2", "1"});
    CHECK(found([](HistoryFilter& filter) { filter.failed_only = true; }) == Texts{"3", "2"});
    CHECK(found([](HistoryFilter& filter) { filter.since = at(2000); }) == Texts{"4", "3", "2"});
    CHECK(found([](HistoryFilter& filter) { filter.limit = 2; }) == Texts{"4", "3"});
    CHECK(found([](HistoryFilter& filter) {
            filter.certificate = "example.com";
            filter.failed_only = true;
            filter.since = at(0);
            filter.limit = 1;
          }) == Texts{"2"});
    CHECK(found([](HistoryFilter& filter) { filter.certificate = "example.net"; }) == Texts{});
  }

  TEST_CASE("the light form holds all but the parts") {
    const SampleDatabase database;
    const Run run = rich_run();
    database.save(run);
    const auto runs = database.journal->history();
    REQUIRE(runs.size() == 1);
    check_same_light(runs[0], run);
    CHECK(runs[0].attempts.empty());
    CHECK(runs[0].hook_jobs.empty());
  }

  TEST_CASE("the last Run of each certificate, the later one of the same millisecond") {
    const SampleDatabase database;
    database.save(ended_run("3", "example.org", 500, Outcome::deployed));
    database.save(ended_run("1", "example.com", 1000, Outcome::deployed));
    database.save(ended_run("2", "example.com", 3000, Outcome::failed));
    database.save(ended_run("20", "example.com", 3000, Outcome::deployed));
    database.journal->begin_run(sample_run("4", "example.net", 10));
    CHECK(ids(database.journal->last_runs()) == Texts{"20", "4", "3"});
  }

  TEST_CASE("a Run by the beginning of its id") {
    const SampleDatabase database;
    for (const auto* id : {"20261123T120000Z-a-1", "20261123T120001Z-b-2", "20261124_x", "20261124%x"})
      database.journal->begin_run(sample_run(id));
    auto& journal = *database.journal;
    CHECK(journal.find_run("20261123T120001")->id == "20261123T120001Z-b-2");
    CHECK(journal.find_run("20261124_")->id == "20261124_x");
    CHECK(journal.find_run("20261124%")->id == "20261124%x");
    CHECK(journal.find_run("2026112!").fault().text() ==
          "there is no run '2026112!'; 'certherd history' lists the runs");
    CHECK(journal.find_run("").fault().text() == "there is no run ''; 'certherd history' lists the runs");
    CHECK(journal.find_run("20261123").fault().text() ==
          "several runs begin with '20261123': 20261123T120000Z-a-1, 20261123T120001Z-b-2; write more of the id");
    CHECK(journal.find_run("2026").fault().text() ==
          "several runs begin with '2026': 20261123T120000Z-a-1, 20261123T120001Z-b-2, 20261124%x, …; "
          "write more of the id");
  }

  TEST_CASE("an id that begins another one") {
    const SampleDatabase database;
    database.journal->begin_run(sample_run("ab"));
    database.journal->begin_run(sample_run("abc"));
    CHECK(database.journal->find_run("ab")->id == "ab");
  }

  TEST_CASE("the newest published Run of each certificate") {
    const SampleDatabase database;
    database.save(ended_run("1", "example.com", 1000, Outcome::deployed));
    database.save(ended_run("2", "example.com", 2000, Outcome::deployed_hook_failed));
    database.save(ended_run("3", "example.com", 3000, Outcome::failed));
    database.save(ended_run("4", "example.org", 500, Outcome::deployed));
    database.save(ended_run("5", "example.org", 500, Outcome::deployed));
    database.save(ended_run("6", "example.org", 500, Outcome::interrupted));
    database.save(ended_run("7", "example.net", 10, Outcome::failed));
    database.journal->begin_run(sample_run("8", "example.com", 9000));
    const auto runs = database.journal->last_deployed();
    CHECK(runs.size() == 2);
    CHECK(runs.at("example.com").id == "2");
    CHECK(runs.at("example.com").outcome == Outcome::deployed_hook_failed);
    CHECK(runs.at("example.org").id == "5");

    Run cut_off = ended_run("9", "example.org", 600, Outcome::interrupted);
    cut_off.generation = Generation{"example.org", 3, "/store/3", {}};
    database.save(cut_off);
    CHECK(database.journal->last_deployed().at("example.org").id == "9");
  }

  TEST_CASE("the audit head goes forward only") {
    const SampleDatabase database;
    CHECK_FALSE(database.journal->audit_head());
    const AuditHead five{5, std::string(64, 'a')};
    database.journal->save_audit_head(five);
    CHECK(database.journal->audit_head() == five);
    database.journal->save_audit_head({4, std::string(64, 'b')});
    CHECK(database.journal->audit_head() == five);
    const AuditHead six{6, std::string(64, 'c')};
    database.journal->save_audit_head(six);
    CHECK(database.journal->audit_head() == six);
  }

  TEST_CASE("the same Run cannot begin twice; what was saved stays") {
    const SampleDatabase database;
    database.save(ended_run("a", "example.com", 1, Outcome::deployed));
    CHECK_THROWS_AS(database.journal->begin_run(sample_run("a", "other")), Failed);
    CHECK(database.journal->find_run("a")->certificate == "example.com");
  }
}
