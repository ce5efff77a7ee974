#include <ostream>

#include <certherd/base/text.hpp>
#include <certherd/os/unix_http.hpp>

#include <doctest/doctest.h>
#include <grp.h>
#include <support/coroutine.hpp>
#include <support/files.hpp>
#include <support/in_child.hpp>
#include <support/temp_dir.hpp>
#include <support/texts.hpp>
#include <support/unix_client.hpp>

#include <functional>
#include <future>
#include <thread>

using namespace certherd;
using os::Fd;
using os::UnixRequest;
using test::Texts;

namespace {

void say(const Fd& client, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

/// Reads until the client has said these words; gives all that it said.
std::string hear(const Fd& client, std::string_view words) {
  std::string all;
  char buffer[4096];
  while (!contains(all, words)) {
    const ssize_t got = ::recv(client.get(), buffer, sizeof buffer, 0);
    if (got <= 0) break;
    all.append(buffer, static_cast<std::size_t>(got));
  }
  return all;
}

/// Accepts one connection and does with it what a case wants, then closes it.
class RawUnixServer {
public:
  explicit RawUnixServer(std::function<void(const Fd& client)> serve)
      : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_un address = test::unix_address(path());
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 5) == 0);
    thread_ = std::thread([this, serve = std::move(serve)] {
      const Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      serve(client);
    });
  }
  RawUnixServer(const RawUnixServer&) = delete;
  RawUnixServer& operator=(const RawUnixServer&) = delete;
  ~RawUnixServer() { thread_.join(); }

  std::filesystem::path path() const { return directory_.path() / "socket"; }
  UnixRequest request() const {
    UnixRequest request;
    request.socket = path();
    return request;
  }

private:
  const test::Watchdog watchdog_;
  test::TempDir directory_;
  Fd listener_;
  std::thread thread_;
};

/// "status body", or the Fault without the part that names the socket, for a server that answers this.
std::string exchanged(const std::string& answer, const std::string& method = "GET", std::size_t limit = 1000) {
  const RawUnixServer server([&](const Fd& client) {
    hear(client, "\r\n\r\n");
    say(client, answer);
  });
  UnixRequest request = server.request();
  request.method = method;
  request.response_limit = limit;
  const auto response = os::unix_exchange(request);
  if (response) return *response ? std::to_string((*response)->status) + " " + (*response)->body : "nobody listens";
  const std::string where = "cannot ask the service at " + server.path().string() + ": ";
  CHECK(response.fault().message.starts_with(where));
  return response.fault().message.substr(where.size());
}

struct Streamed {
  std::string end;
  Texts lines;
};

Streamed streamed(const std::string& answer, std::size_t wanted = 1000) {
  const RawUnixServer server([&](const Fd& client) {
    hear(client, "\r\n\r\n");
    say(client, answer);
  });
  Streamed result;
  const auto status = os::unix_stream(server.request(), [&](std::string_view line) {
    result.lines.emplace_back(line);
    return result.lines.size() < wanted;
  });
  result.end = status ? std::to_string(status->value_or(0)) : status.fault().message;
  return result;
}

const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string chunked = ok + "Transfer-Encoding: Chunked\r\n\r\n";
const std::string early = "the connection ended before the whole answer";
const std::string not_http = "the answer is not HTTP/1.1";

}  // namespace

