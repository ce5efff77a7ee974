#include <ostream>

#include <certherd/base/text.hpp>

#include <pwd.h>
#include <unistd.h>

#include "bench.hpp"

using namespace certherd;
using service::Reply;
using service::Request;
using test::ServerBench;

TEST_SUITE("api/server") {
  TEST_CASE("a request arrives as it was sent, with the user who sent it") {
    ServerBench bench;
    Request seen;
    bench.control.answer = [&](const Request& request) {
      seen = request;
      return Reply{};
    };
    bench.start();
    const auto response = bench.ask("POST", "/v1/certificates/a%20b%2Fc?x=1&y=%26+z&x=2&flag", "line\n\0end");
    CHECK(response.status == 200);
    CHECK(response.body.empty());
    CHECK(seen.method == "POST");
    CHECK(seen.path == "/v1/certificates/a b/c");
    CHECK(seen.query == std::map<std::string, std::string>{{"x", "2"}, {"y", "& z"}, {"flag", ""}});
    CHECK(seen.body == "line\n\0end");
    CHECK(seen.actor.kind == Actor::Kind::user);
    CHECK(seen.actor.id == std::to_string(::getuid()));
    CHECK(seen.actor.label == ::getpwuid(::getuid())->pw_name);
  }

  TEST_CASE("status, headers and body of the reply arrive") {
    ServerBench bench;
    bench.control.answer = [&](const Request& request) {
      return Reply{std::stoi(request.body), "text/x-test", "of " + request.body, {{"Retry-After", "7"}}};
    };
    bench.start();
    for (const int status : {200, 202, 400, 404, 409, 422, 500, 503}) {
      const auto response = bench.ask("POST", "/status", std::to_string(status));
      CHECK(response.status == status);
      CHECK(response.body == "of " + std::to_string(status));
      CHECK(response.headers.at("content-type") == "text/x-test");
      CHECK(response.headers.at("retry-after") == "7");
      CHECK(response.headers.at("connection") == "Close");
    }
  }

  TEST_CASE("a line break in a header of a reply begins no other header") {
    ServerBench bench;
    bench.control.answer = [](const Request&) {
      return Reply{200, "text/plain", "", {{"X-Name", "a\r\nX-Evil: yes"}}};
    };
    bench.start();
    const auto response = bench.ask("GET", "/");
    CHECK(response.headers.count("x-evil") == 0);
    CHECK(response.headers.at("x-name") == "a\\x0d X-Evil: yes");
  }

  TEST_CASE("a reply of many megabytes arrives whole") {
    ServerBench bench;
    std::string large(20'000'000, 'x');
    large[10'000'000] = 'y';
    bench.control.answer = [&](const Request&) { return Reply{200, "text/plain", large, {}}; };
    bench.start();
    CHECK(bench.ask("GET", "/large").body == large);
  }

  TEST_CASE("unknown paths and wrong methods are told with what to do") {
    ServerBench bench;
    bench.control.answer = [](const Request& request) {
      return request.path == "/v1/list" ? service::wrong_method(request, "GET") : service::unknown_path(request);
    };
    bench.start();
    const auto unknown = bench.ask("GET", "/v2/li%22st");
    CHECK(unknown.status == 404);
    CHECK(boost::json::parse(unknown.body).at("error").as_string() == "nothing is at /v2/li\"st");
    CHECK(unknown.headers.at("content-type") == "application/json");
    const auto wrong = bench.ask("DELETE", "/v1/list");
    CHECK(wrong.status == 405);
    CHECK(wrong.headers.at("allow") == "GET");
    CHECK(boost::json::parse(wrong.body).at("error").as_string() == "DELETE cannot be done to /v1/list");
    CHECK(boost::json::parse(wrong.body).at("fix").as_string() == "use GET");
  }

  TEST_CASE("HEAD is answered without a body, though with its length") {
    ServerBench bench;
    bench.start();
    test::UnixClient client(bench.path());
    REQUIRE(client.send("HEAD /ping HTTP/1.1\r\nHost: x\r\n\r\n"));
    const std::string response = client.read_all();
    CHECK(contains(response, "Content-Length: 4\r\n"));
    CHECK(response.ends_with("\r\n\r\n"));
    CHECK(bench.ask("HEAD", "/ping").body.empty());
  }

  TEST_CASE("what the service throws is status 500, and the next request is answered") {
    ServerBench bench;
    bench.control.answer = [](const Request& request) -> Reply {
      if (request.body == "fault") throw Failed({"the database is locked", "wait", {}});
      if (request.body == "number") throw 7;
      throw std::runtime_error("out of luck");
    };
    bench.start();
    const auto told = [&](const std::string& body) {
      const auto response = bench.ask("POST", "/v1/issue", body);
      CHECK(response.status == 500);
      const auto value = boost::json::parse(response.body);
      return std::string(value.at("error").as_string()) + "; " + std::string(value.at("fix").as_string());
    };
    CHECK(told("fault") == "the database is locked; wait");
    CHECK(told("other") == "POST /v1/issue failed: out of luck; look into the log of the service");
    CHECK(told("number") == "POST /v1/issue failed without a word; look into the log of the service");
    bench.check_alive();
  }

  TEST_CASE("requests are handled side by side") {
    ServerBench bench;
    std::promise<void> both;
    std::atomic<int> inside = 0;
    const auto released = both.get_future().share();
    bench.control.answer = [&](const Request&) {
      if (++inside == 2) both.set_value();
      released.wait();
      return Reply{};
    };
    bench.start();
    auto first = std::async(std::launch::async, [&] { return bench.ask("GET", "/a").status; });
    CHECK(bench.ask("GET", "/b").status == 200);
    CHECK(first.get() == 200);
  }

  TEST_CASE("when threads and queue are full a request is refused at once, and served when there is room") {
    ServerBench bench;
    bench.options.threads = 1;
    bench.options.max_queued = 1;
    std::promise<void> entered;
    std::promise<void> release;
    const auto released = release.get_future().share();
    bench.control.answer = [&](const Request& request) {
      if (request.path == "/first") entered.set_value();
      released.wait();
      return Reply{200, "text/plain", request.path, {}};
    };
    bench.start();
    test::UnixClient first(bench.path());
    first.send(test::get_request("/first"));
    entered.get_future().wait();
    test::UnixClient second(bench.path());
    second.send(test::get_request("/second"));
    const auto third = bench.ask("GET", "/third");
    CHECK(third.status == 503);
    CHECK(third.headers.at("retry-after") == "5");
    CHECK(boost::json::parse(third.body).at("error").as_string() ==
          "the service has too much to do: 1 requests are waiting");
    release.set_value();
    CHECK(first.read_all().ends_with("/first"));
    CHECK(second.read_all().ends_with("/second"));
    bench.check_alive();
  }

  TEST_CASE("the end answers what is in work and refuses what waits") {
    ServerBench bench;
    bench.options.threads = 1;
    std::promise<void> entered;
    std::promise<void> release;
    bench.control.answer = [&](const Request&) {
      entered.set_value();
      release.get_future().wait();
      return Reply{200, "text/plain", "done", {}};
    };
    bench.start();
    test::UnixClient working(bench.path());
    working.send(test::get_request("/work"));
    entered.get_future().wait();
    test::UnixClient waiting(bench.path());
    waiting.send(test::get_request("/wait"));
    // Seen by the server once a later connection has been refused its request.
    test::UnixClient garbage(bench.path());
    garbage.send("\1");
    CHECK(test::refusal_of(garbage.read_all()).starts_with("400"));
    bench.server->close();
    auto stopped = std::async(std::launch::async, [&] { bench.server->stop(); });
    release.set_value();
    stopped.get();
    CHECK(working.read_all().ends_with("done"));
    CHECK(test::refusal_of(waiting.read_all()) == "503: the service is stopping; ask again when it has been started");
    CHECK_FALSE(os::unix_exchange(bench.request("GET", "/ping")).or_throw());
  }

  TEST_CASE("it can be ended twice, and before anybody came") {
    ServerBench bench;
    bench.start();
    bench.server->stop();
    bench.server->stop();
    CHECK_FALSE(std::filesystem::exists(bench.path()));
  }
}
