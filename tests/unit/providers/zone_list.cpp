#include <certherd/providers/zone_list.hpp>

#include <ostream>

#include <doctest/doctest.h>
#include <support/texts.hpp>

#include <algorithm>

using namespace certherd;
using namespace certherd::providers;
using certherd::test::Texts;
using Answered = ScopeAnswer::Says;

namespace {

ZoneList paged_list() {
  ZoneList list;
  list.url = "https://api.example/zones?page={page}&as={x_user}";
  list.headers = {{"Authorization", "Bearer {x_token}"}};
  list.names = "result[].name";
  return list;
}

Provider asked_provider(std::vector<ZoneList> lists) {
  Provider provider;
  provider.title = "Example";
  provider.zone_lists = std::move(lists);
  return provider;
}

Credentials given(std::map<std::string, std::string> values) {
  Credentials credentials;
  credentials.values = std::move(values);
  return credentials;
}

const Credentials both = given({{"x_token", "s3cret"}, {"x_user", "a&b c"}});

/// Answers one request after the other, and keeps what was asked.
struct Api {
  std::vector<std::pair<int, std::string>> answers;
  std::vector<os::HttpRequest> asked;

  ScopeAnswer ask(const ZoneList& list, Seconds patience = Seconds(60)) {
    const auto exchange = [this](const os::HttpRequest& request) -> Result<os::HttpResponse> {
      asked.push_back(request);
      if (asked.size() > answers.size()) return Fault{"api.example: connection refused", {}, {}};
      const auto& [status, body] = answers[asked.size() - 1];
      os::HttpResponse response;
      response.status = status;
      response.body = body;
      return response;
    };
    return ask_for_zones(asked_provider({list}), list, both, std::chrono::steady_clock::now() + patience, exchange);
  }
};

std::string page_of(const std::string& name) {
  return R"({"result": [{"name": ")" + name + R"("}], "info": {"pages": 2}})";
}

}  // namespace