TEST_SUITE("os/unix_http") {
  TEST_CASE("the request is sent whole") {
    std::string seen;
    const RawUnixServer server([&](const Fd& client) {
      seen = hear(client, "body");
      say(client, ok + "Content-Length: 0\r\n\r\n");
    });
    UnixRequest request = server.request();
    request.method = "POST";
    request.target = "/v1/issue?wait=1";
    request.headers = {{"Content-Type", "application/json"}};
    request.body = "the body";
    REQUIRE(os::unix_exchange(request).ok());
    CHECK(seen ==
          "POST /v1/issue?wait=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
          "Content-Type: application/json\r\nContent-Length: 8\r\n\r\nthe body");
  }

  TEST_CASE("headers come back in lower case, those that come twice joined") {
    const RawUnixServer server([](const Fd& client) {
      hear(client, "\r\n\r\n");
      say(client, ok + "Retry-After:  7 \r\nX-Two: a\r\nx-two: b\r\nContent-Length: 0\r\n\r\n");
    });
    const auto response = os::unix_exchange(server.request());
    REQUIRE(response.ok());
    CHECK((*response)->headers.at("retry-after") == "7");
    CHECK((*response)->headers.at("x-two") == "a, b");
  }

  TEST_CASE("a body ends by its length, its last chunk or the end of the connection") {
    CHECK(exchanged(ok + "Content-Length: 5\r\n\r\nhello and more") == "200 hello");
    CHECK(exchanged(ok + "\r\nhello") == "200 hello");
    CHECK(exchanged(ok + "\r\n") == "200 ");
    CHECK(exchanged(chunked + "5\r\nhello\r\n0\r\n\r\n") == "200 hello");
    CHECK(exchanged(chunked + "1;x=y\r\nh\r\n00A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n") == "200 h0123456789");
    CHECK(exchanged(chunked + "0\r\n\r\n") == "200 ");
    CHECK(exchanged("HTTP/1.1 204 No Content\r\n\r\n") == "204 ");
    CHECK(exchanged("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n") == "304 ");
    CHECK(exchanged(ok + "Content-Length: 10\r\n\r\n", "HEAD") == "200 ");
    CHECK(exchanged("HTTP/1.1 500\r\n\r\nx") == "500 x");
  }

  TEST_CASE("an answer that ends too early is told, wherever it ends") {
    for (const std::string& whole : {ok + "Content-Length: 5\r\n\r\nhello", chunked + "5\r\nhello\r\n0\r\n\r\n"})
      for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto told = exchanged(whole.substr(0, size));
        CHECK_MESSAGE(told == early, size);
      }
  }

  TEST_CASE("what is not HTTP/1.1 is told") {
    for (const std::string& answer :
         {std::string("SSH-2.0-OpenSSH_9.2p1\r\n"), std::string("HTTP/2 200\r\n\r\n"),
          std::string("HTTP/1.1 abc x\r\n\r\n"), std::string("HTTP/1.1 100 Continue\r\n\r\n"), ok + "no colon\r\n\r\n",
          ok + "Content-Length: many\r\n\r\n", chunked + "x\r\n", chunked + "-1\r\n", chunked + "5x\r\nhello\r\n",
          chunked + "fffffffffffffffff\r\n", chunked + "5\r\nhello, too long\r\n", std::string(200'000, 'x'),
          ok + std::string(200'000, 'x') + "\r\n\r\n"})
      CHECK_MESSAGE(exchanged(answer) == not_http, answer.substr(0, 100));
    std::string many = ok;
    for (int i = 0; i < 1000; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
    CHECK(exchanged(many + "\r\n") == not_http);
  }

  TEST_CASE("an answer beyond its limit is told") {
    CHECK(exchanged(ok + "\r\n" + std::string(1000, 'x')) == "200 " + std::string(1000, 'x'));
    CHECK(exchanged(ok + "\r\n" + std::string(1001, 'x')) == "the answer is longer than 1000 bytes");
  }

  TEST_CASE("an answer to a request that was not heard to its end is read all the same") {
    const RawUnixServer server([](const Fd& client) {
      say(client, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!");
      ::shutdown(client.get(), SHUT_RD);
    });
    UnixRequest request = server.request();
    request.body = std::string(10'000'000, 'x');
    const auto response = os::unix_exchange(request);
    REQUIRE_MESSAGE(response.ok(), response.fault().message);
    CHECK((*response)->status == 413);
    CHECK((*response)->body == "no!");
  }

  TEST_CASE("a service that says nothing, or never stops talking, is given up in time") {
    for (const bool talks : {false, true}) {
      std::promise<void> over;
      auto given_up = over.get_future();
      const RawUnixServer server([&](const Fd& client) {
        say(client, ok);
        while (talks && given_up.wait_for(Milliseconds(0)) != std::future_status::ready) say(client, "X-More: y\r\n");
        given_up.wait();
      });
      UnixRequest request = server.request();
      request.timeout = Seconds(1);
      const auto response = os::unix_exchange(request);
      over.set_value();
      REQUIRE_FALSE(response.ok());
      const bool told = contains(response.fault().message, "no whole answer within 1s") ||
                        (talks && contains(response.fault().message, not_http));
      CHECK_MESSAGE(told, response.fault().message);
    }
  }

  TEST_CASE("a service that accepts nobody is given up in time") {
    const test::TempDir directory;
    const std::filesystem::path path = directory.path() / "socket";
    const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = test::unix_address(path);
    REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener.get(), 0) == 0);
    const test::UnixClient first(path);  // fills the queue
    UnixRequest request;
    request.socket = path;
    request.timeout = Seconds(1);
    const auto response = os::unix_exchange(request);
    REQUIRE_FALSE(response.ok());
    CHECK(contains(response.fault().message, "it has not accepted the connection within 1s"));
  }

  TEST_CASE("where nobody listens the service does not run") {
    const test::TempDir directory;
    UnixRequest request;
    request.socket = directory.path() / "socket";
    CHECK_FALSE(os::unix_exchange(request).or_throw());
    const auto no_line = [](std::string_view) { return true; };
    CHECK_FALSE(os::unix_stream(request, no_line).or_throw());
    {
      const Fd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const sockaddr_un address = test::unix_address(request.socket);
      REQUIRE(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    CHECK_FALSE(os::unix_exchange(request).or_throw());
    request.socket = directory.path() / std::string(200, 'x');
    CHECK_FALSE(os::unix_exchange(request).or_throw());
  }

  TEST_CASE("who may not connect is told which group may") {
    const RawUnixServer server([](const Fd&) {});
    const group* const group = ::getgrgid(::getegid());
    REQUIRE(group);
    const std::string name = group->gr_name;
    REQUIRE(::chmod(server.path().parent_path().c_str(), 0755) == 0);
    REQUIRE(::chmod(server.path().c_str(), 0600) == 0);
    const auto refused = [&]() -> std::string {
      if (::getuid() == 0 && ::setuid(65534) != 0) return "no change of user";
      if (::geteuid() != 65534) ::chmod(server.path().c_str(), 0);
      const auto response = os::unix_exchange(server.request());
      return response ? "no fault" : response.fault().text();
    };
    CHECK(test::in_child(refused) == "cannot ask the service at " + server.path().string() +
                                         ": permission denied; ask as root, or as a member of the group '" + name +
                                         "' (usermod --append --groups " + name + " USER, then log in again)");
    REQUIRE(::chmod(server.path().c_str(), 0600) == 0);
    const test::UnixClient last(server.path());  // the server accepts one
  }

  TEST_CASE("lines are handed out as they come, however they are cut") {
    std::promise<void> seen[2];
    const RawUnixServer server([&](const Fd& client) {
      hear(client, "\r\n\r\n");
      say(client, chunked + "4\r\none\n\r\n");
      seen[0].get_future().wait();
      say(client, "6\r\ntwo\nth\r\n3\r\nree\r\n1\r\n\n\r\n");
      seen[1].get_future().wait();
      say(client, "4\r\nlast\r\n0\r\n\r\n");
    });
    Texts lines;
    const auto status = os::unix_stream(server.request(), [&](std::string_view line) {
      lines.emplace_back(line);
      if (line == "one") seen[0].set_value();
      if (line == "three") seen[1].set_value();
      return true;
    });
    REQUIRE(status.ok());
    CHECK(*status == 200);
    CHECK(lines == Texts{"one", "two", "three", "last"});
  }

  TEST_CASE("a service that dies between two lines is noticed") {
    const auto result = streamed(chunked + "4\r\none\n\r\n");
    CHECK(contains(result.end, early));
    CHECK(result.lines == Texts{"one"});
  }

  TEST_CASE("a stream ends when its reader has had enough") {
    const auto result = streamed(chunked + "8\r\none\ntwo\n\r\n", 1);
    CHECK(result.end == "200");
    CHECK(result.lines == Texts{"one"});
  }

  TEST_CASE("an error in place of a stream comes with its status") {
    const auto result = streamed("HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\n{\"error\":1}\n");
    CHECK(result.end == "404");
    CHECK(result.lines == Texts{"{\"error\":1}"});
  }
}
