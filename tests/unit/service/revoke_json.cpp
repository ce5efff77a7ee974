#include <ostream>

#include <certherd/base/text.hpp>
#include <certherd/service/events.hpp>
#include <certherd/service/revoke.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace certherd;

namespace {

struct Hearing : service::RunObserver {
  std::vector<std::string> heard;
  void certbot_said(const Run& run, std::string_view line) override {
    heard.push_back(run.certificate + " said " + std::string(line));
  }
  void warning(const Run& run, std::string_view text) override {
    heard.push_back(run.certificate + " warned " + std::string(text));
  }
};

service::RevokeOutcome outcome() {
  service::RevokeOutcome outcome;
  outcome.certificate = "example.com";
  outcome.serial = "04a1";
  outcome.not_after = parse_utc("2027-01-02T03:04:05Z").value();
  outcome.ca = "letsencrypt";
  outcome.transcript = "/var/lib/certherd/runs/x/revoke-1.log";
  return outcome;
}

service::RevokeOutcome there_and_back(const service::RevokeOutcome& outcome) {
  Hearing hearing;
  auto read = service::replay_revocation(service::revoked_line(outcome), hearing).or_throw();
  CHECK(hearing.heard.empty());
  return read.value();
}

}  // namespace

TEST_SUITE("service/revoke_json") {
  TEST_CASE("how a revocation went comes through the socket as it was") {
    auto sent = outcome();
    SUBCASE("revoked") {
      sent.by_own_key = true;
      sent.already_revoked = true;
      CHECK_FALSE(there_and_back(sent).failure);
    }
    SUBCASE("refused") {
      Failure& failure = sent.failure.emplace();
      failure.failure_class = FailureClass::rate_limited;
      failure.error = "too many \"revocations\"\n";
      failure.problem_type = "urn:ietf:params:acme:error:rateLimited";
      failure.retry_after = Seconds(600);
      const auto read = there_and_back(sent);
      REQUIRE(read.failure);
      CHECK(read.failure->failure_class == FailureClass::rate_limited);
      CHECK(read.failure->error == failure.error);
      CHECK(read.failure->problem_type == failure.problem_type);
      CHECK(read.failure->retry_after == Seconds(600));
    }
    const auto read = there_and_back(sent);
    CHECK(read.certificate == sent.certificate);
    CHECK(read.serial == sent.serial);
    CHECK(read.not_after == sent.not_after);
    CHECK(read.ca == sent.ca);
    CHECK(read.transcript == sent.transcript);
    CHECK(read.by_own_key == sent.by_own_key);
    CHECK(read.already_revoked == sent.already_revoked);
    CHECK(read.revoked() == sent.revoked());
  }

  TEST_CASE("a fault comes through with its advice") {
    Hearing hearing;
    const auto read = service::replay_revocation(
        service::revoked_line(Fault{"certherd is stopping", "ask again when it has started", {}}), hearing);
    REQUIRE_FALSE(read);
    CHECK(read.fault().message == "certherd is stopping");
    CHECK(read.fault().fix == "ask again when it has started");
  }

  TEST_CASE("what certbot says and warnings reach the observer, of this certificate alone") {
    std::vector<std::string> lines;
    service::EventWriter writer({"example.com"}, service::EventWriter::Detail::output,
                                [&](const std::string& line) { lines.push_back(line); });
    Run run;
    run.certificate = "example.com";
    writer.certbot_said(run, "Congratulations!");
    writer.warning(run, "not in the audit log");
    run.certificate = "other.example";
    writer.certbot_said(run, "nothing");
    Hearing hearing;
    for (const auto& line : lines) CHECK_FALSE(service::replay_revocation(line, hearing).or_throw());
    CHECK(hearing.heard ==
          std::vector<std::string>{"example.com said Congratulations!", "example.com warned not in the audit log"});
  }

  TEST_CASE("a line of another version is a fault and not an outcome") {
    Hearing hearing;
    for (const char* line : {"", "{", "[]", "{}", R"({"event":7})", R"({"event":"revoked"})",
                             R"({"event":"revoked","outcome":{"certificate":"a"}})", R"({"event":"tomorrow"})"}) {
      CAPTURE(line);
      const auto read = service::replay_revocation(line, hearing);
      REQUIRE_FALSE(read);
      CHECK(contains(read.fault().text(), "version"));
    }
  }
}
