#pragma once

#include <certherd/base/result.hpp>
#include <certherd/certbot/command.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace certherd::certbot {

/// A program of ours that certbot's own interpreter runs, with the flags that certbot's script gives it.
struct PythonCall {
  std::filesystem::path interpreter;
  std::vector<std::string> arguments;  ///< flags, the program, certbot's script
};

/// Faults: the command's executable is no Python script or has a first line that cannot be followed, or `program` is
/// missing or may be written by others.
Result<PythonCall> python_call(const CertbotCommand& command, const std::filesystem::path& program);

/// What launcher.py and the children of warm_host.py are told besides certbot's own environment, which they take out of
/// it: CERTHERD_END_WAIT, CERTHERD_ANCHORS.
Environment launch_environment(const CertbotCommand& command);

/// Lets certbot's wait for propagation be ended: a FIFO at which certbot is made to listen (launcher.py).
class WaitEnder {
public:
  /// Makes the FIFO at `fifo` and sets `command.end_wait`. `shown` stays: what a person would type. Fault, with the
  /// command as it was: no FIFO can be made.
  static Result<std::unique_ptr<WaitEnder>> prepare(CertbotCommand& command, const std::filesystem::path& fifo);
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
