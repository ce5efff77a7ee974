#include <ostream>

#include <certherd/base/text.hpp>

#include <unistd.h>

#include "bench.hpp"

using namespace certherd;
using service::Reply;
using service::Request;
using service::Stream;
using test::ServerBench;
using test::Texts;
using test::UnixClient;

namespace {

/// The lines and the status, or the Fault.
std::string streamed(const ServerBench& bench, Texts& lines, const std::string& target = "/stream") {
  const auto status = os::unix_stream(bench.request("POST", target), [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  });
  if (!status) return status.fault().message;
  return *status ? std::to_string(**status) : "nobody listens";
}

std::string ended_early(const ServerBench& bench) {
  return "cannot ask the service at " + bench.path().string() + ": the connection ended before the whole answer";
}

/// What a stream() that waits for its client's end waits for.
void wait_until_gone(Stream& stream) {
  std::promise<void> gone;
  stream.on_gone([&] { gone.set_value(); });
  gone.get_future().wait();
}

}  // namespace

TEST_SUITE("api/stream") {
  TEST_CASE("each line is seen before the next one is written") {
    ServerBench bench;
    std::promise<void> seen[3];
    bench.control.tell = [&](const Request& request, Stream& stream) {
      CHECK(request.actor.id == std::to_string(::getuid()));
      CHECK(request.query.at("wait") == "1");
      for (int i = 0; i < 3; ++i) {
        CHECK(stream.write("line " + std::to_string(i)));
        seen[i].get_future().wait();
      }
    };
    bench.start();
    Texts lines;
    const auto status = os::unix_stream(bench.request("POST", "/stream?wait=1"), [&](std::string_view line) {
      lines.emplace_back(line);
      seen[lines.size() - 1].set_value();
      return true;
    });
    REQUIRE(status.ok());
    CHECK(*status == 200);
    CHECK(lines == Texts{"line 0", "line 1", "line 2"});
  }

  TEST_CASE("long lines, empty lines and many lines arrive as they are") {
    ServerBench bench;
    Texts written{"", std::string(3'000'000, 'x'), "{\"a\":\"\\n\"}", ""};
    for (int i = 0; i < 5000; ++i) written.push_back(std::to_string(i));
    bench.control.tell = [&](const Request&, Stream& stream) {
      for (const auto& line : written) stream.write(line);
    };
    bench.start();
    Texts lines;
    CHECK(streamed(bench, lines) == "200");
    CHECK(lines == written);
  }

  TEST_CASE("a stream without a line is an empty answer") {
    ServerBench bench;
    bench.control.tell = [](const Request&, Stream&) {};
    bench.start();
    Texts lines;
    CHECK(streamed(bench, lines) == "200");
    CHECK(lines.empty());
  }

  TEST_CASE("a stream can be refused before its first line") {
    ServerBench bench;
    bench.control.tell = [](const Request& request, Stream& stream) { stream.refuse(service::unknown_path(request)); };
    bench.start();
    const auto response = bench.ask("POST", "/stream/nothing");
    CHECK(response.status == 404);
    CHECK(response.headers.at("content-type") == "application/json");
    Texts lines;
    CHECK(streamed(bench, lines, "/stream/nothing") == "404");
    REQUIRE(lines.size() == 1);
    CHECK(contains(lines[0], "nothing is at /stream/nothing"));
  }

  TEST_CASE("an exception before the first line is status 500, after it an answer that ends too early") {
    ServerBench bench;
    bench.control.tell = [](const Request& request, Stream& stream) {
      if (request.path == "/stream/late") stream.write("one");
      throw Failed({"the disk is full", "free some space", {}});
    };
    bench.start();
    Texts lines;
    CHECK(streamed(bench, lines) == "500");
    CHECK(lines == Texts{"{\"error\":\"the disk is full\",\"fix\":\"free some space\"}"});
    lines.clear();
    CHECK(streamed(bench, lines, "/stream/late") == ended_early(bench));
    CHECK(lines == Texts{"one"});
  }

  TEST_CASE("to write after a refusal, or to refuse after a line, is an error that is told") {
    ServerBench bench;
    bench.control.tell = [](const Request& request, Stream& stream) {
      if (request.path == "/stream/late") {
        stream.write("one");
        CHECK_THROWS_AS(stream.refuse({}), std::logic_error);
      } else {
        stream.refuse(service::unknown_path(request));
        CHECK_THROWS_AS(stream.write("one"), std::logic_error);
      }
    };
    bench.start();
    Texts lines;
    CHECK(streamed(bench, lines, "/stream/late") == "200");
    CHECK(streamed(bench, lines) == "404");
  }

  TEST_CASE("the service is told at once that a client is gone, before the first line and after it") {
    for (const bool after : {false, true}) {
      ServerBench bench;
      std::promise<bool> result;
      std::promise<void> entered;
      bench.control.tell = [&](const Request&, Stream& stream) {
        CHECK_FALSE(stream.gone());
        if (after) CHECK(stream.write("one"));
        entered.set_value();
        wait_until_gone(stream);
        CHECK(stream.gone());
        // Who asks later is told as well.
        wait_until_gone(stream);
        result.set_value(stream.write("two"));
      };
      bench.start();
      UnixClient client(bench.path());
      client.send(test::get_request("/stream"));
      if (after) CHECK(contains(client.read_until("one\n"), "one\n"));
      entered.get_future().wait();
      client.close();
      CHECK_FALSE(result.get_future().get());
      bench.check_alive();
    }
  }

  TEST_CASE("a client that has only ended its sending side gets every line") {
    ServerBench bench;
    std::promise<void> ended;
    bench.control.tell = [&](const Request&, Stream& stream) {
      stream.write("one");
      ended.get_future().wait();
      CHECK(stream.write("two"));
    };
    bench.start();
    UnixClient client(bench.path());
    client.send(test::get_request("/stream"));
    client.end_sending();
    client.read_until("one\n");
    bench.check_alive();
    ended.set_value();
    CHECK(client.read_all().ends_with("4\r\ntwo\n\r\n0\r\n\r\n"));
  }

  TEST_CASE("a client that does not read its lines is given up in time") {
    ServerBench bench;
    bench.options.response_timeout = Milliseconds(100);
    std::promise<void> given_up;
    bench.control.tell = [&](const Request&, Stream& stream) {
      while (stream.write(std::string(10'000, 'x'))) continue;
      given_up.set_value();
    };
    bench.start();
    UnixClient client(bench.path());
    client.send(test::get_request("/stream"));
    given_up.get_future().wait();
    bench.check_alive();
  }

  TEST_CASE("the end of the server ends an open stream within a second") {
    ServerBench bench;
    std::promise<void> open;
    bench.control.tell = [&](const Request&, Stream& stream) {
      stream.write("one");
      open.set_value();
      wait_until_gone(stream);
    };
    bench.start();
    Texts lines;
    auto client = std::async(std::launch::async, [&] { return streamed(bench, lines); });
    open.get_future().wait();
    const auto before = std::chrono::steady_clock::now();
    bench.server->stop();
    CHECK(std::chrono::steady_clock::now() - before < Seconds(1));
    CHECK(client.get() == ended_early(bench));
    CHECK(lines == Texts{"one"});
  }

  TEST_CASE("the end of the server ends a stream whose client does not read") {
    ServerBench bench;
    std::promise<void> full;
    std::atomic<int> written = 0;
    bench.control.tell = [&](const Request&, Stream& stream) {
      // More than any buffer of the system holds: the write does not return by itself.
      full.set_value();
      while (stream.write(std::string(100'000, 'x'))) ++written;
    };
    bench.start();
    UnixClient client(bench.path());
    client.send(test::get_request("/stream"));
    full.get_future().wait();
    const auto before = std::chrono::steady_clock::now();
    bench.server->stop();
    CHECK(std::chrono::steady_clock::now() - before < Seconds(1));
    CHECK(written < 100);
  }

  TEST_CASE("too many streams are refused at once, and ordinary requests still answered") {
    ServerBench bench;
    bench.options.max_streams = 2;
    std::promise<void> entered[2];
    std::atomic<int> count = 0;
    bench.control.tell = [&](const Request&, Stream& stream) {
      entered[count++].set_value();
      wait_until_gone(stream);
    };
    bench.start();
    UnixClient first(bench.path());
    UnixClient second(bench.path());
    first.send(test::get_request("/stream"));
    second.send(test::get_request("/stream"));
    for (auto& one : entered) one.get_future().wait();
    const auto third = bench.ask("POST", "/stream");
    CHECK(third.status == 503);
    CHECK(contains(third.body, "2 clients wait for the end of something"));
    bench.check_alive();
  }

  TEST_CASE("a hundred streams of clients that go away leave every thread free") {
    ServerBench bench;
    bench.options.max_streams = 3;
    std::atomic<int> over = 0;
    bench.control.tell = [&](const Request& request, Stream& stream) {
      if (request.path == "/stream/last") {
        stream.write("one");
      } else {
        wait_until_gone(stream);
        ++over;
      }
    };
    bench.start();
    while (over < 100) {
      UnixClient client(bench.path());
      client.send(test::get_request("/stream"));
    }
    Texts lines;
    while (streamed(bench, lines, "/stream/last") == "503") lines.clear();
    CHECK(lines == Texts{"one"});
  }
}
