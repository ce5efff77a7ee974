#pragma once

// One question to one server.

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/dns/message.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <variant>

namespace certherd::dns {

/// An address and a port: "192.0.2.1:53", "[2001:db8::1]:53".
struct Endpoint {
  boost::asio::ip::address address;
  unsigned short port = 53;
};

std::optional<Endpoint> parse_endpoint(const std::string& text);
std::string to_string(const Endpoint& endpoint);

struct ExchangeOptions {
  bool recursion_desired = false;
  Milliseconds patience{1500};  ///< with each try
  int tries = 2;                ///< over UDP; what is lost there is common
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
};

/// Why there is no answer, and whether this host cannot even send to such an address.
struct NoAnswer {
  std::string why;        ///< "no answer within 1.5 s", "connection refused"
  bool no_route = false;  ///< this host has no way to that network at all: most often one without IPv6
};

/// By UDP, with TCP when the answer is truncated (RFC 7766 §5) and without EDNS for servers that do not know it
/// (RFC 6891 §7). Only what comes from the server's own address with the right id and question counts; everything
/// else is passed over until the time is up.
boost::asio::awaitable<std::variant<Message, NoAnswer>> exchange(Endpoint server, Question question,
                                                                 ExchangeOptions options);

/// One message by TCP, and what comes back, unread (RFC 1035 §4.2.2).
boost::asio::awaitable<std::variant<std::string, NoAnswer>> exchange_by_tcp(Endpoint server, std::string message,
                                                                            Milliseconds patience);

/// An id that nobody can foresee.
std::uint16_t random_id();

/// Whether an answer belongs to a query.
bool answers(const Message& message, std::uint16_t id, const Question& question);

}  // namespace certherd::dns
