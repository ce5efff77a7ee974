#pragma once

#include <certherd/base/time.hpp>
#include <certherd/certbot/timeline.hpp>
#include <certherd/model/failure.hpp>
#include <certherd/model/provider.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace certherd::certbot {

/// What there is to judge an Attempt by.
struct Ending {
  std::optional<int> exit_code;
  std::optional<int> signal;
  bool timed_out = false;        ///< we ended it because it took too long
  bool stopped = false;          ///< we ended it because certherd stops
  bool killed = false;           ///< TERM did not suffice, so TXT records may be left behind
  Phase phase = Phase::startup;  ///< Tracker::failing_phase()
  const LogFacts& facts;
  std::string_view output;             ///< the end of what certbot printed, stdout and stderr in order
  const Provider* provider = nullptr;  ///< for a better `fix`; null for a registration
  bool unknown = false;                ///< it has ended, and nobody knows how: what it left says it
};

/// What went wrong, or nullopt for exit status 0, and for an unknown one when certbot said that it has saved the
/// certificate (whether a usable certificate came out of it is not judged here).
/// Texts are certbot's and the CA's own; the caller redacts them and makes them printable.
std::optional<Failure> classify(const Ending& ending);

/// certbot's final error: the last it told the user, without the noise of recovery and the advice that follows. Where
/// stderr only says "AttributeError: can't set attribute" (certbot before 2.3 on Python 3.11 hides every ACME problem
/// so, certbot issue 9539), the exception behind it.
std::string final_error(const LogFacts& facts, std::string_view output);

}  // namespace certherd::certbot
