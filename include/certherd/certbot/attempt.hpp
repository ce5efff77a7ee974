#pragma once

#include <certherd/base/redaction.hpp>
#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/certbot/command.hpp>
#include <certherd/certbot/engine.hpp>
#include <certherd/certbot/timeline.hpp>
#include <certherd/model/run.hpp>
#include <certherd/os/stop.hpp>

#include <boost/asio/awaitable.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace certherd::certbot {

struct AttemptInput {
  Engine* engine = nullptr;  ///< how certbot is started
  CertbotCommand command;
  std::string certbot_version;         ///< recorded when the log does not say it
  const Provider* provider = nullptr;  ///< null for a registration
  Seconds timeout{1800};               ///< beyond the propagation time
  Seconds propagation{0};
  Seconds grace{60};  ///< between TERM and KILL: cleanup talks to the provider's API
  int number = 1;
  std::filesystem::path transcript;  ///< runs/<id>/attempt-n.log; its directory exists
  Redactor redactor;                 ///< knows every secret of this Attempt
};

struct AttemptCallbacks {
  /// A Phase begins, with the announced wait for `propagation`.
  std::function<void(Phase, TimePoint, std::optional<Seconds> announced)> phase;
  /// certbot has written all TXT records and waits for their propagation; what the log has said until then.
  std::function<void(const LogFacts&)> waiting;
  /// A line that certbot printed, redacted and printable.
  std::function<void(std::string_view)> line;
};

/// An Attempt and what its log said besides.
struct AttemptResult {
  Attempt attempt;
  LogFacts facts;
  std::optional<Fault> unrecorded;  ///< the transcript could not be written; the Attempt itself stands
};

/// Runs certbot once, to its end. Follows the debug log while it is written; never sends TERM to a certbot that has
/// begun to clean up. Afterwards the transcript holds certbot's output and debug log, redacted, 0600 and bounded, and
/// the debug log itself is gone: it may hold tokens that providers take in URLs. Exit status 0 is no proof of a
/// certificate: who publishes verifies. Faults: certbot could not be started, or an old debug log could not be removed.
boost::asio::awaitable<Result<AttemptResult>> run_attempt(AttemptInput input, AttemptCallbacks callbacks,
                                                          os::StopSignal& stop);

}  // namespace certherd::certbot
