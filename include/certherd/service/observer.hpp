#pragma once

#include <certherd/model/run.hpp>

#include <optional>
#include <string_view>

namespace certherd::service {

/// Hears of Runs while they happen, on the io_context's thread.
class RunObserver {
public:
  virtual ~RunObserver() = default;
  virtual void run_started(const Run&) {}
  /// `announced` is the wait that certbot announced, for `propagation`.
  virtual void phase_started(const Run&, Phase, TimePoint, std::optional<Seconds> /*announced*/) {}
  /// A line of certbot's output, redacted and printable.
  virtual void certbot_said(const Run&, std::string_view) {}
  /// Something that does not end the Run, yet should be known: an old Generation that could not be removed, a record
  /// that could not be written.
  virtual void warning(const Run&, std::string_view) {}
  virtual void run_finished(const Run&) {}
};

}  // namespace certherd::service
