#pragma once

#include <certherd/api/server.hpp>
#include <certherd/os/unix_http.hpp>

#include <doctest/doctest.h>
#include <boost/json.hpp>
#include <support/coroutine.hpp>
#include <support/temp_dir.hpp>
#include <support/texts.hpp>
#include <support/unix_client.hpp>

#include <functional>
#include <future>

namespace certherd::test {

/// Answers as a case wants; what begins with /stream is a stream.
class FakeControl : public service::Control {
public:
  std::function<service::Reply(const service::Request&)> answer = [](const service::Request& request) {
    return service::unknown_path(request);
  };
  std::function<void(const service::Request&, service::Stream&)> tell;

  service::Reply handle(const service::Request& request) override {
    return request.path == "/ping" ? service::Reply{200, "text/plain", "pong", {}} : answer(request);
  }
  bool streams(const service::Request& request) const override { return request.path.starts_with("/stream"); }
  void stream(const service::Request& request, service::Stream& stream) override { tell(request, stream); }
};

/// A running server on a socket of its own. It ends before the Control does.
struct ServerBench {
  Watchdog watchdog;
  TempDir directory;
  FakeControl control;
  api::ControlServerOptions options;
  std::unique_ptr<api::ControlServer> server;

  ServerBench() { options.path = directory.path() / "control.sock"; }
  ~ServerBench() { server.reset(); }

  void start() { server = api::start_control_server(options, control).or_throw(); }
  const std::filesystem::path& path() const { return options.path; }

  os::UnixRequest request(const std::string& method, const std::string& target, const std::string& body = "") const {
    os::UnixRequest request;
    request.socket = path();
    request.method = method;
    request.target = target;
    request.body = body;
    return request;
  }
  os::HttpResponse ask(const std::string& method, const std::string& target, const std::string& body = "") const {
    auto response = os::unix_exchange(request(method, target, body)).or_throw();
    if (!response) throw std::runtime_error("nobody listens");
    return *response;
  }
  /// The server has time for a well-behaved client.
  void check_alive() const { CHECK(ask("GET", "/ping").body == "pong"); }
};

/// "status: error; fix" of a response as it came from the socket; a body that is no such JSON fails the case.
inline std::string refusal_of(const std::string& response) {
  const auto body = response.find("\r\n\r\n");
  if (!response.starts_with("HTTP/1.1 ") || body == response.npos) return "no response: " + response;
  const auto value = boost::json::parse(response.substr(body + 4));
  return response.substr(9, 3) + ": " + value.at("error").as_string().c_str() + "; " +
         (value.at("fix").is_null() ? "" : value.at("fix").as_string().c_str());
}

inline std::string get_request(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

}  // namespace certherd::test
