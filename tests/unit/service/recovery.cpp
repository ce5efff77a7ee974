#include <ostream>

#include <certherd/service/state.hpp>

#include <algorithm>

#include <doctest/doctest.h>

#include "../store/sample_store.hpp"

using namespace certherd;
using namespace certherd::test;

namespace {

/// A state directory whose certherd dies again and again.
struct Host {
  SampleStore store;
  Settings settings;

  Host() {
    store.paths.runtime_dir = store.dir.path() / "run";
    store.paths.audit_log = store.dir.path() / "audit.jsonl";
    settings.paths = store.paths;
    Hook hook;
    hook.id = "reload";
    hook.command = {"/bin/true"};
    settings.hooks.emplace(hook.id, hook);
    store.certificate.hooks = {"reload"};
    settings.certificates.push_back(store.certificate);
  }
  service::State start() const { return service::take_state(settings); }

  Run run(const std::string& id, TimePoint started = now) const {
    Run run;
    run.id = id;
    run.certificate = store.certificate.name;
    run.domains = store.certificate.domains;
    run.started = started;
    return run;
  }
  /// How often the audit log tells of that Run.
  long told(const std::string& id) const {
    const auto lines = journal::tail(settings.paths.audit_log, 1000).or_throw();
    return std::count_if(lines.begin(), lines.end(),
                         [&](const std::string& line) { return line.find("\"run\":\"" + id + "\"") != line.npos; });
  }
};

}  // namespace

TEST_SUITE("service/recovery") {
  TEST_CASE("a Run that died before it published is interrupted, once, and owes nothing") {
    const Host host;
    host.start().journal->begin_run(host.run("a"));
    for (int life = 0; life < 2; ++life) {
      const auto state = host.start();
      const auto run = state.journal->find_run("a").or_throw();
      CHECK(run.outcome == Outcome::interrupted);
      CHECK_FALSE(run.generation);
      CHECK(state.journal->owed_hook_jobs().empty());
      CHECK(host.told("a") == 1);
    }
  }

  TEST_CASE("a Run that died after it published: the Generation is noted, its Hooks are owed, failures are over") {
    const Host host;
    {
      const auto state = host.start();
      CertificateState failing;
      failing.certificate = "example.com";
      failing.failures = 3;
      failing.failure_class = FailureClass::dns_error;
      state.journal->save_state(failing);
      state.journal->begin_run(host.run("a"));
      REQUIRE(host.store.publish());
    }
    for (int life = 0; life < 2; ++life) {
      const auto state = host.start();
      const auto run = state.journal->find_run("a").or_throw();
      CHECK(run.outcome == Outcome::interrupted);
      REQUIRE(run.generation);
      CHECK(run.generation->number == 1);
      CHECK(state.journal->last_deployed().contains("example.com"));
      CHECK(state.journal->state("example.com")->failures == 0);
      const auto owed = state.journal->owed_hook_jobs();
      REQUIRE(owed.size() == 1);
      CHECK(owed.front().run == "a");
      CHECK(owed.front().hook == "reload");
      CHECK(host.told("a") == 1);
    }
  }

  TEST_CASE("what an earlier Run published is not the next one's") {
    const Host host;
    {
      const auto state = host.start();
      auto first = host.run("a");
      state.journal->begin_run(first);
      first.generation = host.store.publish().or_throw();
      first.outcome = Outcome::deployed;
      state.journal->finish_run(first);
      state.journal->begin_run(host.run("b", now + Seconds(10)));
    }
    const auto state = host.start();
    CHECK_FALSE(state.journal->find_run("b").or_throw().generation);
    CHECK(state.journal->owed_hook_jobs().empty());
  }

  TEST_CASE("a Run that died while its Hooks ran owes those that are on record, and no others") {
    const Host host;
    {
      const auto state = host.start();
      state.journal->begin_run(host.run("a"));
      REQUIRE(host.store.publish());
      HookJob job;
      job.run = "a";
      job.hook = "reload";
      job.event = "deployed";
      job.certificate = "example.com";
      job.done = true;
      state.journal->save_hook_job(job);
    }
    const auto state = host.start();
    CHECK(state.journal->find_run("a").or_throw().generation);
    CHECK(state.journal->owed_hook_jobs().empty());
  }

  TEST_CASE("an end that the journal has and the audit log has not") {
    const Host host;
    {
      auto state = host.start();
      for (const std::string id : {"a", "b", "c"}) {
        auto run = host.run(id, now + Seconds(id == "b" ? 10 : id == "c" ? 20 : 0));
        state.journal->begin_run(run);
        run.ended = run.started + Seconds(5);
        run.outcome = Outcome::deployed;
        state.journal->finish_run(run);
        if (id == "b")
          state.journal->save_audit_head(state.audit.append(journal::audit_entry(run, "issue")).or_throw());
      }
    }
    for (int life = 0; life < 2; ++life) {
      const auto state = host.start();
      CHECK(host.told("a") == 1);
      CHECK(host.told("b") == 1);
      CHECK(host.told("c") == 1);
      CHECK(state.journal->find_run("c").or_throw().outcome == Outcome::deployed);
      CHECK(journal::verify_audit(host.settings.paths.audit_log, state.journal->audit_head()).ok);
    }
  }

  TEST_CASE("an audit log that was moved away is not written again") {
    const Host host;
    {
      auto state = host.start();
      auto run = host.run("a");
      state.journal->begin_run(run);
      run.ended = run.started + Seconds(5);
      run.outcome = Outcome::deployed;
      state.journal->finish_run(run);
      state.journal->save_audit_head(state.audit.append(journal::audit_entry(run, "issue")).or_throw());
    }
    std::filesystem::remove(host.settings.paths.audit_log);
    (void)host.start();
    CHECK(host.told("a") == 0);
  }
}
