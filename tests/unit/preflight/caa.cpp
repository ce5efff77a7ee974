#include <ostream>

#include <doctest/doctest.h>
#include <certherd/preflight/caa.hpp>

using namespace certherd;
using preflight::CaaVerdict;
using preflight::judge_caa;
using Says = CaaVerdict::Says;

namespace {

using Records = std::vector<CaaRecord>;

CaaFacts facts(Records records, std::string owner = "example.com") {
  CaaFacts facts;
  facts.owner = facts.asked = std::move(owner);
  facts.records = std::move(records);
  return facts;
}

CaaRecord issue(std::string value) {
  return {0, "issue", std::move(value)};
}

CaaRecord issuewild(std::string value) {
  return {0, "issuewild", std::move(value)};
}

const std::string account_1234 = "https://example.net/account/1234";

Says says(const Records& records, const std::string& domain, const std::string& identity,
          const std::optional<std::string>& account = account_1234, const std::string& method = "dns-01") {
  return judge_caa(facts(records), {domain, {identity}, account, method}).says;
}

struct Row {
  const char* what;
  Records records;
  const char* domain;
  const char* identity;
  Says expected;
};

void check(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    CAPTURE(row.what);
    CHECK(says(row.records, row.domain, row.identity) == row.expected);
  }
}

}  // namespace