TEST_SUITE("providers/zone_list") {
  TEST_CASE("placeholders in their order") {
    CHECK(Texts(placeholders("a {b} {c}{page} {")) == Texts{"b", "c", "page"});
    CHECK(placeholders("").empty());
  }

  TEST_CASE("the first way for which all credentials are given") {
    ZoneList other = paged_list();
    other.url = "https://api.example/other";
    other.headers = {{"X-Key", "{x_key}"}};
    const auto provider = asked_provider({paged_list(), other});
    CHECK(usable_zone_list(provider, both) == &provider.zone_lists[0]);
    CHECK(usable_zone_list(provider, given({{"x_key", "k"}, {"x_token", "t"}})) == &provider.zone_lists[1]);
    CHECK(usable_zone_list(provider, given({{"x_token", "t"}, {"x_user", ""}})) == nullptr);
    CHECK(usable_zone_list(asked_provider({}), both) == nullptr);
  }

  TEST_CASE("credentials stand in the URL percent-encoded, in headers as they are") {
    const auto request = zone_list_request(paged_list(), both, 3);
    REQUIRE(request);
    CHECK(request->method == "GET");
    CHECK(request->url == "https://api.example/zones?page=3&as=a%26b%20c");
    CHECK(request->headers.at("Authorization") == "Bearer s3cret");
    const auto broken = zone_list_request(paged_list(), given({{"x_token", "a\r\nX-Evil: 1"}, {"x_user", "u"}}), 1);
    REQUIRE_FALSE(broken);
    CHECK(broken.fault().message == "the credentials hold a control character");
  }

  TEST_CASE("names at their path, lower case and without the last dot") {
    ZoneList list = paged_list();
    const auto names = [&list](const std::string& path, const std::string& body) -> Texts {
      list.names = path;
      const auto page = read_zone_page(list, body);
      return page ? page->names : Texts{"fault: " + page.fault().message};
    };
    CHECK(names("result[].name", R"({"result": [{"name": "A.Test."}, {"name": "b.test"}]})") ==
          Texts{"a.test", "b.test"});
    CHECK(names("[].fqdn", R"([{"fqdn": "a.test"}])") == Texts{"a.test"});
    CHECK(names("zones[]", R"({"zones": ["a.test"]})") == Texts{"a.test"});
    CHECK(names("a.b[].c.d", R"({"a": {"b": [{"c": {"d": "a.test"}}]}})") == Texts{"a.test"});
    CHECK(names("zones[]", R"({"zones": []})").empty());
    CHECK(names("zones[]", R"({"zones": {}})") == Texts{"fault: an answer without 'zones[]'"});
    CHECK(names("zones[].name", R"({"zones": [{"id": 1}]})") == Texts{"fault: an answer without 'zones[].name'"});
    CHECK(names("zones[]", R"({"zones": [1]})") ==
          Texts{"fault: an answer with something else than names at 'zones[]'"});
    CHECK(names("zones[]", "<html>") == Texts{"fault: an answer that is no JSON"});
    CHECK(names("zones[]", "") == Texts{"fault: an answer that is no JSON"});
    CHECK(names("zones[]", "[]") == Texts{"fault: an answer without 'zones[]'"});
  }

  TEST_CASE("the number of pages") {
    ZoneList list = paged_list();
    list.pages = "info.pages";
    CHECK(read_zone_page(list, page_of("a.test"))->pages == 2);
    CHECK(read_zone_page(list, R"({"result": []})").fault().message == "an answer without a number at 'info.pages'");
    CHECK(read_zone_page(list, R"({"result": [], "info": {"pages": "2"}})").fault().message ==
          "an answer without a number at 'info.pages'");
  }

  TEST_CASE("page by page, as many as it says there are") {
    Api api{{{200, page_of("a.test")}, {200, page_of("b.test")}}, {}};
    ZoneList list = paged_list();
    list.pages = "info.pages";
    const auto answer = api.ask(list);
    CHECK(answer.says == Answered::zones);
    CHECK(Texts(answer.zones) == Texts{"a.test", "b.test"});
    CHECK(answer.whole);
    CHECK(answer.who == "the API of Example (https://api.example/…)");
    CHECK(api.asked.size() == 2);
  }

  TEST_CASE("page by page, until one is empty or comes again") {
    Api until_empty{{{200, page_of("a.test")}, {200, page_of("b.test")}, {200, R"({"result": []})"}}, {}};
    const auto answer = until_empty.ask(paged_list());
    CHECK(Texts(answer.zones) == Texts{"a.test", "b.test"});
    CHECK(answer.whole);
    Api again{{{200, page_of("a.test")}, {200, page_of("a.test")}}, {}};
    CHECK(Texts(again.ask(paged_list()).zones) == Texts{"a.test"});
    ZoneList single = paged_list();
    single.url = "https://api.example/zones";
    Api one{{{200, page_of("a.test")}}, {}};
    CHECK(Texts(one.ask(single).zones) == Texts{"a.test"});
  }

  TEST_CASE("pages without an end are not all of them") {
    Api api;
    for (int i = 0; i < 200; ++i) api.answers.emplace_back(200, page_of("z" + std::to_string(i) + ".test"));
    const auto answer = api.ask(paged_list());
    CHECK(answer.says == Answered::zones);
    CHECK(answer.zones.size() == 100);
    CHECK_FALSE(answer.whole);
  }

  TEST_CASE("a name that is no A-label may be any: the list does not count as whole") {
    Api api{{{200, page_of("m\xc3\xbcller.test")}, {200, R"({"result": []})"}}, {}};
    CHECK_FALSE(api.ask(paged_list()).whole);
  }

  TEST_CASE("a denial; everything else says nothing") {
    ZoneList list = paged_list();
    const auto answer_to = [&list](int status, const std::string& body = "{}") {
      Api api{{{status, body}}, {}};
      return api.ask(list);
    };
    CHECK(answer_to(401).says == Answered::bad_credentials);
    CHECK(answer_to(401).answer == "HTTP status 401");
    for (const int status : {204, 302, 400, 403, 404, 429, 500, 503}) {
      CHECK(answer_to(status).says == Answered::nothing);
      CHECK(answer_to(status).answer == "HTTP status " + std::to_string(status));
    }
    list.denials = {403};
    CHECK(answer_to(403).says == Answered::bad_credentials);
    CHECK(answer_to(401).says == Answered::nothing);
    CHECK(answer_to(200, "garbage").says == Answered::nothing);
    CHECK(answer_to(200, "garbage").answer == "an answer that is no JSON");
    Api nobody;
    CHECK(nobody.ask(list).answer == "api.example: connection refused");
    CHECK(nobody.ask(list, Seconds(0)).answer == "not all of its zones within the time");
    // One page is not all of them.
    Api cut{{{200, page_of("a.test")}}, {}};
    const auto answer = cut.ask(list);
    CHECK(answer.says == Answered::nothing);
    CHECK(answer.answer == "api.example: connection refused");
  }
}
