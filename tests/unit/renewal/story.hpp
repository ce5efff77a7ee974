#pragma once

#include <certherd/base/time.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace certherd::test {

/// What happens in a simulation. Times count from its begin.
struct Story {
  struct Stretch {
    Seconds at{0};
    Seconds length{0};
    Seconds step{0};  ///< of the wall clock, undone at its end
  };
  int certificates = 0;
  Seconds length{0};
  bool missing_at_start = false;
  bool ari = false;           ///< every second certificate's CA suggests windows
  double transient = 0;       ///< of the Attempts
  double bad_validation = 0;  ///< of the Attempts
  int changes_a_day = 0;      ///< certificates whose domains are changed
  std::vector<Stretch> clock_steps, suspends, outages;
  std::optional<Seconds> revocation;  ///< the CA moves the windows of one certificate in fifty into the past
};

/// What happened: noted by the world outside, in true time.
struct Happened {
  std::vector<TimePoint> starts;
  std::map<std::string, std::vector<TimePoint>> counted;  ///< what the CA counts: limit and key
  std::vector<Seconds> late;                              ///< of each Run's start, after it was due
  std::vector<Seconds> revoked_for;                       ///< how long a certificate to be replaced stayed
  int early = 0, expired = 0, overlapping = 0, above_limit = 0, missing = 0, failures = 0, published = 0;
  std::size_t most_running = 0;
};

}  // namespace certherd::test
