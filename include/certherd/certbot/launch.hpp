#pragma once

#include <certherd/base/result.hpp>
#include <certherd/certbot/command.hpp>

#include <filesystem>
#include <memory>

namespace certherd::certbot {

/// Lets certbot's wait for propagation be ended: the command is run by launcher.py, which listens at a FIFO.
class WaitEnder {
public:
  /// Changes `command` so that the launcher runs it, and makes the FIFO at `fifo`. `shown` stays: what a person would
  /// type. Faults, with the command as it was: the executable is no Python script (`interpreter` empty) or has a first
  /// line that cannot be followed, the launcher is missing or may be written by others, no FIFO can be made.
  static Result<std::unique_ptr<WaitEnder>> prepare(CertbotCommand& command, const std::filesystem::path& interpreter,
                                                    const std::filesystem::path& launcher,
                                                    const std::filesystem::path& fifo);
  ~WaitEnder();
  WaitEnder(const WaitEnder&) = delete;
  WaitEnder& operator=(const WaitEnder&) = delete;

  /// Ends the wait. False: nobody listens.
  bool end() const;

private:
  explicit WaitEnder(std::filesystem::path fifo) : fifo_(std::move(fifo)) {}
  std::filesystem::path fifo_;
};

}  // namespace certherd::certbot