TEST_SUITE("preflight/caa") {
  TEST_CASE("the examples of RFC 8659") {
    const Records certs{issue("ca1.example.net"), issue("ca2.example.org")};
    const Records wild{issue("ca1.example.net"), issuewild("ca2.example.org")};
    const Records wild2{issue("ca1.example.net")};
    const Records wild3{issuewild("ca2.example.org"), issue(";")};
    const Records wild3_wild_only{issuewild("ca2.example.org")};
    const Records report{issue("ca1.example.net"),
                         {0, "iodef", "mailto:security@example.com"},
                         {0, "iodef", "https://iodef.example.com/"}};
    const Records critical{issue("ca1.example.net"), {128, "tbs", "Unknown"}};
    check({
        {"3: no set up to the root", {}, "x.y.z", "ca1.example.net", Says::allowed},
        {"4.2: the first CA", certs, "certs.example.com", "ca1.example.net", Says::allowed},
        {"4.2: the second CA", certs, "certs.example.com", "ca2.example.org", Says::allowed},
        {"4.2: any other", certs, "certs.example.com", "ca3.example.org", Says::forbidden},
        {"4.2: the first CA, for a wildcard", certs, "*.certs.example.com", "ca1.example.net", Says::allowed},
        {"4.2: nobody", {issue(";")}, "nocerts.example.com", "ca1.example.net", Says::forbidden},
        {"4.2: malformed is nobody", {issue("%%%%%")}, "malformed.example.com", "ca1.example.net", Says::forbidden},
        {"4.2: additive", {issue(";"), issue("ca1.example.net")}, "a.example.com", "ca1.example.net", Says::allowed},
        {"4.2: additive, for no other",
         {issue(";"), issue("ca1.example.net")},
         "a.example.com",
         "ca2.example.org",
         Says::forbidden},
        {"4.2: a parameter that the CA defines",
         {issue("ca1.example.net; account=230123")},
         "account.example.com",
         "ca1.example.net",
         Says::allowed},
        {"4.3: wild, plain", wild, "wild.example.com", "ca1.example.net", Says::allowed},
        {"4.3: wild, below", wild, "sub.wild.example.com", "ca1.example.net", Says::allowed},
        {"4.3: wild, plain, the CA for wildcards", wild, "wild.example.com", "ca2.example.org", Says::forbidden},
        {"4.3: wild, wildcard", wild, "*.wild.example.com", "ca2.example.org", Says::allowed},
        {"4.3: wild, wildcard below", wild, "*.sub.wild.example.com", "ca2.example.org", Says::allowed},
        {"4.3: wild, wildcard, the CA for the rest", wild, "*.wild.example.com", "ca1.example.net", Says::forbidden},
        {"4.3: wild2, plain", wild2, "wild2.example.com", "ca1.example.net", Says::allowed},
        {"4.3: wild2, wildcard", wild2, "*.wild2.example.com", "ca1.example.net", Says::allowed},
        {"4.3: wild2, wildcard below", wild2, "*.sub.wild2.example.com", "ca1.example.net", Says::allowed},
        {"4.3: wild2, another CA", wild2, "*.wild2.example.com", "ca2.example.org", Says::forbidden},
        {"4.3: wild3, wildcard", wild3, "*.wild3.example.com", "ca2.example.org", Says::allowed},
        {"4.3: wild3, wildcard below", wild3, "*.sub.wild3.example.com", "ca2.example.org", Says::allowed},
        {"4.3: wild3, wildcard, another", wild3, "*.wild3.example.com", "ca1.example.net", Says::forbidden},
        {"4.3: wild3, plain", wild3, "wild3.example.com", "ca2.example.org", Says::forbidden},
        {"4.3: wild3, plain, another", wild3, "sub.wild3.example.com", "ca1.example.net", Says::forbidden},
        {"4.3: issuewild alone, wildcard", wild3_wild_only, "*.wild3.example.com", "ca2.example.org", Says::allowed},
        {"4.3: issuewild alone, another", wild3_wild_only, "*.wild3.example.com", "ca1.example.net", Says::forbidden},
        {"4.3: issuewild alone, plain", wild3_wild_only, "wild3.example.com", "anybody.example", Says::allowed},
        {"4.4: iodef restricts nothing", report, "report.example.com", "ca1.example.net", Says::allowed},
        {"4.4: and grants nothing", report, "report.example.com", "ca2.example.org", Says::forbidden},
        {"4.5: critical and unknown, the CA named", critical, "new.example.com", "ca1.example.net", Says::forbidden},
        {"4.5: another", critical, "new.example.com", "ca2.example.org", Says::forbidden},
    });
  }

  TEST_CASE("the examples of RFC 8657, appendix A") {
    const std::string account_2345 = "https://example.net/account/2345";
    const Records accounts{issue("example.net; accounturi=" + account_1234),
                           issue("example.net; accounturi=" + account_2345)};
    CHECK(says(accounts, "example.com", "example.net", account_1234) == Says::allowed);
    CHECK(says(accounts, "example.com", "example.net", account_2345) == Says::allowed);
    CHECK(says(accounts, "example.com", "example.net", "https://example.net/account/3456") == Says::forbidden);
    CHECK(says(accounts, "example.com", "example.net", std::nullopt) == Says::unsure);
    CHECK(says(accounts, "example.com", "example.org", account_1234) == Says::forbidden);
    CHECK(says({issue("example.net; accounturi=")}, "example.com", "example.net", std::nullopt) == Says::forbidden);

    for (const Records& methods :
         {Records{issue("example.net; validationmethods=dns-01,xyz-01")},
          Records{issue("example.net; validationmethods=dns-01"), issue("example.net; validationmethods=xyz-01")}}) {
      CHECK(says(methods, "example.com", "example.net", account_1234, "dns-01") == Says::allowed);
      CHECK(says(methods, "example.com", "example.net", account_1234, "xyz-01") == Says::allowed);
      CHECK(says(methods, "example.com", "example.net", account_1234, "http-01") == Says::forbidden);
    }

    const Records both{issue("example.net; accounturi=" + account_1234 + "; validationmethods=dns-01"),
                       issue("example.net; accounturi=" + account_2345 + "; validationmethods=http-01")};
    CHECK(says(both, "example.com", "example.net", account_1234, "dns-01") == Says::allowed);
    CHECK(says(both, "example.com", "example.net", account_2345, "http-01") == Says::allowed);
    CHECK(says(both, "example.com", "example.net", account_1234, "http-01") == Says::forbidden);
    CHECK(says(both, "example.com", "example.net", account_2345, "dns-01") == Says::forbidden);
    CHECK(says(both, "example.com", "example.net", std::nullopt, "dns-01") == Says::unsure);
    CHECK(says(both, "example.com", "example.net", std::nullopt, "tls-alpn-01") == Says::forbidden);

    const Records ca_foo{issue("example.net; validationmethods=dns-01,ca-foo")};
    CHECK(says(ca_foo, "example.com", "example.net", account_1234, "dns-01") == Says::allowed);
    CHECK(says(ca_foo, "example.com", "example.net", account_1234, "http-01") == Says::forbidden);
  }

  TEST_CASE("values, as boulder takes them apart") {
    struct ValueRow {
      const char* value;
      Says expected;
    };
    const ValueRow rows[] = {
        {"", Says::forbidden},
        {" ; ", Says::forbidden},
        {"letsencrypt.org", Says::allowed},
        {"letsencrypt.org;", Says::allowed},
        {"letsencrypt.org;   ", Says::allowed},
        {"  letsencrypt.org\t;foo=bar;baz=bar", Says::allowed},
        {"\tletsencrypt.org ;foo=bar;baz=bar", Says::allowed},
        {"letsencrypt.org; foo=; baz =\tbar", Says::allowed},
        {"letsencrypt.org; foo=\t; baz =\tbar", Says::allowed},
        {"letsencrypt.org; foo=b1,b2,b3\t; baz =\t\ta=b\t", Says::allowed},
        {"letsencrypt.org; foo=b1,b2,b3\t; foo= b1,b2,b3\t", Says::allowed},
        {"letsencrypt.org; foo=b1,b2,b3\t; baz =\t\ta = b\t", Says::forbidden},
        {"letsencrypt.org; foo=b1,b2,b3\t; baz=a=\tb", Says::forbidden},
        {"letsencrypt.org; foo=b1,b2,b3\t; baz =\t\ta;b\t", Says::forbidden},
        {"letsencrypt.org; 1=2; baz=a-b", Says::allowed},
        {"letsencrypt.org; a_b=123", Says::forbidden},
        {"letsencrypt.org; a_b=123; a-b=c", Says::forbidden},
        {"letsencrypt.org; -a=c", Says::forbidden},
        {"letsencrypt.org; a-=c", Says::forbidden},
        {"letsencrypt.org; ab=1 2 3", Says::forbidden},
        {"letsencrypt.org; foo=a\u2615b", Says::forbidden},
        {"letsencrypt.org; foo=b1,b2,b3 baz=a", Says::forbidden},
        {"letsencrypt.org; foo=bar;", Says::forbidden},  // an empty last parameter
        {"letsencrypt.org;;", Says::forbidden},
        {"letsencrypt.org.", Says::forbidden},  // §4.2: no empty label
        {"letsencrypt.org\n", Says::forbidden},
        {"letsencrypt.org letsencrypt.org", Says::forbidden},
        {"www.letsencrypt.org", Says::forbidden},
        {"org", Says::forbidden},
        {"letsencrypt.org; validationmethods=dns-01", Says::allowed},
        {"letsencrypt.org; validationmethods=http-01,dns-01", Says::allowed},
        {"letsencrypt.org; validationmethods=http-01", Says::forbidden},
        {"letsencrypt.org; validationmethods=DNS-01", Says::forbidden},
        {"letsencrypt.org; validationmethods=", Says::forbidden},
        {"letsencrypt.org; validationmethods=,", Says::forbidden},
        {"letsencrypt.org; validationmethods=!,dns-01", Says::forbidden},
        {"letsencrypt.org; validationmethods=http-01, dns-01", Says::forbidden},
        {"letsencrypt.org; validationmethods=dns-01;validationmethods=dns-01", Says::forbidden},
        {"letsencrypt.org; validationmethods=;validationmethods=dns-01", Says::forbidden},
        {"letsencrypt.org; accounturi=https://example.net/account/1234", Says::allowed},
        {"letsencrypt.org; accounturi=https://example.net/account/12345", Says::forbidden},
        {"letsencrypt.org; accounturi=HTTPS://example.net/account/1234", Says::forbidden},
        {"letsencrypt.org; accounturi=", Says::forbidden},
        {"letsencrypt.org; accounturi=; accounturi=https://example.net/account/1234", Says::forbidden},
        {"letsencrypt.org; accounturi=https://example.net/account/1234;accounturi=https://example.net/account/1234",
         Says::forbidden},
        {"letsencrypt.org; accounturi=https://example.net/account/1234;validationmethods=dns-01", Says::allowed},
        {"letsencrypt.org; accounturi=https://example.net/account/1234;validationmethods=http-01", Says::forbidden},
        {"ca.example; accounturi=https://example.net/account/1234", Says::forbidden},
        {"; accounturi=https://example.net/account/1234", Says::forbidden},
    };
    for (const auto& row : rows) {
      CAPTURE(row.value);
      CHECK(says({issue(row.value)}, "example.com", "letsencrypt.org") == row.expected);
      CHECK(says({issuewild(row.value)}, "*.example.com", "letsencrypt.org") == row.expected);
    }
  }

  TEST_CASE("where boulder and RFC 8659 differ it is unsure, and said") {
    struct DisputedRow {
      CaaRecord record;
      const char* why;
    };
    const DisputedRow rows[] = {
        {issue("LetsEncrypt.org"),
         "the issuer is not written letsencrypt.org: RFC 8659 ignores case, "
         "Let's Encrypt does not"},
        {issue("letsencrypt.org; a-b=c"), "a parameter's tag holds \"-\", which Let's Encrypt takes for malformed"},
        {issue("letsencrypt.org; =c"), "a parameter has no tag, which RFC 8659 §4.2 forbids"},
        {issue("letsencrypt.org; validationmethods=dns-01,,"), "its validationmethods are malformed after dns-01"},
        {{1, "foo", "bar"}, "Let's Encrypt takes flag 1 for the critical one, RFC 8659 does not"},
        {{128, "contactemail", "a@example.com"}, "it is marked critical, and not every CA knows its tag"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto verdict = judge_caa(facts({row.record}), {"example.com", {"letsencrypt.org"}, account_1234});
      CHECK(verdict.says == Says::unsure);
      CHECK(verdict.why == row.why);
      CHECK(verdict.records == std::vector<std::string>{preflight::zone_file_line("example.com", row.record)});
    }
    // A dispute does not save what the rest of the record excludes, nor spoil what another one allows.
    CHECK(says({issue("LetsEncrypt.org; validationmethods=http-01")}, "example.com", "letsencrypt.org") ==
          Says::forbidden);
    CHECK(says({issue("LetsEncrypt.org"), issue("letsencrypt.org")}, "example.com", "letsencrypt.org") ==
          Says::allowed);
    CHECK(says({{1, "foo", "bar"}, issue("ca.example")}, "example.com", "letsencrypt.org") == Says::forbidden);
  }

  TEST_CASE("flags and tags") {
    check({
        {"tags in any case", {{0, "iSsUe", "ca.example"}}, "example.com", "letsencrypt.org", Says::forbidden},
        {"issuewild in any case", {{0, "IssueWild", ";"}}, "*.example.com", "letsencrypt.org", Says::forbidden},
        {"critical and known", {{128, "issue", "letsencrypt.org"}}, "example.com", "letsencrypt.org", Says::allowed},
        {"critical iodef", {{128, "iodef", "mailto:a@example.com"}}, "example.com", "letsencrypt.org", Says::allowed},
        {"critical issuewild, plain", {{128, "issuewild", ";"}}, "example.com", "letsencrypt.org", Says::allowed},
        {"unknown, not critical", {{0x7e, "foo", "bar"}}, "example.com", "letsencrypt.org", Says::allowed},
        {"unknown beside a refusal",
         {{0, "foo", "bar"}, issue(";")},
         "example.com",
         "letsencrypt.org",
         Says::forbidden},
        {"critical in any company",
         {{255, "foo", "bar"}, issue("letsencrypt.org")},
         "*.example.com",
         "letsencrypt.org",
         Says::forbidden},
        {"an empty tag", {{0, "", "letsencrypt.org"}}, "example.com", "letsencrypt.org", Says::allowed},
        {"an empty tag, critical", {{128, "", "letsencrypt.org"}}, "example.com", "letsencrypt.org", Says::forbidden},
    });
  }

  TEST_CASE("a CA of several names, and one of none") {
    const auto several = [](const Records& records) {
      return judge_caa(facts(records), {"example.com", {"pki.goog", "google.com"}, account_1234});
    };
    CHECK(several({issue("google.com")}).says == Says::allowed);
    CHECK(several({issue("pki.goog")}).says == Says::allowed);
    CHECK(several({issue("ca.example")}).needed == R"(example.com. IN CAA 0 issue "pki.goog")");
    CHECK(several({issue("ca.example"), issue("ca.example.net")}).why == "none of them names pki.goog, google.com");

    const auto none = [](const Records& records) {
      return judge_caa(facts(records), {"example.com", {}, account_1234});
    };
    CHECK(none({}).says == Says::allowed);
    CHECK(none({issue("ca.example")}).says == Says::unsure);
    CHECK(none({issue("ca.example")}).needed.empty());
    CHECK(none({issue(";")}).says == Says::forbidden);
    CHECK(none({issue(";"), issue("%")}).why == "they forbid every CA");
    CHECK(none({issue("ca.example; validationmethods=http-01")}).says == Says::forbidden);
  }

  TEST_CASE("old names of an account at Let's Encrypt") {
    const auto with = [](const std::string& uri, const std::string& ours) {
      return says({issue("letsencrypt.org; accounturi=" + uri)}, "example.com", "letsencrypt.org", ours);
    };
    const std::string ours = "https://acme-v02.api.letsencrypt.org/acme/acct/123456";
    CHECK(with(ours, ours) == Says::allowed);
    CHECK(with("https://acme-v01.api.letsencrypt.org/acme/reg/123456", ours) == Says::unsure);
    CHECK(with("https://acme-v01.api.letsencrypt.org/acme/reg/12345", ours) == Says::forbidden);
    CHECK(with("https://acme-staging-v02.api.letsencrypt.org/acme/acct/123456", ours) == Says::forbidden);
    CHECK(with("https://example.net/acme/acct/123456", ours) == Says::forbidden);
  }

  TEST_CASE("what decided, and what is needed") {
    struct DecisionRow {
      Records records;
      const char* domain;
      std::vector<std::string> decided;
      const char* needed;
    };
    const DecisionRow rows[] = {
        {{issue("ca.example"), issue("letsencrypt.org")},
         "www.example.com",
         {R"(example.com. IN CAA 0 issue "letsencrypt.org")"},
         ""},
        {{issue("ca.example"), issue(";")},
         "www.example.com",
         {R"(example.com. IN CAA 0 issue "ca.example")", R"(example.com. IN CAA 0 issue ";")"},
         R"(example.com. IN CAA 0 issue "letsencrypt.org")"},
        {{issue("letsencrypt.org"), issuewild("ca.example; validationmethods=http-01")},
         "*.example.com",
         {R"(example.com. IN CAA 0 issuewild "ca.example; validationmethods=http-01")"},
         R"(example.com. IN CAA 0 issuewild "letsencrypt.org")"},
        {{issue("ca.example"), issue("letsencrypt.org; accounturi=https://other.example/1")},
         "www.example.com",
         {R"(example.com. IN CAA 0 issue "letsencrypt.org; accounturi=https://other.example/1")"},
         R"(example.com. IN CAA 0 issue "letsencrypt.org; accounturi=https://example.net/account/1234")"},
        {{issue("letsencrypt.org; accounturi=https://example.net/account/1234; validationmethods=http-01")},
         "www.example.com",
         {R"(example.com. IN CAA 0 issue "letsencrypt.org; accounturi=https://example.net/account/1234; )"
          R"(validationmethods=http-01")"},
         R"(example.com. IN CAA 0 issue "letsencrypt.org; accounturi=https://example.net/account/1234; )"
         R"(validationmethods=dns-01")"},
        {{issue("letsencrypt.org"), {128, "tbs", "Unknown"}},
         "www.example.com",
         {R"(example.com. IN CAA 128 tbs "Unknown")"},
         ""},
    };
    for (const auto& row : rows) {
      CAPTURE(row.needed);
      const auto verdict = judge_caa(facts(row.records), {row.domain, {"letsencrypt.org"}, account_1234});
      CHECK(verdict.records == row.decided);
      CHECK(verdict.needed == row.needed);
      CHECK_FALSE(verdict.why.empty());
    }
  }

  TEST_CASE("a record that is needed lets us through") {
    for (const char* value :
         {"", ";", "%", "ca.example", "letsencrypt.org; validationmethods=http-01", "LETSENCRYPT.ORG",
          "letsencrypt.org; accounturi=x", "letsencrypt.org; a b=c", "letsencrypt.org; a-b=c"}) {
      CAPTURE(value);
      auto set = facts({issue(value)});
      const auto before = judge_caa(set, {"example.com", {"letsencrypt.org"}, account_1234});
      CHECK(before.says != Says::allowed);
      const auto first = before.needed.find('"') + 1;
      set.records.push_back(issue(before.needed.substr(first, before.needed.rfind('"') - first)));
      CHECK(judge_caa(set, {"example.com", {"letsencrypt.org"}, account_1234}).says == Says::allowed);
    }
  }

  TEST_CASE("a lookup that failed says nothing, whatever else was found") {
    auto failed = facts({issue("letsencrypt.org")});
    failed.error = "www.example.com: SERVFAIL";
    const auto verdict = judge_caa(failed, {"www.example.com", {"letsencrypt.org"}, account_1234});
    CHECK(verdict.says == Says::unknown);
    CHECK(verdict.why == "www.example.com: SERVFAIL");
  }

  TEST_CASE("as it stands in a zone file") {
    using preflight::zone_file_line;
    CHECK(zone_file_line("example.com", issue("letsencrypt.org")) ==
          R"(example.com. IN CAA 0 issue "letsencrypt.org")");
    CHECK(zone_file_line("", {128, "tbs", ""}) == R"(. IN CAA 128 tbs "")");
    CHECK(zone_file_line("a", issue("say \"a\\b\"")) == R"(a. IN CAA 0 issue "say \"a\\b\"")");
    CHECK(zone_file_line("a", {0, "x\n y", std::string("\0\x1b[31m\xff", 7)}) ==
          R"(a. IN CAA 0 x\010\032y "\000\027[31m\255")");
  }
}
