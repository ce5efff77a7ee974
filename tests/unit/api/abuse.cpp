#include <ostream>

#include <certherd/base/text.hpp>

#include <deque>

#include "bench.hpp"

using namespace certherd;
using service::Reply;
using service::Request;
using test::refusal_of;
using test::ServerBench;
using test::UnixClient;

namespace {

/// What a client gets that sends these bytes and then waits.
std::string answer_to(const ServerBench& bench, std::string_view bytes) {
  UnixClient client(bench.path());
  client.send(bytes);
  return client.read_all();
}

}  // namespace

TEST_SUITE("api/abuse") {
  TEST_CASE("two hundred clients that connect and say nothing disturb nobody") {
    ServerBench bench;
    bench.start();
    std::deque<UnixClient> silent;
    for (int i = 0; i < 200; ++i) silent.emplace_back(bench.path());
    for (int i = 0; i < 20; ++i) bench.check_alive();
    const auto before = std::chrono::steady_clock::now();
    bench.server->stop();
    CHECK(std::chrono::steady_clock::now() - before < Seconds(1));
    for (auto& client : silent) CHECK(client.read_all().empty());
  }

  TEST_CASE("beyond the number of connections the oldest silent ones are closed") {
    ServerBench bench;
    bench.options.max_connections = 8;
    bench.start();
    std::deque<UnixClient> silent;
    for (int i = 0; i < 40; ++i) silent.emplace_back(bench.path());
    bench.check_alive();
    for (int i = 0; i < 32; ++i) CHECK(silent[i].read_all().empty());
    bench.check_alive();
  }

  TEST_CASE("beyond the number of connections a newcomer is refused while all others are in work") {
    ServerBench bench;
    bench.options.max_connections = 1;
    std::promise<void> entered;
    std::promise<void> release;
    bench.control.answer = [&](const Request&) {
      entered.set_value();
      release.get_future().wait();
      return Reply{200, "text/plain", "done", {}};
    };
    bench.start();
    UnixClient working(bench.path());
    working.send(test::get_request("/work"));
    entered.get_future().wait();
    UnixClient newcomer(bench.path());
    CHECK(refusal_of(newcomer.read_all()) ==
          "503: the service has too much to do: 1 clients are connected; try again in a few seconds");
    release.set_value();
    CHECK(working.read_all().ends_with("done"));
    bench.check_alive();
  }

  TEST_CASE("a silent client is closed in time, half a request is answered with 408") {
    ServerBench bench;
    bench.options.request_timeout = Milliseconds(50);
    bench.start();
    CHECK(answer_to(bench, "").empty());
    for (const std::string half : {"G", "GET /ping HTTP/1.1\r\n",
                                   "POST /ping HTTP/1.1\r\nContent-Length: 10\r\n\r\n123", "GET /ping HTTP/1.1\n\n"})
      CHECK(refusal_of(answer_to(bench, half))
                .starts_with("408: the request was not whole after 0.1 s; send it at once"));
    bench.check_alive();
  }

  TEST_CASE("a client that drips is cut off at the same time as a silent one") {
    ServerBench bench;
    bench.options.request_timeout = Milliseconds(50);
    bench.options.head_limit = 1'000'000'000;
    bench.start();
    UnixClient client(bench.path());
    client.send("GET /ping HTTP/1.1\r\n");
    // Never silent and never too much: only a deadline for the whole ends this.
    while (client.send("x")) continue;
    CHECK(refusal_of(client.read_all()).starts_with("408"));
    bench.check_alive();
  }

  TEST_CASE("half a request and then the end of the connection leaves nothing behind") {
    ServerBench bench;
    bench.start();
    for (int i = 0; i < 300; ++i) {
      UnixClient client(bench.path());
      client.send("POST /ping HTTP/1.1\r\nContent-Length: 1000\r\n\r\nhalf");
    }
    bench.check_alive();
  }

  TEST_CASE("garbage is refused and harms nobody") {
    ServerBench bench;
    bench.start();
    using namespace std::string_view_literals;
    const std::string_view hello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv;  // TLS
    for (const auto bytes : {hello, "\0\0\0\0"sv, "GET /\x01 HTTP/1.1\r\n\r\n"sv,
                             "\x7f"
                             "ELF"sv})
      CHECK(refusal_of(answer_to(bench, bytes)).starts_with("400: this is no request: it holds control characters"));
    for (const auto bytes :
         {"hello\r\n\r\n"sv, "\r\n\r\n"sv, "GET\r\n\r\n"sv, "GET ping HTTP/1.1\r\n\r\n"sv,
          "GET /%zz HTTP/1.1\r\n\r\n"sv, "GET /a%00b HTTP/1.1\r\n\r\n"sv, "GET /a%ffb HTTP/1.1\r\n\r\n"sv,
          "GET /a%0ab HTTP/1.1\r\n\r\n"sv, "GET http://else/ HTTP/1.1\r\n\r\n"sv, "GET /?a=%0d HTTP/1.1\r\n\r\n"sv,
          "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"sv, "POST / HTTP/1.1\r\nContent-Length: ten\r\n\r\n"sv,
          "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"sv}) {
      const auto refusal = refusal_of(answer_to(bench, bytes));
      const bool refused = refusal.starts_with("400: this is no request: ") || refusal.starts_with("505: ");
      CHECK_MESSAGE(refused, bytes, " -> ", refusal);
    }
    bench.check_alive();
  }

  TEST_CASE("every single byte, and every beginning of a request with one byte changed, harms nobody") {
    ServerBench bench;
    bench.options.request_timeout = Milliseconds(20);
    bench.start();
    const std::string good = "POST /ping?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok";
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (const char c : {'\0', '\n', '\r', ' ', ':', '%', '\xff'}) {
        std::string bad = good;
        bad[i] = c;
        const auto response = answer_to(bench, bad);
        CHECK_MESSAGE(response.starts_with("HTTP/1.1 "), bad);
      }
    }
    bench.check_alive();
  }

  TEST_CASE("other forms of HTTP are refused by their name") {
    ServerBench bench;
    bench.start();
    CHECK(refusal_of(answer_to(bench, "GET /ping HTTP/1.0\r\n\r\n")) ==
          "505: this is not HTTP/1.1; send HTTP/1.1, as `certherd` and `curl` do");
    CHECK(refusal_of(answer_to(bench, "POST /ping HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")) ==
          "411: the length of the body is not told; send Content-Length, not Transfer-Encoding");
  }

  TEST_CASE("a header of a megabyte is refused") {
    ServerBench bench;
    bench.start();
    const std::string head = "GET /ping HTTP/1.1\r\nX-Long: " + std::string(1024 * 1024, 'x') + "\r\n\r\n";
    CHECK(refusal_of(answer_to(bench, head)) ==
          "431: the head of the request is longer than 16384 bytes; send fewer or shorter headers");
    std::string many = "GET /ping HTTP/1.1\r\n";
    while (many.size() < 1024 * 1024) many += "X: y\r\n";
    CHECK(refusal_of(answer_to(bench, many + "\r\n")).starts_with("431"));
    bench.check_alive();
  }

  TEST_CASE("more headers than anybody needs are refused") {
    ServerBench bench;
    bench.start();
    std::string many = "GET /ping HTTP/1.1\r\n";
    for (int i = 0; i < 2000; ++i) many += "X: y\r\n";
    CHECK(refusal_of(answer_to(bench, many + "\r\n")).starts_with("400"));
  }

  TEST_CASE("a body beyond the limit is refused before it comes, and while it comes") {
    ServerBench bench;
    bench.options.body_limit = 1000;
    bench.start();
    const std::string words = "413: the body of the request is longer than 1000 bytes; ask for less at once";
    CHECK(refusal_of(answer_to(bench, "POST /ping HTTP/1.1\r\nContent-Length: 1001\r\n\r\n")) == words);
    CHECK(refusal_of(answer_to(bench, "POST /ping HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n")) == words);
    CHECK(bench.ask("POST", "/ping", std::string(2'000'000, 'x')).status == 413);
    CHECK(bench.ask("POST", "/ping", std::string(1000, 'x')).status == 200);
  }

  TEST_CASE("what follows the request is not taken for another") {
    ServerBench bench;
    std::atomic<int> asked = 0;
    bench.control.answer = [&](const Request& request) {
      ++asked;
      return Reply{200, "text/plain", request.body, {}};
    };
    bench.start();
    CHECK(answer_to(bench, "POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nokGET /b HTTP/1.1\r\n\r\n")
              .ends_with("\r\n\r\nok"));
    CHECK(asked == 1);
  }

  TEST_CASE("a client that floods is answered and cut off") {
    ServerBench bench;
    bench.start();
    UnixClient client(bench.path());
    const std::string piece(64 * 1024, 'x');
    while (client.send(piece)) continue;
    CHECK(refusal_of(client.read_all()).starts_with("431"));
    bench.check_alive();
  }

  TEST_CASE("a client that does not read its reply holds up nobody and is closed in time") {
    ServerBench bench;
    bench.options.threads = 1;
    bench.options.response_timeout = Milliseconds(200);
    const std::string large(8'000'000, 'x');
    bench.control.answer = [&](const Request&) { return Reply{200, "text/plain", large, {}}; };
    bench.start();
    UnixClient client(bench.path());
    client.send(test::get_request("/large"));
    CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
    bench.check_alive();
    // The server lets go at some time, in the middle of the reply.
    while (client.send("x")) continue;
    CHECK(client.read_all().size() < large.size());
  }
}
