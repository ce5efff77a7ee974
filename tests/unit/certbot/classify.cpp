#include "transcripts.hpp"

#include <certherd/base/text.hpp>
#include <certherd/certbot/classify.hpp>

#include <ostream>

#include <csignal>

#include <doctest/doctest.h>

using namespace certherd;
using namespace certherd::certbot;

namespace {

Provider rfc2136() {
  Provider provider;
  provider.id = "rfc2136";
  provider.debian_package = "python3-certbot-dns-rfc2136";
  return provider;
}

Failure recorded(const std::string& version, const std::string& name) {
  const Provider provider = rfc2136();
  const auto transcript = transcripts::one(version, name);
  const Tracker tracker = transcripts::follow(transcript);
  return classify({transcript.exit_code, transcript.signal, false, false, false, tracker.failing_phase(),
                   tracker.facts(), transcript.output, &provider})
      .value();
}

/// A failure of exit status 1 with this final error in this phase.
Failure judged(Phase phase, const std::string& error, LogFacts facts = {}) {
  const Provider provider = rfc2136();
  facts.errors = {error};
  return classify({1, {}, false, false, false, phase, facts, "", &provider}).value();
}

Failure refused(Phase phase, const std::string& type, const std::string& detail, int status = 400) {
  LogFacts facts;
  facts.problem = Problem{"urn:ietf:params:acme:error:" + type, detail, "", status};
  return judged(phase, detail, facts);
}

std::string class_of(const Failure& failure) {
  return std::string(to_string(failure.failure_class));
}

}  // namespace

