#include <ostream>

#include <certherd/base/text.hpp>
#include <certherd/service/json.hpp>

#include <doctest/doctest.h>
#include <boost/json.hpp>
#include <journal/samples.hpp>
#include <support/texts.hpp>

#include <functional>
#include <sstream>

using namespace certherd;
using test::Texts;
namespace json = boost::json;

namespace {

void list(Texts& all, const std::optional<Failure>& failure) {
  if (!failure) return all.push_back("no failure");
  const auto& f = *failure;
  for (const auto& text :
       {std::string(to_string(f.failure_class)), f.phase ? std::string(to_string(*f.phase)) : "no phase", f.error,
        f.problem_type, f.problem_detail, f.problem_domain, f.hint, f.fix,
        f.retry_after ? std::to_string(f.retry_after->count()) : "no retry"})
    all.push_back(text);
}

void list(Texts& all, const PhaseTimeline& timeline) {
  for (const auto& span : timeline.spans)
    all.push_back(std::string(to_string(span.phase)) + " " + format_utc(span.start) + " " +
                  std::to_string(span.duration.count()) + (span.failed ? " failed" : ""));
}

void list(Texts& all, const Attempt& attempt) {
  all.push_back(std::to_string(attempt.number) + " " + format_utc(attempt.started) + " " + format_utc(attempt.ended) +
                " " + attempt.certbot_version + " " + attempt.command_line);
  all.push_back(std::to_string(attempt.exit_code.value_or(-1)) + " " + std::to_string(attempt.signal.value_or(-1)));
  all.push_back(std::to_string(attempt.usage.user.count()) + " " + std::to_string(attempt.usage.system.count()) + " " +
                std::to_string(attempt.usage.max_rss_kib));
  for (const auto& server : attempt.visibility)
    all.push_back(server.server + " " + server.address + " " +
                  std::to_string(server.visible_after.value_or(Milliseconds(-1)).count()) + " " + server.error);
  all.push_back(std::to_string(attempt.wait_ended.value_or(Milliseconds(-1)).count()));
  list(all, attempt.timeline);
  list(all, attempt.failure);
}

/// Everything a Run holds, said without to_json().
Texts members(const Run& run) {
  Texts all{run.id,
            run.certificate,
            join(run.domains, " "),
            run.provider,
            run.account,
            run.ca,
            to_string(run.actor),
            run.reason,
            format_utc(run.started),
            format_utc(run.ended),
            run.outcome ? std::string(to_string(*run.outcome)) : "runs"};
  for (const auto& finding : run.findings)
    all.push_back(std::string(to_string(finding.severity)) + " " + std::string(to_string(finding.topic)) + " " +
                  finding.domain + ": " + finding.seen + " " + finding.fix);
  for (const auto& attempt : run.attempts) list(all, attempt);
  list(all, run.timeline);
  list(all, run.failure);
  if (const auto& g = run.generation) {
    all.push_back(g->certificate + " " + std::to_string(g->number) + " " + g->directory);
    all.push_back(join(g->facts.domains, " ") + " " + g->facts.serial + " " + g->facts.issuer + " " + g->facts.key +
                  " " + format_utc(g->facts.not_before) + " " + format_utc(g->facts.not_after));
  }
  for (const auto& job : run.hook_jobs) {
    all.push_back(job.run + " " + job.hook + " " + job.event + " " + std::to_string(job.position));
    all.push_back(std::to_string(job.done) + " " + std::to_string(job.tries) + " " + format_utc(job.started) + " " +
                  std::to_string(job.duration.count()) + " " + job.error + " " + job.output);
  }
  return all;
}

/// Through the text that goes over the socket.
Result<Run> sent_and_read(const Run& run) {
  return service::run_from_json(json::parse(json::serialize(service::to_json(run))));
}

using Change = std::function<void(json::object& parent, const std::string& key)>;

/// Applies `change` to each member of each object, one at a time, and hands out each document with the member's name.
void for_each_member(json::value& document, json::value& node, const std::string& place, const Change& change,
                     const std::function<void(const std::string& place)>& check) {
  if (node.is_array()) {
    for (std::size_t i = 0; i < node.get_array().size(); ++i)
      for_each_member(document, node.get_array()[i], place + "[" + std::to_string(i) + "]", change, check);
  }
  if (!node.is_object()) return;
  Texts keys;
  for (const auto& member : node.get_object()) keys.push_back(std::string(member.key()));
  for (const auto& key : keys) {
    auto& object = node.get_object();
    const std::string inner = place.empty() ? key : place + "." + key;
    const json::object whole = object;
    change(object, key);
    check(inner);
    object = whole;
    for_each_member(document, node.get_object()[key], inner, change, check);
  }
}

/// What the Faults say when `change` has hit each member; those that made no difference are listed by their name.
Texts untroubled(const Run& run, const Change& change, const std::string& words) {
  json::value document = service::to_json(run);
  Texts names;
  for_each_member(document, document, "", change, [&](const std::string& place) {
    const auto read = service::run_from_json(document);
    if (read.ok()) return names.push_back(place);
    CHECK_MESSAGE(read.fault().message.starts_with("the answer cannot be read: " + place + words),
                  read.fault().message);
    CHECK(contains(read.fault().fix, "restart the service"));
  });
  return names;
}

}  // namespace

