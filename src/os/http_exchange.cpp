// Part of the network module (network_module.hpp).
#include <certherd/base/text.hpp>
#include <certherd/os/fd.hpp>

#include "http_url.hpp"
#include "network_module.hpp"
#include "tls_client.hpp"

#include <Poco/Net/DNS.h>
#include <Poco/Net/HTTPBasicCredentials.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SecureStreamSocket.h>

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <istream>
#include <mutex>
#include <ostream>
#include <thread>

namespace certherd::os {
namespace {

namespace net = Poco::Net;
using Clock = std::chrono::steady_clock;

Poco::Timespan until(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline - Clock::now()).count();
  if (left <= 0) throw Poco::TimeoutException();
  return Poco::Timespan(left);
}

/// Ends an exchange at its deadline however slowly the server drips: shuts the connection down under the reader. It
/// has its own descriptor, so that it can never hit a number that was closed and given to somebody else.
class Watchdog {
public:
  Watchdog(const net::StreamSocket& socket, Clock::time_point deadline)
      : socket_(::fcntl(socket.impl()->sockfd(), F_DUPFD_CLOEXEC, 3)), thread_([this, deadline] { watch(deadline); }) {}
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

private:
  void watch(Clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    if (!wake_.wait_until(lock, deadline, [this] { return done_; })) ::shutdown(socket_.get(), SHUT_RDWR);
  }

  Fd socket_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
  std::thread thread_;
};

std::vector<net::IPAddress> addresses_of(const std::string& host) {
  net::IPAddress literal;
  if (net::IPAddress::tryParse(host, literal)) return {literal};
  return net::DNS::hostByName(host).addresses();
}

/// The first address that answers; each gets its share of the time, so that one black hole does not use it up.
net::StreamSocket connected(const Poco::URI& uri, Clock::time_point deadline) {
  const auto addresses = addresses_of(uri.getHost());
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    net::StreamSocket socket;
    const auto share = until(deadline).totalMicroseconds() / static_cast<std::int64_t>(addresses.size() - i);
    try {
      socket.connect(net::SocketAddress(addresses[i], uri.getPort()), Poco::Timespan(share));
      return socket;
    } catch (const Poco::Exception&) {
      if (i + 1 == addresses.size()) throw;
    }
  }
  throw net::NoAddressFoundException(uri.getHost());
}

/// The socket itself, or TLS over it with the handshake done.
net::StreamSocket secured(const net::StreamSocket& socket, const HttpUrl& target, const net::Context::Ptr& context) {
  if (!target.tls) return socket;
  const std::string host = target.uri.getHost();
  net::IPAddress address;
  // An address is no server name (RFC 6066 §3).
  if (net::IPAddress::tryParse(host, address)) return net::SecureStreamSocket::attach(socket, context);
  return net::SecureStreamSocket::attach(socket, host, context);
}

void send(net::HTTPClientSession& session, const HttpRequest& request, const HttpUrl& target) {
  net::HTTPRequest message(request.method, target.path_and_query, net::HTTPMessage::HTTP_1_1);
  message.setHost(target.uri.getHost(), target.uri.getPort());
  message.set("User-Agent", "certherd/" CERTHERD_VERSION);
  const std::string login = target.uri.getUserInfo();
  if (const auto colon = login.find(':'); colon != std::string::npos) {
    net::HTTPBasicCredentials(login.substr(0, colon), login.substr(colon + 1)).authenticate(message);
  }
  for (const auto& [name, value] : request.headers) message.set(name, value);
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    message.setContentLength64(static_cast<Poco::Int64>(request.body.size()));
  }
  session.sendRequest(message) << request.body << std::flush;
  if (session.networkException()) session.networkException()->rethrow();
}

/// How many bytes of the body must come before the end is a proper one (RFC 9110 §6.4.1); 0 where nobody said.
std::size_t announced(const std::string& method, const net::HTTPResponse& message) {
  const int status = message.getStatus();
  if (method == "HEAD" || status == 204 || status == 304) return 0;
  if (!message.hasContentLength() || message.getChunkedTransferEncoding()) return 0;
  return static_cast<std::size_t>(message.getContentLength64());
}