TEST_SUITE("certbot/classify") {
  TEST_CASE("status 0 is no failure, whatever was printed") {
    LogFacts facts;
    facts.errors = {"hook-command failed"};
    CHECK_FALSE(classify({0, {}, false, false, false, Phase::save, facts, "error", nullptr}));
  }

  TEST_CASE("what AttributeError hides is brought to light") {
    const Failure failure = recorded("2.1.0", "rate-limited-seconds");
    CHECK(failure.error ==
          "acme.messages.Error: urn:ietf:params:acme:error:rateLimited :: There were too many requests of a given type "
          ":: too "
          "many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after "
          "2026-11-24 09:00:00 UTC: see "
          "https://letsencrypt.org/docs/rate-limits/#new-certificates-per-exact-set-of-identifiers");
    CHECK(failure.problem_type == "urn:ietf:params:acme:error:rateLimited");
    CHECK(
        failure.problem_detail ==
        "too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after "
        "2026-11-24 09:00:00 UTC: see "
        "https://letsencrypt.org/docs/rate-limits/#new-certificates-per-exact-set-of-identifiers");
    CHECK(failure.retry_after == Seconds(3600));
  }

  TEST_CASE("a failed validation: the error, the CA's problem, its domain, certbot's hint and what to do") {
    const Failure failure = recorded("2.1.0", "boulder-one-of-two-wrong");
    CHECK(failure.error == "Some challenges have failed.");
    CHECK(failure.problem_type == "urn:ietf:params:acme:error:unauthorized");
    CHECK(failure.problem_detail == "Incorrect TXT record \"old\" found at _acme-challenge.www.example.test");
    CHECK(failure.problem_domain == "www.example.test");
    CHECK(
        failure.hint ==
        "The Certificate Authority failed to verify the DNS TXT records created by --dns-rfc2136. Ensure the above "
        "domains "
        "are hosted by this DNS provider, or try increasing --dns-rfc2136-propagation-seconds (currently 0 seconds).");
    CHECK(failure.fix ==
          "remove TXT records of _acme-challenge.www.example.test that earlier runs or other ACME clients left; raise "
          "propagation_seconds (certbot waited 0s); check that all name servers of www.example.test are in step");
  }

  TEST_CASE("the real error, not the noise of recovery") {
    const Failure failure = recorded("5.5.0", "provider-auth-wrong-secret");
    CHECK(failure.error == "Encountered error adding TXT record: The peer didn't like the signature we sent");
    CHECK(failure.fix ==
          "name, secret and algorithm of the TSIG key must be the same here and in the DNS server's configuration");
  }

  TEST_CASE("an error of several lines is kept whole") {
    CHECK(recorded("2.1.0", "credentials-three-keys-missing").error ==
          "Missing properties in credentials configuration file /run/certherd/credentials/example.test.ini:\n"
          " * Property \"dns_rfc2136_name\" not found (should be TSIG key name).\n"
          " * Property \"dns_rfc2136_secret\" not found (should be TSIG key secret).\n"
          " * Property \"dns_rfc2136_server\" not found (should be The target DNS server).");
  }

  TEST_CASE("without a log the output speaks") {
    const Failure failure = recorded("2.1.0", "plugin-missing-option");
    CHECK(failure.error ==
          "certbot: error: unrecognized arguments: --dns-nope-credentials /run/certherd/credentials/example.test.ini "
          "--dns-nope-propagation-seconds 0");
    CHECK(failure.fix ==
          "install python3-certbot-dns-rfc2136, or correct certbot_args: no installed plugin knows these options");
    CHECK(final_error({},
                      "Traceback (most recent call last):\n  File \"/usr/bin/certbot\"\nModuleNotFoundError: No module "
                      "named 'certbot'\n") == "ModuleNotFoundError: No module named 'certbot'");
    CHECK(final_error({}, "the error\n\nAsk for help or search for solutions at https://x.\n- - - - - -\n") ==
          "the error");
  }

  TEST_CASE("a certbot that says nothing at all") {
    const LogFacts facts;
    const auto failure = classify({3, {}, false, false, false, Phase::startup, facts, "", nullptr});
    REQUIRE(failure);
    CHECK(class_of(*failure) == "certbot_crash");
    CHECK(failure->error == "certbot ended with status 3 and said nothing");
  }

  TEST_CASE("ended by certherd") {
    LogFacts facts;
    const auto stopped = classify({{}, SIGTERM, false, true, false, Phase::propagation, facts, "", nullptr});
    CHECK(class_of(*stopped) == "interrupted");
    CHECK(stopped->error == "certherd was told to stop and ended certbot in phase propagation");
    CHECK(stopped->fix == "");
    const auto slow = classify({{}, SIGTERM, true, false, false, Phase::provision, facts, "", nullptr});
    CHECK(class_of(*slow) == "certbot_timeout");
    CHECK(slow->error == "certbot took too long and was ended in phase provision");
  }

  TEST_CASE("an end that nobody saw is judged by what the log says") {
    LogFacts facts;
    const auto judge = [&] { return classify({{}, {}, false, false, false, Phase::save, facts, "", nullptr, true}); };
    facts.authorizations = {{"", "a.example", false, "valid", "", "", {}}};
    const auto lost = judge();
    CHECK(class_of(*lost) == "interrupted");
    CHECK(lost->error.starts_with("certbot ended in phase save, and how is not known"));
    CHECK(lost->fix == "");
    const auto waiting = classify({{}, {}, false, false, false, Phase::propagation, facts, "", nullptr, true});
    CHECK(waiting->fix == "certbot may not have cleaned up: look for TXT records at _acme-challenge.a.example");
    facts.errors = {"Some challenges have failed."};
    CHECK(judge()->error == "Some challenges have failed.");
    facts.errors.clear();
    facts.saved_at = "/x/fullchain.pem";
    CHECK_FALSE(judge());
  }

  TEST_CASE("killed before it could clean up: the records left behind are named") {
    LogFacts facts;
    for (const std::string domain : {"a.example", "b.example", "a.example"}) {
      Authorization authorization;
      authorization.domain = domain;
      facts.authorizations.push_back(authorization);
    }
    const auto failure = classify({{}, SIGKILL, true, false, true, Phase::propagation, facts, "", nullptr});
    CHECK(failure->fix ==
          "certbot was killed and could not clean up: remove the TXT records it left at _acme-challenge.a.example, "
          "_acme-challenge.b.example");
    CHECK(classify({{}, SIGKILL, true, false, true, Phase::order, facts, "", nullptr})->fix == "");
  }

  TEST_CASE("ended by a signal from outside, or by its own fault") {
    const LogFacts facts;
    const auto by = [&](int signal) {
      return *classify({{}, signal, false, false, false, Phase::order, facts, "", nullptr});
    };
    CHECK(class_of(by(SIGTERM)) == "interrupted");
    CHECK(by(SIGKILL).fix ==
          "something outside certherd killed certbot: look for the kernel's out-of-memory killer in its log");
    CHECK(class_of(by(SIGSEGV)) == "certbot_crash");
    CHECK(by(200).error == "certbot was ended by signal 200 (of no name) in phase order");
    CHECK(by(SIGSEGV).error == "certbot was ended by signal 11 (Segmentation fault) in phase order");
  }

  TEST_CASE("a clock that is hours off is named first") {
    LogFacts behind;
    behind.skew = std::chrono::hours(3) + std::chrono::minutes(20);
    CHECK(judged(Phase::account, "requests.exceptions.ReadTimeout: x", behind).fix ==
          "this host's clock is 3 h 20 min behind the CA's: set it (timedatectl set-ntp true)");
    LogFacts ahead;
    ahead.skew = -std::chrono::hours(2);
    CHECK(judged(Phase::account, "requests.exceptions.X: [Errno -2] Name or service not known", ahead).fix ==
          "this host's clock is 2 h 00 min ahead of the CA's: set it (timedatectl set-ntp true); the CA's host name "
          "does not "
          "exist: check 'server' of the CA");
    LogFacts fine;
    fine.skew = std::chrono::minutes(59);
    CHECK(judged(Phase::account, "requests.exceptions.ReadTimeout: x", fine).fix == "");
  }

  TEST_CASE("TLS that looks expired or not yet valid points to the clock") {
    const std::string head =
        "requests.exceptions.SSLError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: ";
    for (const std::string why : {"certificate has expired", "certificate is not yet valid"}) {
      const Failure failure = judged(Phase::account, head + why + " (_ssl.c:992)");
      CHECK(class_of(failure) == "ca_unavailable");
      CHECK(failure.fix ==
            "check this host's clock (timedatectl): TLS certificates look expired or not yet valid when it is wrong");
    }
    CHECK(judged(Phase::account, head + "self-signed certificate").fix ==
          "the CA's TLS certificate is not trusted: set ca_bundle for a private CA; install ca-certificates otherwise");
  }

  TEST_CASE("an address where something else than an ACME server answers") {
    for (const std::string error : {"acme.errors.ClientError: <Response [404]>",
                                    "acme.errors.ClientError: Unexpected response Content-Type: text/html"}) {
      const Failure failure = judged(Phase::account, error);
      CHECK(class_of(failure) == "ca_unavailable");
      CHECK(failure.fix == "what answers at the CA's address is not an ACME directory: check 'server' of the CA");
    }
    CHECK(class_of(judged(Phase::order, "acme.errors.ClientError: <Response [404]>")) == "ca_rejected");
  }

  TEST_CASE("problems that no recording has") {
    CHECK(class_of(refused(Phase::order, "externalAccountRequired", "x")) == "account_problem");
    CHECK(class_of(refused(Phase::order, "invalidProfile", "x")) == "ca_rejected");
    CHECK(class_of(refused(Phase::order, "somethingNew", "x")) == "ca_rejected");
    CHECK(class_of(refused(Phase::order, "somethingNew", "x", 502)) == "ca_unavailable");
    CHECK(class_of(refused(Phase::order, "somethingNew", "x", 429)) == "rate_limited");
    CHECK(class_of(refused(Phase::account, "malformed", "x")) == "account_problem");
    CHECK(class_of(refused(Phase::validation, "unauthorized", "something else")) == "ca_rejected");
    CHECK(class_of(refused(Phase::order, "rateLimited", "The service is down for maintenance or had an internal error.",
                           503)) == "ca_unavailable");
    CHECK(refused(Phase::order, "rateLimited",
                  "Your account is temporarily prevented from requesting certificates for x", 429)
              .fix ==
          "the CA has paused issuance for this account and name: open the address in its message to resume");
  }

  TEST_CASE("no such name is a missing record when TXT was asked for, a missing domain otherwise") {
    LogFacts facts;
    facts.problem = Problem{"urn:ietf:params:acme:error:dns", "DNS problem: NXDOMAIN looking up TXT for x", "", 400};
    facts.identifiers = {"*.example.com"};
    CHECK(class_of(judged(Phase::validation, "x", facts)) == "txt_missing");
    facts.problem->detail = "DNS problem: NXDOMAIN looking up CAA for example.com";
    const Failure failure = judged(Phase::validation, "x", facts);
    CHECK(class_of(failure) == "dns_error");
    CHECK(failure.fix ==
          "example.com does not exist for the CA: check its registration and that the parent zone delegates it");
  }

  TEST_CASE("words of plugins that no recording has") {
    using enum Phase;
    CHECK(class_of(judged(provision, "Error determining zone identifier for x: 401 Client Error: Unauthorized")) ==
          "provider_auth");
    CHECK(class_of(judged(provision,
                          "Error finding domain using the DigitalOcean API: Unable to authenticate you. "
                          "(Did you provide a valid API token?)")) == "provider_auth");
    CHECK(class_of(judged(provision, "Unable to determine zone identifier for x using zone names: ['x']")) ==
          "provider_scope");
    CHECK(class_of(judged(provision, "Encountered error finding managed zone: 403 Client Error: Forbidden")) ==
          "provider_scope");
    CHECK(class_of(judged(provision, "The peer didn't like the time we sent")) == "provider_auth");
    CHECK(class_of(judged(provision, "ssl.SSLError: [SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer")) ==
          "provider_error");
    CHECK(class_of(judged(cleanup, "requests.exceptions.ConnectTimeout: x")) == "provider_error");
    LogFacts plugin;
    plugin.exceptions = {"certbot.errors.PluginError: no luck today"};
    CHECK(class_of(judged(provision, "no luck today", plugin)) == "provider_error");
  }

  TEST_CASE("the same words mean the CA's trouble where the CA is talked to") {
    CHECK(class_of(judged(Phase::order, "requests.exceptions.ConnectTimeout: x")) == "ca_unavailable");
    CHECK(class_of(judged(Phase::finalize, "acme.errors.ClientError: <Response [429]>")) == "rate_limited");
    CHECK(class_of(judged(Phase::order, "acme.errors.ClientError: <Response [404]>")) == "ca_rejected");
    CHECK(judged(Phase::order, "requests.exceptions.ProxyError: Tunnel connection failed: 403 Forbidden").fix ==
          "check https_proxy: the proxy does not let certbot through");
  }

  TEST_CASE("what to install is named, packaged by Debian or not") {
    Provider provider;
    provider.id = "gandi";
    LogFacts facts;
    facts.errors = {"The requested dns-x plugin does not appear to be installed"};
    const auto fix = [&] { return classify({1, {}, false, false, false, Phase::startup, facts, "", &provider})->fix; };
    CHECK(fix() == "install the plugin of gandi");
    provider.pypi_package = "certbot-dns-x";
    CHECK(fix() == "install certbot-dns-x from PyPI");
    provider.debian_package = "python3-certbot-dns-x";
    CHECK(fix() == "install python3-certbot-dns-x");
  }
}
