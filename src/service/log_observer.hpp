#pragma once

#include <certherd/service/observer.hpp>

namespace certherd::service {

/// Tells the service log of every Run: its begin, its warnings, its end.
class LogObserver : public RunObserver {
public:
  void run_started(const Run& run) override;
  void certbot_said(const Run& run, std::string_view line) override;
  void warning(const Run& run, std::string_view text) override;
  void run_finished(const Run& run) override;
};

}  // namespace certherd::service
