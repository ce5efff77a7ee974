#pragma once

#include <certherd/dns/message.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace certherd::test {

/// What a query asked, as the server saw it.
struct Asked {
  dns::Question question;
  std::uint16_t id = 0;
  bool recursion = false;
  bool edns = false;
  bool tcp = false;
};

/// An answer that is still to be written; records as lines of a zone file, "example.com. 300 IN A 192.0.2.1".
struct Answer {
  unsigned rcode = 0;
  bool authoritative = true;
  bool truncated = false;
  bool edns = true;
  std::vector<std::string> answers;
  std::vector<std::string> authority;

  std::string wire(const Asked& asked) const;
};

/// A DNS server for UDP and TCP on loopback, on the io_context of the test. `serve` gives the messages that are sent
/// back, as they are: none is silence.
class NameServer {
public:
  using Serve = std::function<std::vector<std::string>(const Asked&)>;

  /// `port` 0: any that is free for both.
  NameServer(boost::asio::any_io_executor executor, const std::string& address, unsigned short port, Serve serve);
  ~NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  std::string endpoint() const { return address_ + ":" + std::to_string(port_); }
  unsigned short port() const { return port_; }
  const std::vector<Asked>& asked() const { return state_->asked; }
  /// Sends a datagram to whoever asked last, from another port.
  void send_from_elsewhere(const std::string& datagram);

private:
  struct State {
    State(const boost::asio::any_io_executor& executor, Serve todo)
        : udp(executor), tcp(executor), serve(std::move(todo)) {}
    boost::asio::ip::udp::socket udp;
    boost::asio::ip::tcp::acceptor tcp;
    boost::asio::ip::udp::endpoint from;
    Serve serve;
    std::vector<Asked> asked;
  };
  std::string address_;
  unsigned short port_ = 0;
  std::shared_ptr<State> state_;
};

/// Some zones, and what a server of them answers (RFC 1034 §4.3.2, RFC 4592, RFC 6672). Lines are "owner TYPE data".
class Zones {
public:
  explicit Zones(std::vector<std::string> lines);

  /// As an authoritative server: REFUSED for what lies in none of its zones; or, as a resolver, NXDOMAIN.
  Answer answer(const dns::Question& question, bool resolver) const;

private:
  struct Line {
    std::string owner;
    std::string type;
    std::string data;
    std::string text(const std::string& as_owner) const;
  };
  std::vector<const Line*> at(const std::string& owner, const std::string& type) const;
  bool exists(const std::string& name) const;
  const Line* soa_above(const std::string& name) const;
  /// Adds what answers at `name`; gives where an alias leads to.
  std::string step(const std::string& name, const std::string& type, Answer& answer, bool& found) const;

  std::vector<Line> lines_;
};

}  // namespace certherd::test