TEST_SUITE("service/json") {
  TEST_CASE("a Run with everything in it comes back whole") {
    Run run = test::rich_run();
    run.failure->retry_after = Seconds(90);
    const auto read = sent_and_read(run);
    REQUIRE_MESSAGE(read.ok(), read.fault().message);
    CHECK(members(*read) == members(run));
  }

  TEST_CASE("a Run that has only begun comes back whole") {
    Run run = test::sample_run();
    run.account.clear();
    run.actor = {};
    HookJob owed;
    owed.run = run.id;
    owed.hook = "reload-nginx";
    owed.event = "deployed";
    owed.position = 1;
    run.hook_jobs = {owed};
    const auto read = sent_and_read(run);
    REQUIRE_MESSAGE(read.ok(), read.fault().message);
    CHECK(members(*read) == members(run));
    CHECK(service::to_json(run).at("hooks").as_array()[0].at("started").is_null());
  }

  TEST_CASE("each outcome, FailureClass and Phase comes back") {
    for (const auto& known : all_failure_traits()) {
      Run run = test::sample_run();
      run.failure = Failure{};
      run.failure->failure_class = known.failure_class;
      run.failure->error = "it failed";
      REQUIRE(sent_and_read(run).ok());
      CHECK(members(*sent_and_read(run)) == members(run));
    }
    for (const auto outcome :
         {Outcome::deployed, Outcome::deployed_hook_failed, Outcome::failed, Outcome::interrupted}) {
      const Run run = test::ended_run("run", "example.com", 0, outcome);
      REQUIRE(sent_and_read(run).ok());
      CHECK(members(*sent_and_read(run)) == members(run));
    }
  }

  TEST_CASE("members of a newer version are passed over") {
    const auto add = [](json::object& parent, const std::string&) { parent["news"] = 1; };
    const Run run = test::rich_run();
    json::value document = service::to_json(run);
    for_each_member(document, document, "", add, [&](const std::string&) {
      const auto read = service::run_from_json(document);
      REQUIRE(read.ok());
      CHECK(members(*read) == members(run));
    });
  }

  TEST_CASE("a member that is missing is named") {
    const auto remove = [](json::object& parent, const std::string& key) { parent.erase(key); };
    CHECK(untroubled(test::rich_run(), remove, " is missing") ==
          Texts{"failure.meaning", "phases[2].failed", "attempts[0].phases[1].failed", "attempts[0].failure.meaning"});
  }

  TEST_CASE("a member of a wrong kind is named") {
    const auto spoil = [](json::object& parent, const std::string& key) {
      parent[key] = parent[key].is_array() ? json::value(json::object{}) : json::value(json::array{});
    };
    CHECK(untroubled(test::rich_run(), spoil, " is n") == Texts{"failure.meaning", "attempts[0].failure.meaning"});
  }

  TEST_CASE("values that cannot be are told, each with its place") {
    struct Case {
      const char* pointer;
      json::value value;
      const char* message;
    };
    const Case cases[] = {
        {"/outcome", "won", "outcome is no Outcome that this version knows"},
        {"/actor", "user", "actor is no Actor that this version knows"},
        {"/phases/0/phase", "lunch", "phases[0].phase is no Phase that this version knows"},
        {"/failure/class", "bad_luck", "failure.class is no FailureClass that this version knows"},
        {"/started", "yesterday", "started is no time"},
        {"/phases/0/seconds", -1, "phases[0].seconds is no duration in seconds"},
        {"/phases/0/seconds", 1e300, "phases[0].seconds is no duration in seconds"},
        {"/attempts/0/exit_code", 1.5, "attempts[0].exit_code is no whole number that fits"},
        {"/attempts/0/number", 5'000'000'000, "attempts[0].number is no whole number that fits"},
        {"/domains/1", 7, "domains[1] is no text"},
    };
    for (const auto& [pointer, value, message] : cases) {
      json::value document = service::to_json(test::rich_run());
      document.at_pointer(pointer) = value;
      const auto read = service::run_from_json(document);
      REQUIRE_FALSE(read.ok());
      CHECK(read.fault().message == std::string("the answer cannot be read: ") + message);
    }
  }

  TEST_CASE("what is no object is no Run") {
    for (const json::value& value : {json::value(nullptr), json::value("run"), json::value(json::array{1})}) {
      const auto read = service::run_from_json(value);
      REQUIRE_FALSE(read.ok());
      CHECK(read.fault().message == "the answer cannot be read: run is no object");
    }
  }

  TEST_CASE("print_json writes one line") {
    std::ostringstream out;
    service::print_json(out, json::object{{"text", "two\nlines"}});
    CHECK(out.str() == "{\"text\":\"two\\nlines\"}\n");
  }
}
