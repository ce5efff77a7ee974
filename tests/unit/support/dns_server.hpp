#pragma once

#include <support/coroutine.hpp>
#include <support/dns_wire.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace certherd::test {

/// What comes back for one query.
struct DnsSays {
  std::vector<std::string> messages;   ///< none: silence
  std::vector<std::string> strangers;  ///< UDP, before them: sent from another port
  std::string raw;                     ///< TCP: bytes without the length in front
  bool close = false;                  ///< TCP: afterwards; else the connection is left open
};

/// A DNS server on loopback, UDP and TCP on one port; on the same io_context and thread as the case. It lives until
/// close(), as the io_context has work until then.
class DnsServer {
public:
  using Answer = std::function<DnsSays(const WireQuery&)>;

  /// `port` 0: one that is free for both.
  DnsServer(boost::asio::io_context& context, Answer answer, const std::string& address = "127.0.0.1",
            unsigned short port = 0)
      : answer_(std::move(answer)), udp_(context), stranger_(context), acceptor_(context) {
    const auto ip = boost::asio::ip::make_address(address);
    for (int left = 100;; --left) {
      const boost::asio::ip::udp::endpoint wanted(ip, port);
      udp_ = boost::asio::ip::udp::socket(context, wanted);
      boost::system::error_code error;
      acceptor_.open(boost::asio::ip::tcp::v4());
      acceptor_.set_option(boost::asio::ip::tcp::acceptor::reuse_address(true));
      acceptor_.bind({ip, udp_.local_endpoint().port()}, error);
      if (!error) break;
      acceptor_.close();
      if (left == 0 || port != 0) throw boost::system::system_error(error);
    }
    acceptor_.listen();
    stranger_ = boost::asio::ip::udp::socket(context, boost::asio::ip::udp::endpoint(ip, 0));
    boost::asio::co_spawn(context, serve_udp(), boost::asio::detached);
    boost::asio::co_spawn(context, serve_tcp(), boost::asio::detached);
  }
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  void close() {
    udp_.close();
    stranger_.close();
    acceptor_.close();
    for (auto& connection : connections_) connection.close();
  }

  unsigned short port() const { return udp_.local_endpoint().port(); }
  std::string endpoint() const {
    return udp_.local_endpoint().address().to_string() + ":" + std::to_string(udp_.local_endpoint().port());
  }
  std::vector<WireQuery> asked;
  std::set<unsigned short> client_ports;  ///< of UDP

private:
  static constexpr auto quietly = boost::asio::as_tuple(boost::asio::use_awaitable);

  boost::asio::awaitable<void> serve_udp() {
    while (true) {
      std::array<char, 2048> buffer;
      boost::asio::ip::udp::endpoint from;
      const auto [error, size] = co_await udp_.async_receive_from(boost::asio::buffer(buffer), from, quietly);
      if (error == boost::asio::error::operation_aborted) co_return;
      if (error) continue;  // the client has gone: ICMP
      client_ports.insert(from.port());
      asked.push_back(WireQuery::of({buffer.data(), size}, false));
      const DnsSays says = answer_(asked.back());
      for (const auto& message : says.strangers) stranger_.send_to(boost::asio::buffer(message), from);
      for (const auto& message : says.messages) udp_.send_to(boost::asio::buffer(message), from);
    }
  }

  boost::asio::awaitable<void> serve_tcp() {
    while (true) {
      auto [error, socket] = co_await acceptor_.async_accept(quietly);
      if (error) co_return;
      auto& connection = connections_.emplace_back(std::move(socket));
      boost::asio::co_spawn(acceptor_.get_executor(), talk(connection), boost::asio::detached);
    }
  }

  boost::asio::awaitable<void> talk(boost::asio::ip::tcp::socket& connection) {
    while (true) {
      std::array<unsigned char, 2> head{};
      const auto [headed, head_size] = co_await boost::asio::async_read(connection, boost::asio::buffer(head), quietly);
      if (headed) co_return;
      std::string wire(head[0] * 256U + head[1], '\0');
      const auto [read, size] = co_await boost::asio::async_read(connection, boost::asio::buffer(wire), quietly);
      if (read) co_return;
      asked.push_back(WireQuery::of(std::move(wire), true));
      const DnsSays says = answer_(asked.back());
      std::string bytes = says.raw;
      for (const auto& message : says.messages) bytes += wire_u16(static_cast<unsigned>(message.size())) + message;
      co_await boost::asio::async_write(connection, boost::asio::buffer(bytes), quietly);
      if (says.close) connection.close();
    }
  }

  Answer answer_;
  boost::asio::ip::udp::socket udp_;
  boost::asio::ip::udp::socket stranger_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::list<boost::asio::ip::tcp::socket> connections_;
};

/// What a case needs around a DNS client: an io_context, a pool, servers.
class DnsBench {
public:
  boost::asio::io_context context{1};
  boost::asio::thread_pool pool{1};

  DnsServer& server(DnsServer::Answer answer, const std::string& address = "127.0.0.1", unsigned short port = 0) {
    return servers_.emplace_back(context, std::move(answer), address, port);
  }
  DnsServer& silent() {
    return server([](const WireQuery&) { return DnsSays{}; });
  }
  /// "127.0.0.1:PORT" on which nobody listens: it was free a moment ago.
  std::string nobody() {
    boost::asio::ip::udp::socket socket(context, {boost::asio::ip::make_address("127.0.0.1"), 0});
    return "127.0.0.1:" + std::to_string(socket.local_endpoint().port());
  }

  /// Runs the coroutine to its end, then closes the servers.
  template <class T>
  T run(boost::asio::awaitable<T> coroutine) {
    const auto closing = [this](boost::asio::awaitable<T> inner) -> boost::asio::awaitable<T> {
      std::optional<T> value;
      std::exception_ptr thrown;
      try {
        value.emplace(co_await std::move(inner));
      } catch (...) {
        thrown = std::current_exception();
      }
      for (auto& server : servers_) server.close();
      rethrow(thrown);
      co_return std::move(*value);
    };
    return test::run(context, closing(std::move(coroutine)));
  }

private:
  std::list<DnsServer> servers_;
};

}  // namespace certherd::test
