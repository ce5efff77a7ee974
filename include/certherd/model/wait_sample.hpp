#pragma once

#include <certherd/base/time.hpp>

#include <optional>

namespace certherd {

/// One Attempt's wait for propagation, as far as it teaches how long the next one should be.
struct WaitSample {
  enum class Sequel {
    found,   ///< the CA found the records
    missed,  ///< it found none (txt_missing)
    other    ///< the Attempt failed for another reason
  };
  TimePoint when;          ///< begin of the Attempt
  Milliseconds waited{0};  ///< how long certbot did
  /// When the last of the servers that showed the records did so; absent: none was seen to.
  std::optional<Milliseconds> slowest;
  bool lagged = false;  ///< a server answered until the end, and did not have them
  bool ended = false;   ///< certherd ended the wait
  Sequel sequel = Sequel::found;
};

}  // namespace certherd
