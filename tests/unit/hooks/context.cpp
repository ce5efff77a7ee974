#include <ostream>

#include <certherd/base/text.hpp>
#include <certherd/hooks/context.hpp>

#include <boost/json.hpp>

#include <doctest/doctest.h>

#include <algorithm>

using namespace certherd;
using hooks::HookContext;

namespace {

const TimePoint not_before = *parse_utc("2026-11-23T20:44:18Z");
const TimePoint not_after = *parse_utc("2027-02-21T20:44:17Z");

Run deployed_run() {
  Run run;
  run.id = "20261123T214418Z-example.com-1f3a";
  run.certificate = "example.com";
  run.domains = {"example.com", "*.example.com"};
  run.outcome = Outcome::deployed;
  Generation generation;
  generation.certificate = "example.com";
  generation.number = 7;
  generation.directory = "/var/lib/certherd/generations/example.com/7";
  generation.facts = {{"*.example.com", "example.com"}, "04ab", "R10", "ecdsa secp256r1", "", not_before, not_after};
  run.generation = generation;
  return run;
}

Run failed_run() {
  Run run;
  run.id = "20261123T214418Z-example.com-1f3a";
  run.certificate = "example.com";
  run.domains = {"example.com"};
  run.outcome = Outcome::failed;
  Failure failure;
  failure.failure_class = FailureClass::txt_missing;
  failure.phase = Phase::validation;
  failure.error = "Some challenges have failed.";
  failure.problem_type = "urn:ietf:params:acme:error:unauthorized";
  failure.problem_detail = "No TXT record found";
  failure.fix = "raise propagation_seconds above 30";
  run.failure = failure;
  return run;
}

Generation previous() {
  Generation generation;
  generation.directory = "/var/lib/certherd/generations/example.com/6";
  return generation;
}

HookContext context_of(const Run& run) {
  const auto event = run.failure ? HookEvent::failed : HookEvent::deployed;
  return hooks::context_of(event, run, Paths{}, run.failure ? std::nullopt : std::optional(previous()), "web1");
}

std::string lines(const std::vector<std::pair<std::string, std::string>>& environment) {
  std::string text;
  for (const auto& [name, value] : environment) text += name + "=" + value + "\n";
  return text;
}

std::string value_of(const HookContext& context, const std::string& name) {
  for (const auto& [known, value] : hooks::environment(context))
    if (known == name) return value;
  return "(absent)";
}

}  // namespace

