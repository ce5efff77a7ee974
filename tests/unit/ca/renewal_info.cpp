#include <ostream>

#include <certherd/ca/renewal_info.hpp>

#include <doctest/doctest.h>
#include <support/http_server.hpp>

using namespace certherd;
using certherd::test::HttpServer;

namespace {

const TimePoint noon = *parse_utc("2026-11-23T12:00:00Z");

std::string window(const std::string& start, const std::string& end) {
  return R"({"suggestedWindow": {"start": ")" + start + R"(", "end": ")" + end + "\"}}";
}

std::string told(const std::string& body) {
  const auto info = ca::parse_renewal_info(body);
  return info ? "no fault" : info.fault().text();
}

std::string utc(const std::string& text) {
  const auto time = ca::parse_rfc3339(text);
  return time ? format_utc(*time) : "none";
}

}  // namespace

TEST_SUITE("ca/renewal_info") {
  TEST_CASE("the answer of RFC 9773") {
    const auto info = ca::parse_renewal_info(R"({"suggestedWindow": {"start": "2025-01-02T04:00:00Z",
      "end": "2025-01-03T04:00:00Z"}, "explanationURL": "https://acme.example.com/docs/ari"})");
    REQUIRE(info);
    CHECK(format_utc(info->start) == "2025-01-02T04:00:00.000Z");
    CHECK(format_utc(info->end) == "2025-01-03T04:00:00.000Z");
    CHECK(info->explanation_url == "https://acme.example.com/docs/ari");
    CHECK_FALSE(info->retry_after);
  }

  TEST_CASE("answers that cannot be used") {
    const std::string begin = "the renewal information cannot be used: ";
    CHECK(told("<html>").starts_with("the renewal information is not JSON ("));
    CHECK(told("").starts_with("the renewal information is not JSON ("));
    CHECK(told("{\"suggestedWindow\": {\"start\"").starts_with("the renewal information is not JSON ("));
    CHECK(told("null") == "the renewal information is not a JSON object");
    CHECK(told("{}") == begin + "suggestedWindow is missing or not an object");
    CHECK(told(R"({"suggestedWindow": "soon"})") == begin + "suggestedWindow is missing or not an object");
    CHECK(told(R"({"suggestedWindow": {"end": "2025-01-03T04:00:00Z"}})") ==
          begin + "suggestedWindow.start is missing or not a text");
    CHECK(told(R"({"suggestedWindow": {"start": "2025-01-03T04:00:00Z", "end": 7}})") ==
          begin + "suggestedWindow.end is missing or not a text");
    CHECK(told(window("tomorrow\x01", "2025-01-03T04:00:00Z")).starts_with("the renewal information is not JSON ("));
    CHECK(told(window("tomorrow", "2025-01-03T04:00:00Z")) ==
          begin + "suggestedWindow.start is 'tomorrow', not a time between 2000 and 2200");
    CHECK(told(window("2025-01-03T04:00:00Z", "9999-12-31T23:59:59Z")) ==
          begin + "suggestedWindow.end is '9999-12-31T23:59:59Z', not a time between 2000 and 2200");
    const std::string backwards = "its window ends at 2025-01-03T04:00:00.000Z, not after its start at ";
    CHECK(told(window("2025-01-04T04:00:00Z", "2025-01-03T04:00:00Z")) ==
          begin + backwards + "2025-01-04T04:00:00.000Z");
    CHECK(told(window("2025-01-03T04:00:00Z", "2025-01-03T04:00:00Z")) ==
          begin + backwards + "2025-01-03T04:00:00.000Z");
  }

  TEST_CASE("an explanation that is no web page is left out") {
    const auto explained = [](const std::string& url) {
      return ca::parse_renewal_info(R"({"suggestedWindow": {"start": "2025-01-02T04:00:00Z",
        "end": "2025-01-03T04:00:00Z"}, "explanationURL": )" +
                                    url + "}")
          ->explanation_url;
    };
    CHECK(explained("\"http://ca.example/why\"") == "http://ca.example/why");
    CHECK(explained("\"javascript:alert(1)\"") == "");
    CHECK(explained("7") == "");
    CHECK(explained("\"https://" + std::string(3000, 'x') + "\"") == "");
    CHECK(explained("\"https://ca.example/\\u001b[2J\"") == "https://ca.example/\\x1b[2J");
  }

  TEST_CASE("times with fractions, offsets and leap seconds") {
    CHECK(utc("2025-01-02T04:05:06Z") == "2025-01-02T04:05:06.000Z");
    CHECK(utc("2025-01-02t04:05:06.5z") == "2025-01-02T04:05:06.500Z");
    CHECK(utc("2025-01-02T04:05:06.123456789012Z") == "2025-01-02T04:05:06.123Z");
    CHECK(utc("2025-01-02T04:05:06+01:30") == "2025-01-02T02:35:06.000Z");
    CHECK(utc("2024-12-31T23:30:00-01:00") == "2025-01-01T00:30:00.000Z");
    CHECK(utc("2016-12-31T23:59:60Z") == "2016-12-31T23:59:59.000Z");
    CHECK(utc("2024-02-29T00:00:00Z") == "2024-02-29T00:00:00.000Z");
    for (const auto* wrong :
         {"", "2025", "2025-01-02", "2025-01-02T04:05:06", "2025-01-02T04:05:06.Z", "2025-01-02T04:05:06+0130",
          "2025-01-02T04:05:06+24:00", "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z", "2025-01-02T24:00:00Z",
          "2025-01-02T04:60:00Z", "2025-01-02T04:05:61Z", "1999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
          "2025-01-02T04:05:06Zx", "+025-01-02T04:05:06Z"})
      CHECK_MESSAGE(utc(wrong) == "none", wrong);
  }

  TEST_CASE("Retry-After in seconds or as a date, within a minute and a day") {
    const auto wait = [](const std::string& text) { return ca::parse_retry_after(text, noon); };
    CHECK(wait("21600") == Seconds(21600));
    CHECK(wait(" 120 ") == Seconds(120));
    CHECK(wait("0") == Seconds(60));
    CHECK(wait("864000") == Seconds(86400));
    CHECK(wait(std::string(40, '9')) == Seconds(86400));
    CHECK(wait("Mon, 23 Nov 2026 13:00:00 GMT") == Seconds(3600));
    CHECK(wait("Mon, 23 Nov 2020 13:00:00 GMT") == Seconds(60));
    CHECK(wait("Mon, 23 Nov 2099 13:00:00 GMT") == Seconds(86400));
    for (const auto* wrong : {"", "-5", "soon", "1.5", "Fri, 31 Dec 9999 23:59:59 GMT"})
      CHECK_MESSAGE(!wait(wrong), wrong);
  }

  TEST_CASE("fetched: the certificate's own address, Retry-After by the CA's clock") {
    std::string asked;
    HttpServer server([&](HttpServer::Request& request, HttpServer::Response& response) {
      asked = request.getURI();
      response.set("Date", "Mon, 23 Nov 2020 12:00:00 GMT");
      response.set("Retry-After", "Mon, 23 Nov 2020 18:00:00 GMT");
      const std::string body = window("2025-01-02T04:00:00Z", "2025-01-03T04:00:00Z");
      response.sendBuffer(body.data(), body.size());
    });
    Ca ca;
    ca.id = "lab";
    for (const std::string end : {"/ari", "/ari/"}) {
      const auto info = ca::fetch_renewal_info(ca, "http://" + server.authority() + end, "aYhb.AIdl");
      REQUIRE(info);
      CHECK(asked == "/ari/aYhb.AIdl");
      CHECK(info->retry_after == Seconds(6 * 3600));
      REQUIRE(info->date);
      CHECK(format_utc(*info->date) == "2020-11-23T12:00:00.000Z");
      CHECK(format_utc(info->end) == "2025-01-03T04:00:00.000Z");
    }
  }

  TEST_CASE("a CA that refuses says how long to wait all the same") {
    HttpServer server([&](HttpServer::Request&, HttpServer::Response& response) {
      response.setStatus(Poco::Net::HTTPResponse::HTTP_SERVICE_UNAVAILABLE);
      response.set("Retry-After", "600");
      const std::string body = R"({"detail": "The service is down for maintenance"})";
      response.sendBuffer(body.data(), body.size());
    });
    Ca ca;
    ca.id = "lab";
    std::optional<Seconds> wait;
    const auto info = ca::fetch_renewal_info(ca, "http://" + server.authority() + "/ari", "a.b", &wait);
    CHECK(info.fault().text() ==
          "the renewal information of CA 'lab': the answer has HTTP status 503: "
          "The service is down for maintenance");
    CHECK(wait == Seconds(600));
  }

  TEST_CASE("a CA that is not there") {
    int port = 0;
    {
      const HttpServer server([](HttpServer::Request&, HttpServer::Response&) {});
      port = server.port();
    }
    Ca ca;
    ca.id = "lab";
    const std::string host = "http://127.0.0.1:" + std::to_string(port);
    CHECK(ca::fetch_renewal_info(ca, host + "/ari", "a.b").fault().text() ==
          "the renewal information of CA 'lab': " + host + "/…: connection refused");
  }
}
