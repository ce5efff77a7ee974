#pragma once

#include <certherd/base/time.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd {

/// A named stretch of a Run. The names, as text, are part of the audit log, the database and the JSON output.
enum class Phase {
  queue,        ///< waiting for its turn
  preflight,    ///< checks before anything is asked of the CA
  startup,      ///< certbot's interpreter and plugins load
  account,      ///< ACME directory and account
  order,        ///< key, CSR, order and authorizations
  challenge,    ///< choosing the challenges
  provision,    ///< TXT records being written through the provider
  propagation,  ///< waiting until DNS shows them
  notify,       ///< telling the CA that they are there
  validation,   ///< the CA looks
  cleanup,      ///< TXT records being removed
  finalize,     ///< CSR sent, certificate issued and downloaded
  save,         ///< certbot writes its lineage and ends
  verify,       ///< certherd checks the PEM files
  publish,      ///< a new Generation becomes the current one
  hooks         ///< deploy hooks run
};

std::string_view to_string(Phase phase);
std::optional<Phase> parse_phase(std::string_view text);

/// One stretch. A Run may hold several of one Phase.
struct Span {
  Phase phase{};
  TimePoint start;
  Milliseconds duration{0};  ///< never negative
  bool failed = false;       ///< the failure happened in this one
  friend bool operator==(const Span&, const Span&) = default;
};

/// The Spans of a Run or an Attempt in the order of their start, one after the other.
struct PhaseTimeline {
  std::vector<Span> spans;

  Milliseconds total(Phase phase) const;  ///< sum over the Spans of that Phase
  std::optional<TimePoint> start() const;
  std::optional<TimePoint> end() const;
  /// The longest stretch between start() and end() that no Span covers.
  Milliseconds longest_gap() const;
};

}  // namespace certherd