HttpResponse receive(net::HTTPClientSession& session, const HttpRequest& request) {
  net::HTTPResponse message;
  message.setFieldLimit(200);
  std::istream& stream = session.receiveResponse(message);
  HttpResponse response;
  response.status = message.getStatus();
  for (const auto& [name, value] : message) {
    auto& kept = response.headers[to_lower(name)];
    kept += (kept.empty() ? "" : ", ") + value;
  }
  response.body.resize(request.response_limit);
  stream.read(response.body.data(), static_cast<std::streamsize>(request.response_limit));
  response.body.resize(static_cast<std::size_t>(stream.gcount()));
  if (session.networkException()) session.networkException()->rethrow();
  // The stream does not tell a connection that broke from one that ended.
  if (response.body.size() < std::min(request.response_limit, announced(request.method, message))) {
    throw net::NoMessageException();
  }
  return response;
}

Fault tls_fault(const std::string& where, const std::string& words) {
  const std::string reason = tls_distrust();
  if (reason.empty()) return {where + ": TLS failed: " + printable(words), {}, {}};
  return {where + ": its certificate is not trusted: " + reason,
          "correct the name or the certificate; for a CA of your own give its certificate as ca_bundle",
          {}};
}

/// The Fault for the exception that is being handled.
Fault exchange_fault(const HttpRequest& request) {
  const std::string where = public_part(request.url);
  try {
    throw;
  } catch (const Poco::TimeoutException&) {
    return {where + ": no whole answer within " + format_duration(request.timeout), {}, {}};
  } catch (const net::HostNotFoundException&) {
    return {where + ": the host name is not known", {}, {}};
  } catch (const net::NoAddressFoundException&) {
    return {where + ": the host name has no address", {}, {}};
  } catch (const net::DNSException&) {
    return {where + ": the host name cannot be resolved now", {}, {}};
  } catch (const net::ConnectionRefusedException&) {
    return {where + ": connection refused", {}, {}};
  } catch (const net::SSLException& error) {
    return tls_fault(where, error.message());
  } catch (const net::NoMessageException&) {
    return {where + ": the connection ended before the whole answer", {}, {}};
  } catch (const net::ConnectionResetException&) {
    return {where + ": the connection ended before the whole answer", {}, {}};
  } catch (const net::MessageException&) {
    return {where + ": the answer is not HTTP", {}, {}};
  } catch (const Poco::Exception& error) {
    return {where + ": " + printable(error.displayText()), {}, {}};
  }
}

Result<HttpResponse> exchange(const HttpRequest& request, const HttpUrl& target, const net::Context::Ptr& context) {
  const auto deadline = Clock::now() + request.timeout;
  try {
    const net::StreamSocket socket = connected(target.uri, deadline);
    const Watchdog watchdog(socket, deadline);
    try {
      // HTTPSClientSession (Poco 1.11) refuses a socket that is connected; the plain session takes any.
      net::HTTPClientSession session(secured(socket, target, context));
      session.setTimeout(until(deadline));
      send(session, request, target);
      auto response = receive(session, request);
      until(deadline);
      return response;
    } catch (const Poco::Exception&) {
      // What the watchdog cut off looks like a connection that ended.
      until(deadline);
      throw;
    }
  } catch (const Poco::Exception&) {
    return exchange_fault(request);
  }
}

Result<HttpResponse> whole_exchange(const HttpRequest& request) {
  // A server that closes early must not end us; OpenSSL writes without MSG_NOSIGNAL. Children get the default again.
  static std::once_flag sigpipe_ignored;
  std::call_once(sigpipe_ignored, [] { (void)std::signal(SIGPIPE, SIG_IGN); });

  const auto target = parse_http_url(request.url);
  if (!target) return Fault{public_part(request.url) + " is not an http or https URL", {}, {}};
  net::Context::Ptr context;
  if (target->tls) {
    auto made = tls_client_context(target->uri.getHost(), request.ca_bundle);
    if (!made) return made.fault();
    context = *made;
  }
  return exchange(request, *target, context);
}

}  // namespace
}  // namespace certherd::os

const certherd::os::NetworkModule certherd_network_module{certherd::os::network_interface(),
                                                          certherd::os::whole_exchange};
