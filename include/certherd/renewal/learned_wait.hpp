#pragma once

#include <certherd/model/wait_sample.hpp>
#include <certherd/renewal/due.hpp>

#include <string>
#include <vector>

namespace certherd::renewal {

/// How many of the newest Attempts of an Account count.
inline constexpr std::size_t remembered_waits = 50;

/// How long certbot is to wait for propagation, as far as earlier Attempts teach it.
struct LearnedWait {
  Seconds seconds{0};              ///< what `propagation_seconds: auto` means now
  std::vector<Reasoning> because;  ///< of `seconds`
  /// The wait is not ended before, whatever the servers show; zero: no reason for that.
  Milliseconds not_ended_before{0};
  std::vector<Reasoning> because_not_ended;  ///< of that; empty where there is no reason
};

/// From the Attempts of one Account, newest first. `seconds` covers the slowest server in 95 % of them and a margin of
/// a quarter, at least two seconds. With fewer than five that tell anything it is `provider_default`. After a
/// txt_missing it is at least twice what was waited then, and 10 % less of that for each Attempt since whose records
/// the CA found. Always within 5 s and ten minutes, or `provider_default` where that is longer.
///
/// When the CA missed records although every server had them and the wait was ended for that, what is seen from here
/// is not what the CA sees (anycast): `not_ended_before` is then twice what was waited, and 1 % less for each Attempt
/// since that went well.
///
/// A server that never shows the records, with a CA that finds them all the same, neither raises nor lowers the wait.
LearnedWait learn_wait(const std::vector<WaitSample>& samples, Seconds provider_default);

}  // namespace certherd::renewal
