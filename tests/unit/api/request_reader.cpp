#include <ostream>

#include "../../../src/api/request_reader.hpp"

#include <doctest/doctest.h>

using namespace certherd;
using api::RequestReader;
using Progress = RequestReader::Progress;

namespace {

const std::string good = "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";

}  // namespace

TEST_SUITE("api/request_reader") {
  TEST_CASE("a request may come in two pieces, cut anywhere") {
    for (std::size_t cut = 1; cut < good.size(); ++cut) {
      RequestReader reader(1000, 1000);
      REQUIRE(reader.feed(good.substr(0, cut)) == Progress::more);
      REQUIRE(reader.feed(good.substr(cut)) == Progress::whole);
      const auto request = reader.take();
      CHECK(request.method == "POST");
      CHECK(request.path == "/a");
      CHECK(request.body == "hello");
    }
  }

  TEST_CASE("a request may come byte by byte") {
    RequestReader reader(1000, 1000);
    CHECK_FALSE(reader.begun());
    for (std::size_t i = 0; i + 1 < good.size(); ++i) REQUIRE(reader.feed(good.substr(i, 1)) == Progress::more);
    CHECK(reader.begun());
    CHECK(reader.feed(good.substr(good.size() - 1)) == Progress::whole);
  }

  TEST_CASE("head and body may be as long as their limits and no longer") {
    const std::size_t head = good.find("\r\n\r\n") + 4;
    CHECK(RequestReader(head, 5).feed(good) == Progress::whole);
    RequestReader short_head(head - 1, 5);
    CHECK(short_head.feed(good) == Progress::refused);
    CHECK(short_head.refusal().status == 431);
    RequestReader short_body(head, 4);
    CHECK(short_body.feed(good) == Progress::refused);
    CHECK(short_body.refusal().status == 413);
  }

  TEST_CASE("a control character is refused before the head is whole, in the body it is welcome") {
    RequestReader reader(1000, 1000);
    CHECK(reader.feed("GET /") == Progress::more);
    CHECK(reader.feed(std::string(1, '\0')) == Progress::refused);
    CHECK(reader.refusal().status == 400);
    RequestReader binary(1000, 1000);
    CHECK(binary.feed("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n\x01\x7f") == Progress::whole);
    CHECK(binary.take().body == "\x01\x7f");
  }
}