TEST_SUITE("hooks/context") {
  TEST_CASE("events have names and names are events") {
    CHECK(hooks::to_string(HookEvent::deployed) == "deployed");
    CHECK(hooks::to_string(HookEvent::failed) == "failed");
    for (const auto event : {HookEvent::deployed, HookEvent::failed, HookEvent::expiring, HookEvent::recovered})
      CHECK(hooks::parse_event(hooks::to_string(event)) == event);
    CHECK(hooks::to_string(HookEvent::expiring) == "expiring");
    CHECK(hooks::to_string(HookEvent::recovered) == "recovered");
    CHECK(hooks::parse_event("deployed") == HookEvent::deployed);
    CHECK(hooks::parse_event("failed") == HookEvent::failed);
    CHECK_FALSE(hooks::parse_event("renewed").has_value());
  }

  TEST_CASE("the environment after a deployment") {
    CHECK(lines(hooks::environment(context_of(deployed_run()))) ==
          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
          "LANG=C.UTF-8\n"
          "CERTHERD_EVENT=deployed\n"
          "CERTHERD_NAME=example.com\n"
          "CERTHERD_NAMES=example.com\n"
          "CERTHERD_DOMAINS=example.com *.example.com\n"
          "CERTHERD_RUN=20261123T214418Z-example.com-1f3a\n"
          "CERTHERD_OUTCOME=deployed\n"
          "CERTHERD_PREVIOUS_GENERATION=/var/lib/certherd/generations/example.com/6\n"
          "RENEWED_LINEAGE=/var/lib/certherd/certificates/example.com\n"
          "RENEWED_DOMAINS=*.example.com example.com\n"
          "CERTHERD_CERT=/var/lib/certherd/certificates/example.com/cert.pem\n"
          "CERTHERD_CHAIN=/var/lib/certherd/certificates/example.com/chain.pem\n"
          "CERTHERD_FULLCHAIN=/var/lib/certherd/certificates/example.com/fullchain.pem\n"
          "CERTHERD_KEY=/var/lib/certherd/certificates/example.com/privkey.pem\n"
          "CERTHERD_GENERATION=/var/lib/certherd/generations/example.com/7\n"
          "CERTHERD_SERIAL=04ab\n"
          "CERTHERD_NOT_AFTER=2027-02-21T20:44:17.000Z\n");
  }

  TEST_CASE("the environment after a failure has no RENEWED_LINEAGE, for nothing was renewed") {
    CHECK(lines(hooks::environment(context_of(failed_run()))) ==
          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
          "LANG=C.UTF-8\n"
          "CERTHERD_EVENT=failed\n"
          "CERTHERD_NAME=example.com\n"
          "CERTHERD_NAMES=example.com\n"
          "CERTHERD_DOMAINS=example.com\n"
          "CERTHERD_RUN=20261123T214418Z-example.com-1f3a\n"
          "CERTHERD_OUTCOME=failed\n"
          "CERTHERD_PREVIOUS_GENERATION=\n"
          "CERTHERD_FAILURE_CLASS=txt_missing\n"
          "CERTHERD_ERROR=Some challenges have failed.\n"
          "CERTHERD_FIX=raise propagation_seconds above 30\n");
  }

  TEST_CASE("a failure without a fix of its own gives that of its class") {
    Run run = failed_run();
    run.failure->fix.clear();
    CHECK(value_of(context_of(run), "CERTHERD_FIX") == traits(FailureClass::txt_missing).fix);
  }

  TEST_CASE("an error is bounded and printable, since the kernel refuses a long variable") {
    Run run = failed_run();
    run.failure->error = std::string("\x1b[31m") + std::string(200'000, 'e');
    const std::string error = value_of(context_of(run), "CERTHERD_ERROR");
    CHECK(error.starts_with("\\x1b[31meee"));
    CHECK(error.ends_with(" bytes more]"));
    CHECK(error.size() < 9000);
  }

  TEST_CASE("a Run without an outcome says none") {
    Run run = deployed_run();
    run.outcome.reset();
    CHECK(value_of(context_of(run), "CERTHERD_OUTCOME") == "(absent)");
  }

  TEST_CASE("the body of a webhook after a deployment") {
    CHECK(
        hooks::webhook_body(context_of(deployed_run())) ==
        R"({"text":"certherd on web1: example.com deployed, valid until 2027-02-21 20:44 UTC",)"
        R"("event":"deployed","certificate":"example.com","certificates":["example.com"],"domains":["example.com","*.example.com"],)"
        R"("run":"20261123T214418Z-example.com-1f3a","host":"web1","outcome":"deployed",)"
        R"("generation":{"directory":"/var/lib/certherd/generations/example.com/7",)"
        R"("lineage":"/var/lib/certherd/certificates/example.com","number":7,"serial":"04ab","issuer":"R10",)"
        R"("key":"ecdsa secp256r1","domains":["*.example.com","example.com"],)"
        R"("not_before":"2026-11-23T20:44:18.000Z","not_after":"2027-02-21T20:44:17.000Z"},)"
        R"("previous_generation":"/var/lib/certherd/generations/example.com/6","failure":null})");
  }

  TEST_CASE("the body of a webhook after a failure") {
    const std::string meaning(traits(FailureClass::txt_missing).meaning);
    CHECK(
        hooks::webhook_body(context_of(failed_run())) ==
        R"({"text":"certherd on web1: example.com failed (txt_missing): )" + meaning +
            R"(","event":"failed","certificate":"example.com","certificates":["example.com"],"domains":["example.com"],)"
            R"("run":"20261123T214418Z-example.com-1f3a","host":"web1","outcome":"failed",)"
            R"("generation":null,"previous_generation":null,)"
            R"("failure":{"class":"txt_missing","phase":"validation","error":"Some challenges have failed.",)"
            R"("problem_type":"urn:ietf:params:acme:error:unauthorized","detail":"No TXT record found",)"
            R"("fix":"raise propagation_seconds above 30"}})");
  }

  TEST_CASE("what is not known is null, and the text does without it") {
    HookContext context;
    context.event = HookEvent::failed;
    context.certificate = "example.com";
    context.failure = Failure{};
    context.failure->failure_class = FailureClass::interrupted;
    const auto body = boost::json::parse(hooks::webhook_body(context)).as_object();
    CHECK(body.at("host").is_null());
    CHECK(body.at("outcome").is_null());
    CHECK(body.at("failure").as_object().at("phase").is_null());
    CHECK(body.at("failure").as_object().at("problem_type").is_null());
    CHECK(std::string(body.at("text").as_string()).starts_with("certherd: example.com failed (interrupted): "));
  }

  TEST_CASE("quotes, newlines and bytes that are no UTF-8 in an error leave the body a JSON document") {
    Run run = failed_run();
    run.failure->error = "he said \"no\"\nand \xff";
    const auto body = boost::json::parse(hooks::webhook_body(context_of(run)));
    CHECK(body.at("failure").at("error") == "he said \"no\"\nand \\xff");
  }
}
