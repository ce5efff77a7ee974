#include <ostream>

#include <certherd/base/text.hpp>
#include <certherd/os/http.hpp>

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>

#include <doctest/doctest.h>
#include <support/coroutine.hpp>
#include <support/http_server.hpp>

#include <atomic>
#include <thread>

using namespace certherd;
using os::HttpRequest;
using test::HttpServer;

namespace {

void say(HttpServer::Response& response, const std::string& body) {
  response.sendBuffer(body.data(), body.size());
}

void hello(HttpServer::Request&, HttpServer::Response& response) {
  say(response, "hello");
}

HttpRequest get(const std::string& url) {
  HttpRequest request;
  request.url = url;
  return request;
}

/// Accepts one connection and hands it to `serve`; for servers that do not speak HTTP.
class RawServer {
public:
  explicit RawServer(std::function<void(Poco::Net::StreamSocket)> serve)
      : socket_(Poco::Net::SocketAddress("127.0.0.1", 0)), thread_([this, serve = std::move(serve)] {
          try {
            serve(socket_.acceptConnection());
          } catch (const Poco::Exception&) {
            // The client went away: that is what some cases are about.
          }
        }) {}
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  ~RawServer() { thread_.join(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(socket_.address().port()); }

private:
  Poco::Net::ServerSocket socket_;
  std::thread thread_;
};

void read_request(Poco::Net::StreamSocket& socket) {
  char buffer[4096];
  socket.receiveBytes(buffer, sizeof buffer);
}

void await_close(Poco::Net::StreamSocket& socket) {
  char buffer[4096];
  while (socket.receiveBytes(buffer, sizeof buffer) > 0) continue;
}

std::string body_or_fault(const HttpRequest& request) {
  const test::Watchdog watchdog;
  const auto response = os::http_exchange(request);
  return response ? response->body : response.fault().text();
}

std::string fault_of(const HttpRequest& request) {
  const test::Watchdog watchdog;
  const auto response = os::http_exchange(request);
  return response ? "no fault, status " + std::to_string(response->status) : response.fault().message;
}

/// A port on which nobody listens.
std::string dead_url() {
  const Poco::Net::ServerSocket socket(Poco::Net::SocketAddress("127.0.0.1", 0));
  return "http://127.0.0.1:" + std::to_string(socket.address().port());
}

}  // namespace

TEST_SUITE("os/http") {
  TEST_CASE("status, headers in lower case and body come back") {
    const HttpServer server([](HttpServer::Request&, HttpServer::Response& response) {
      response.setStatus(Poco::Net::HTTPResponse::HTTP_NOT_FOUND);
      response.set("Retry-After", "12");
      response.add("X-Twice", "a");
      response.add("X-Twice", "b");
      say(response, "nothing here");
    });
    const auto response = os::http_exchange(get("http://" + server.authority() + "/x"));
    REQUIRE(response.ok());
    CHECK(response->status == 404);
    CHECK(response->headers.at("retry-after") == "12");
    CHECK(response->headers.at("x-twice") == "a, b");
    CHECK(response->body == "nothing here");
  }

  TEST_CASE("method, path, query, headers and body arrive as they were given") {
    std::string seen;
    const HttpServer server([&](HttpServer::Request& request, HttpServer::Response& response) {
      seen = request.getMethod() + " " + request.getURI() + " " + request.get("X-Key") + " " + request.getHost() + " " +
             test::body_of(request);
      say(response, "");
    });
    HttpRequest request = get("http://" + server.authority() + "/a%2Fb/c?d=%20e&f#fragment");
    request.method = "POST";
    request.headers = {{"X-Key", "1"}};
    request.body = "content";
    REQUIRE(os::http_exchange(request).ok());
    CHECK(seen == "POST /a%2Fb/c?d=%20e&f 1 " + server.authority() + " content");
  }

  TEST_CASE("a URL without a path asks for /") {
    std::string seen;
    const HttpServer server([&](HttpServer::Request& request, HttpServer::Response& response) {
      seen += request.getURI() + " ";
      say(response, "");
    });
    REQUIRE(os::http_exchange(get("http://" + server.authority())).ok());
    REQUIRE(os::http_exchange(get("http://" + server.authority() + "?q")).ok());
    CHECK(seen == "/ /?q ");
  }

  TEST_CASE("user and password of the URL become basic authentication") {
    std::string seen;
    const HttpServer server([&](HttpServer::Request& request, HttpServer::Response& response) {
      seen = request.get("Authorization", "none");
      say(response, "");
    });
    REQUIRE(os::http_exchange(get("http://me:secret@" + server.authority() + "/")).ok());
    CHECK(seen == "Basic bWU6c2VjcmV0");
  }

  TEST_CASE("a redirect is returned, not followed") {
    std::atomic<int> asked = 0;
    const HttpServer server([&](HttpServer::Request&, HttpServer::Response& response) {
      ++asked;
      response.redirect("/elsewhere");
    });
    const auto response = os::http_exchange(get("http://" + server.authority() + "/"));
    REQUIRE(response.ok());
    CHECK(response->status == 302);
    CHECK(response->headers.at("location") == "/elsewhere");
    CHECK(asked == 1);
  }

  TEST_CASE("HEAD has no body though its length is announced") {
    const HttpServer server(hello);
    HttpRequest request = get("http://" + server.authority() + "/");
    request.method = "HEAD";
    const auto response = os::http_exchange(request);
    REQUIRE(response.ok());
    CHECK(response->headers.at("content-length") == "5");
    CHECK(response->body.empty());
  }

  TEST_CASE("of a big body only the first bytes are kept") {
    const HttpServer server(
        [](HttpServer::Request&, HttpServer::Response& response) { say(response, std::string(1'000'000, 'x')); });
    HttpRequest request = get("http://" + server.authority() + "/");
    request.response_limit = 1000;
    const auto response = os::http_exchange(request);
    REQUIRE(response.ok());
    CHECK(response->body == std::string(1000, 'x'));
  }

  TEST_CASE("a body in chunks is put together") {
    const HttpServer server([](HttpServer::Request&, HttpServer::Response& response) {
      response.setChunkedTransferEncoding(true);
      auto& stream = response.send();
      stream << "one " << std::flush << "two" << std::flush;
    });
    CHECK(os::http_exchange(get("http://" + server.authority() + "/"))->body == "one two");
  }

  TEST_CASE("many exchanges at once do not disturb each other") {
    const test::Watchdog watchdog;
    test::Authority authority;
    const HttpServer server(
        [](HttpServer::Request& request, HttpServer::Response& response) { say(response, request.getURI()); },
        authority.issue("DNS:localhost"));
    std::atomic<int> good = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        HttpRequest request = get("https://" + server.authority("localhost") + "/" + std::to_string(i));
        request.ca_bundle = authority.bundle();
        const auto response = os::http_exchange(request);
        if (response && response->body == "/" + std::to_string(i)) ++good;
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(good == 8);
  }

  TEST_CASE("TLS: a certificate of the bundle's CA for the name asked for is trusted") {
    test::Authority authority;
    const HttpServer server(hello, authority.issue("DNS:localhost"));
    HttpRequest request = get("https://" + server.authority("localhost") + "/");
    request.ca_bundle = authority.bundle();
    CHECK(body_or_fault(request) == "hello");
  }

  TEST_CASE("TLS: an address is checked against the addresses of the certificate") {
    test::Authority authority;
    const HttpServer good(hello, authority.issue("IP:127.0.0.1"));
    HttpRequest request = get("https://" + good.authority() + "/");
    request.ca_bundle = authority.bundle();
    CHECK(body_or_fault(request) == "hello");
    const HttpServer other(hello, authority.issue("IP:127.0.0.2"));
    request.url = "https://" + other.authority() + "/";
    CHECK(fault_of(request) ==
          "https://" + other.authority() + "/…: its certificate is not trusted: IP address mismatch");
  }

  TEST_CASE("TLS: a certificate of an unknown CA is not trusted") {
    test::Authority authority;
    const HttpServer server(hello, authority.issue("DNS:localhost"));
    CHECK(fault_of(get("https://" + server.authority("localhost") + "/secret?token=1")) ==
          "https://" + server.authority("localhost") +
              "/…: its certificate is not trusted: unable to get local issuer certificate");
  }

  TEST_CASE("TLS: another CA's bundle does not help") {
    test::Authority authority;
    test::Authority other("Other CA");
    const HttpServer server(hello, authority.issue("DNS:localhost"));
    HttpRequest request = get("https://" + server.authority("localhost") + "/");
    request.ca_bundle = other.bundle();
    CHECK(contains(fault_of(request), "its certificate is not trusted"));
  }

  TEST_CASE("TLS: a certificate for another name is not trusted, not even on loopback") {
    test::Authority authority;
    const HttpServer server(hello, authority.issue("DNS:other.example"));
    HttpRequest request = get("https://" + server.authority("localhost") + "/");
    request.ca_bundle = authority.bundle();
    CHECK(fault_of(request) ==
          "https://" + server.authority("localhost") + "/…: its certificate is not trusted: hostname mismatch");
  }

  TEST_CASE("TLS: an expired certificate is not trusted") {
    test::Authority authority;
    const HttpServer server(hello, authority.issue("DNS:localhost", -1));
    HttpRequest request = get("https://" + server.authority("localhost") + "/");
    request.ca_bundle = authority.bundle();
    CHECK(fault_of(request) ==
          "https://" + server.authority("localhost") + "/…: its certificate is not trusted: certificate has expired");
  }

  TEST_CASE("TLS: a server that does not speak it") {
    const RawServer server([](Poco::Net::StreamSocket socket) {
      read_request(socket);
      socket.sendBytes("HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    });
    const std::string text = fault_of(get("https" + server.url().substr(4) + "/secret"));
    CHECK(text.starts_with("https" + server.url().substr(4) + "/…: TLS failed: "));
  }

  TEST_CASE("TLS: a bundle that is missing or holds no certificate is told") {
    const test::TempDir dir;
    HttpRequest request = get("https://localhost:1/");
    request.ca_bundle = dir.path() / "none.pem";
    CHECK(fault_of(request) == "cannot read " + request.ca_bundle->string() + ": No such file or directory");
    request.ca_bundle = dir.write("empty.pem", "no certificate\n");
    CHECK(fault_of(request) == request.ca_bundle->string() + " holds no PEM certificate");
  }

  TEST_CASE("a name that does not exist is told") {
    CHECK(fault_of(get("http://name.invalid/secret")) == "http://name.invalid/…: the host name is not known");
  }

  TEST_CASE("a refused connection is told, without path and query") {
    const std::string url = dead_url();
    CHECK(fault_of(get(url + "/secret?token=1")) == url + "/…: connection refused");
  }

  TEST_CASE("a server that never answers is left at the timeout") {
    const RawServer server([](Poco::Net::StreamSocket socket) { await_close(socket); });
    HttpRequest request = get(server.url() + "/secret");
    request.timeout = Seconds(1);
    CHECK(fault_of(request) == server.url() + "/…: no whole answer within 1s");
  }

  TEST_CASE("a server that never shakes hands is left at the timeout") {
    const RawServer server([](Poco::Net::StreamSocket socket) { await_close(socket); });
    HttpRequest request = get("https" + server.url().substr(4) + "/secret");
    request.timeout = Seconds(1);
    CHECK(fault_of(request) == "https" + server.url().substr(4) + "/…: no whole answer within 1s");
  }

  TEST_CASE("a server that drips its answer is left at the timeout") {
    const RawServer server([](Poco::Net::StreamSocket socket) {
      read_request(socket);
      const std::string start = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
      socket.sendBytes(start.data(), static_cast<int>(start.size()));
      for (;;) {
        socket.sendBytes("x", 1, MSG_NOSIGNAL);
        std::this_thread::sleep_for(Milliseconds(50));
      }
    });
    HttpRequest request = get(server.url() + "/");
    request.timeout = Seconds(1);
    CHECK(fault_of(request) == server.url() + "/…: no whole answer within 1s");
  }

  TEST_CASE("a connection that ends early is told") {
    const std::vector<std::string> starts{"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"};
    for (const auto& start : starts) {
      CAPTURE(start);
      const RawServer server([&](Poco::Net::StreamSocket socket) {
        read_request(socket);
        socket.sendBytes(start.data(), static_cast<int>(start.size()));
      });
      CHECK(fault_of(get(server.url() + "/")) == server.url() + "/…: the connection ended before the whole answer");
    }
  }

  TEST_CASE("an answer that is not HTTP is told") {
    const RawServer server([](Poco::Net::StreamSocket socket) {
      read_request(socket);
      socket.sendBytes("SSH-2.0-OpenSSH_9.2\r\n\r\n", 23);
    });
    CHECK(fault_of(get(server.url() + "/")) == server.url() + "/…: the answer is not HTTP");
  }

  TEST_CASE("what is no http URL is refused without being shown") {
    for (const char* url : {"", "secret", "ftp://host/x", "http://", "http:///x", "http://host/a b",
                            "http://h/\r\nX: y", "http://host:port/"}) {
      CAPTURE(url);
      CHECK(fault_of(get(url)) == "the URL is not an http or https URL");
    }
  }

  TEST_CASE("the public part of a URL has neither user nor path nor query") {
    CHECK(os::public_part("https://user:pass@chat.example.com/hook/secret?t=1") == "https://chat.example.com/…");
    CHECK(os::public_part("http://127.0.0.1:8080") == "http://127.0.0.1:8080/…");
    CHECK(os::public_part("https://[::1]:8443/x") == "https://[::1]:8443/…");
    CHECK(os::public_part("https://host?secret") == "https://host/…");
    CHECK(os::public_part("secret") == "the URL");
  }
}
