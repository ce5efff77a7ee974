#pragma once

#include <support/tls.hpp>

#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/NetSSL.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/StreamCopier.h>
#include <Poco/ThreadPool.h>

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace certherd::test {

/// A real HTTP server on 127.0.0.1, with TLS if it is given a certificate.
class HttpServer {
public:
  using Request = Poco::Net::HTTPServerRequest;
  using Response = Poco::Net::HTTPServerResponse;
  using Answer = std::function<void(Request&, Response&)>;

  explicit HttpServer(Answer answer) : HttpServer(std::move(answer), Poco::Net::ServerSocket(loopback())) {}
  HttpServer(Answer answer, const Authority::Issued& identity)
      : HttpServer(std::move(answer), Poco::Net::SecureServerSocket(loopback(), 64, context(identity))) {}
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer() { server_.stopAll(true); }

  int port() const { return server_.port(); }
  std::string authority(const std::string& host = "127.0.0.1") const { return host + ":" + std::to_string(port()); }

private:
  struct Handler : Poco::Net::HTTPRequestHandler {
    explicit Handler(const Answer& answer) : answer(answer) {}
    void handleRequest(Request& request, Response& response) override { answer(request, response); }
    const Answer& answer;
  };
  struct Factory : Poco::Net::HTTPRequestHandlerFactory {
    explicit Factory(Answer answer) : answer(std::move(answer)) {}
    Poco::Net::HTTPRequestHandler* createRequestHandler(const Request&) override { return new Handler(answer); }
    Answer answer;
  };

  HttpServer(Answer answer, const Poco::Net::ServerSocket& socket)
      : server_(new Factory(std::move(answer)), pool_, socket, new Poco::Net::HTTPServerParams) {
    server_.start();
  }
  static Poco::Net::SocketAddress loopback() { return {"127.0.0.1", 0}; }
  static Poco::Net::Context::Ptr context(const Authority::Issued& identity) {
    Poco::Net::initializeSSL();
    return new Poco::Net::Context(Poco::Net::Context::TLS_SERVER_USE, identity.key.string(),
                                  identity.certificate.string(), "", Poco::Net::Context::VERIFY_NONE);
  }

  Poco::ThreadPool pool_;
  Poco::Net::HTTPServer server_;
};

inline std::string body_of(HttpServer::Request& request) {
  std::string body;
  Poco::StreamCopier::copyToString(request.stream(), body);
  return body;
}

}  // namespace certherd::test
