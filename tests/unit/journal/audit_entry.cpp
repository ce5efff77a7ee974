#include <certherd/journal/audit_entry.hpp>

#include <boost/json.hpp>

#include <ostream>

#include <doctest/doctest.h>

#include "samples.hpp"

using namespace certherd;
using journal::audit_entry;
using journal::audit_line;
using journal::AuditEntry;
using journal::AuditHead;

TEST_SUITE("journal/audit_entry") {
  TEST_CASE("the smallest entry, word for word") {
    AuditEntry entry;
    entry.time = test::at(5);
    entry.actor = "scheduler";
    entry.action = "register";
    // The hash is what `sha256sum` says of the text before `,"hash"`.
    CHECK(audit_line(entry, {}) ==
          "{\"seq\":1,\"time\":\"2026-11-23T12:00:00.005Z\",\"actor\":\"scheduler\",\"action\":\"register\","
          "\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\","
          "\"hash\":\"ede59cd7e3e5d4ceaf26f3ae6e4deb8fb3acb552095fe36f5239ea26eb3c1750\"}");
  }

  TEST_CASE("the entry of a whole Run: keys, order and values") {
    const Run run = test::rich_run();
    const AuditHead previous{41, std::string(64, 'a')};
    const std::string line = audit_line(audit_entry(run, "renew"), previous);
    const std::string begin =
        R"({"seq":42,"time":"2026-11-23T12:00:12.345Z","actor":"user:0:root","action":"renew",)"
        R"("certificate":"example.com","domains":["example.com","*.example.com"],"provider":"cloudflare",)"
        R"("account":"cloudflare-main","ca":"letsencrypt","run":"20261123T120000Z-example.com-1f3a",)"
        R"("reason":"renewal time reached","outcome":"deployed, hook failed",)"
        R"("generation":{"number":7,"serial":"1f3a","not_after":"2026-11-24T12:00:00.000Z"},)"
        R"("failure":{"class":"interrupted","error":"Some challenges have failed.\n\"quoted\" — ünïcode",)"
        R"("problem_type":"urn:ietf:params:acme:error:dns","detail":"DNS problem: NXDOMAIN looking up TXT",)"
        R"("domain":"example.com","hint":"The Certificate Authority failed to verify",)"
        R"("fix":"raise propagation_seconds"},)"
        R"("phases":[{"phase":"queue","start":"2026-11-23T12:00:00.000Z","seconds":0.100},)"
        R"({"phase":"startup","start":"2026-11-23T12:00:00.100Z","seconds":1.000},)"
        R"({"phase":"hooks","start":"2026-11-23T12:00:11.000Z","seconds":1.345,"failed":true}],)"
        R"("certbot_version":"2.1.0","command":"certbot certonly --force-renewal",)";
    CHECK(line.substr(0, begin.size()) == begin);
    CHECK(line.substr(begin.size()).starts_with("\"prev\":\"" + previous.hash + "\",\"hash\":\""));
  }

  TEST_CASE("when each name server showed the records, and when the wait for them was ended") {
    Run run = test::sample_run();
    Attempt& attempt = run.attempts.emplace_back();
    attempt.visibility = {{"ns1.example.com", "192.0.2.1:53", Milliseconds(40), ""},
                          {"ns2.example.com", "192.0.2.2:53", std::nullopt, "no answer within 1.5 s"}};
    attempt.wait_ended = Milliseconds(8540);
    const std::string line = audit_line(audit_entry(run, "renew"), {});
    CHECK(line.find(R"("visibility":[{"server":"ns1.example.com","address":"192.0.2.1:53","seconds":0.040},)"
                    R"({"server":"ns2.example.com","address":"192.0.2.2:53","error":"no answer within 1.5 s"}],)"
                    R"("wait_ended":8.540,)") != std::string::npos);
  }

  TEST_CASE("the phase of a failure and the CA's Retry-After") {
    AuditEntry entry;
    entry.failure = test::sample_failure();
    const auto line = boost::json::parse(audit_line(entry, {}));
    CHECK(line.at("failure").at("phase").as_string() == "validation");
    CHECK(line.at("failure").at("retry_after").as_int64() == 3600);
  }

  TEST_CASE("a Run that never came to certbot has neither version nor command") {
    Run run = test::sample_run();
    run.outcome = Outcome::failed;
    const auto line = boost::json::parse(audit_line(audit_entry(run, "issue"), {})).as_object();
    CHECK_FALSE(line.contains("certbot_version"));
    CHECK_FALSE(line.contains("command"));
    CHECK_FALSE(line.contains("phases"));
    CHECK_FALSE(line.contains("failure"));
    CHECK_FALSE(line.contains("generation"));
  }

  TEST_CASE("any byte gives one line of JSON") {
    AuditEntry entry;
    entry.action = "x\",\"hash\":\"";
    for (int byte = 0; byte < 256; ++byte) entry.command += static_cast<char>(byte);
    entry.reason = "ünïcode \xf0\x9f\x90\x91 \xed\xa0\x80 \xff";
    const std::string line = audit_line(entry, {});
    CHECK(line.find('\n') == line.npos);
    const auto parsed = boost::json::parse(line);
    CHECK(parsed.at("action").as_string() == "x\",\"hash\":\"");
    CHECK(parsed.at("reason").as_string() == "ünïcode \xf0\x9f\x90\x91 \\xed\\xa0\\x80 \\xff");
    CHECK(parsed.at("command").as_string().starts_with("\\x00\\x01"));
  }
}
