#pragma once

#include <certherd/base/time.hpp>
#include <certherd/certbot/timeline.hpp>
#include <certherd/model/dns_facts.hpp>
#include <certherd/model/failure.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace certherd::service {

/// Looks at the authoritative servers while certbot waits for propagation: when each of them shows what the CA will
/// look for. Has certbot's wait ended once all of them do. On the io_context's thread.
class PropagationWatch {
public:
  struct Plan {
    std::vector<DomainFacts> domains;  ///< as the preflight saw them; empty: nothing is watched
    std::string thumbprint;            ///< of the ACME account; empty: nothing is watched
    Milliseconds margin{1000};         ///< between the last server and the end of the wait
    Milliseconds not_before{0};        ///< since the begin of the wait; it is not ended earlier
    std::function<bool()> end_wait;    ///< ends it; false: it could not. Empty: it takes its time
  };

  PropagationWatch(boost::asio::any_io_executor executor, boost::asio::thread_pool& pool, Plan plan);
  ~PropagationWatch();

  /// certbot waits (certbot::AttemptCallbacks::waiting).
  void begin(const certbot::LogFacts& facts);
  /// It goes on.
  void stop();
  /// Until nothing of the watch is under way any more; after stop().
  boost::asio::awaitable<void> finish();

  std::vector<ServerVisibility> visibility() const;
  std::optional<Milliseconds> wait_ended() const;

private:
  struct State;
  static boost::asio::awaitable<void> watch(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

/// Puts the servers that had not shown the records first in what there is to do, when the CA did not see them either.
void name_laggards(Failure& failure, const std::vector<ServerVisibility>& visibility, Seconds waited);

}  // namespace certherd::service
