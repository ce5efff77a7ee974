#pragma once

#include <certherd/base/time.hpp>
#include <certherd/dns/message.hpp>
#include <certherd/model/settings.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace certherd::dns {

/// The resolvers of this host: "address:53" for each nameserver line of a resolv.conf(5); 127.0.0.1:53 when it has
/// none or cannot be read.
std::vector<std::string> system_resolvers(const std::string& file = "/etc/resolv.conf");

/// An answer, or why there is none.
struct Reply {
  Message message;
  std::string error;      ///< "no answer within 3 s", "SERVFAIL"; empty: NOERROR or NXDOMAIN
  bool reached = false;   ///< somebody answered, be it with an error
  bool no_route = false;  ///< this host has no way to such addresses
  bool unasked = false;   ///< the deadline was there before the question was sent

  /// The CNAMEs that the answer follows from `name`, in their order: each target.
  std::vector<std::string> aliases(const std::string& name) const;
  /// The records of a type at the end of those CNAMEs.
  std::vector<Record> records(const std::string& name, RecordType type) const;
};

struct ClientOptions {
  std::vector<std::string> resolvers;  ///< asked in their order until one answers; "https://…": by DoH (RFC 8484)
  Milliseconds patience{1500};         ///< with one try
  int tries = 2;
  /// When it is enough: what is not answered by then is an error.
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
};

/// Asks DNS servers, and no question twice: answers are kept as long as the Client lives, so it is made for one batch
/// of questions. On one thread alone.
class Client {
public:
  /// `pool`: where DNS over HTTPS may block.
  Client(boost::asio::any_io_executor executor, boost::asio::thread_pool& pool, ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Through the resolvers. SERVFAIL and REFUSED of one are as good as silence: the next is asked.
  boost::asio::awaitable<Reply> resolve(std::string name, RecordType type);
  /// One authoritative server, without recursion. `server`: "192.0.2.1:53".
  boost::asio::awaitable<Reply> ask(std::string server, std::string name, RecordType type);

  const ClientOptions& options() const { return options_; }
  boost::asio::any_io_executor executor() const { return executor_; }
  boost::asio::thread_pool& pool() const { return pool_; }

private:
  struct Pending;
  struct Gate;
  boost::asio::awaitable<Reply> once(std::string server, Question question, bool recursion);
  boost::asio::awaitable<Reply> send(std::string server, Question question, bool recursion);

  boost::asio::any_io_executor executor_;
  boost::asio::thread_pool& pool_;
  ClientOptions options_;
  std::map<std::string, std::shared_ptr<Pending>> answers_;
  std::unique_ptr<Gate> gate_;
};

}  // namespace certherd::dns
