#include <certherd/base/text.hpp>
#include <certherd/certbot/attempt.hpp>
#include <certherd/certbot/classify.hpp>
#include <certherd/certbot/log_record.hpp>
#include <certherd/os/child.hpp>
#include <certherd/os/file.hpp>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>

#include <variant>

#include "log_follower.hpp"
#include "transcript.hpp"

namespace certherd::certbot {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace asio::experimental::awaitable_operators;

constexpr std::size_t transcript_head = 1024 * 1024;
constexpr std::size_t transcript_tail = 1024 * 1024;
constexpr std::size_t judged_output = 32 * 1024;
constexpr std::size_t shown_text = 8 * 1024;
constexpr std::string_view temporary_log = "certbot-log-";

/// Directories that certbot makes when it fails before its own log is open, and never removes.
std::vector<fs::path> temporary_logs(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code error;
  for (auto entry = fs::directory_iterator(directory, error); !error && entry != fs::directory_iterator();
       entry.increment(error))
    if (entry->path().filename().string().starts_with(temporary_log)) found.push_back(entry->path());
  return found;
}

/// One execution of certbot and what is heard of it.
class Observation {
public:
  Observation(AttemptInput input, AttemptCallbacks callbacks)
      : input_(std::move(input)),
        callbacks_(std::move(callbacks)),
        parser_([this](const LogRecord& record) { tracker_->feed(record); },
                [this](std::string_view line) { log_.add(input_.redactor(line)); }),
        follower_(input_.command.logs_dir / "letsencrypt.log", [this](std::string_view bytes) { hear(bytes); }) {}

  Result<void> clear_logs() const {
    std::error_code error;
    fs::remove(input_.command.logs_dir / "letsencrypt.log", error);
    if (error) return os::system_fault("cannot remove", input_.command.logs_dir / "letsencrypt.log", error.value());
    for (const auto& directory : temporary_logs(input_.command.work_dir)) fs::remove_all(directory, error);
    return {};
  }

  asio::awaitable<Result<os::ChildExit>> execute(os::StopSignal& stop) {
    os::ChildLimits limits;
    limits.timeout = input_.timeout + input_.propagation;
    limits.grace = input_.grace;
    return input_.engine->run(input_.command, limits, callbacks(), stop);
  }

  asio::awaitable<void> follow() { return follower_.follow(); }

  AttemptResult conclude(const os::ChildExit& exit) {
    if (!tracker_) start();
    log_.pass_over(follower_.read_rest());
    parser_.flush();
    if (!tracker_->facts().any) read_temporary_log();
    AttemptResult result{{}, tracker_->facts(), {}};
    Attempt& attempt = result.attempt;
    attempt.failure =
        classify({exit.exit_code, exit.signal, exit.timed_out, exit.stopped, exit.killed, tracker_->failing_phase(),
                  tracker_->facts(), output_end_, input_.provider, exit.unknown});
    tracker_->finish(exit.ended, attempt.failure.has_value());
    attempt.number = input_.number;
    attempt.timeline = tracker_->timeline();
    attempt.started = *attempt.timeline.start();
    attempt.ended = exit.ended;
    attempt.certbot_version =
        result.facts.certbot_version.empty() ? input_.certbot_version : result.facts.certbot_version;
    attempt.command_line = input_.redactor(input_.command.shown);
    attempt.exit_code = exit.exit_code;
    attempt.signal = exit.signal;
    attempt.usage = exit.usage;
    if (attempt.failure) make_presentable(*attempt.failure);
    return result;
  }

  Result<void> write_transcript(const Attempt& attempt) const {
    return write_private(input_.transcript, "# command\n" + attempt.command_line + "\n\n# output\n" + output_.text() +
                                                "\n# debug log\n" + log_.text());
  }

private:
  os::ChildCallbacks callbacks() {
    os::ChildCallbacks heard;
    heard.started = [this](pid_t) { start(); };
    heard.line = [this](std::string_view line) { print(line); };
    heard.may_terminate = [this] {
      follower_.read_more();
      return !tracker_->past_cleanup();
    };
    return heard;
  }

  void start() {
    tracker_.emplace(std::chrono::system_clock::now(),
                     [this](Phase phase, TimePoint time, std::optional<Seconds> announced) {
                       if (callbacks_.phase) callbacks_.phase(phase, time, announced);
                       if (phase == Phase::propagation && callbacks_.waiting) callbacks_.waiting(tracker_->facts());
                     });
  }

  void hear(std::string_view bytes) {
    if (!tracker_) start();
    parser_.feed(bytes);
    if (parser_.held()) tracker_->preview(*parser_.held());
  }

  void print(std::string_view line) {
    output_end_ += line;
    output_end_ += '\n';
    if (output_end_.size() > 2 * judged_output) output_end_.erase(0, output_end_.size() - judged_output);
    const std::string shown = printable(input_.redactor(line));
    output_.add(shown);
    if (callbacks_.line) callbacks_.line(shown);
  }

  void read_temporary_log() {
    for (const auto& directory : temporary_logs(input_.command.work_dir)) {
      LogFollower log(directory / "log", [this](std::string_view bytes) { parser_.feed(bytes); });
      log_.pass_over(log.read_rest());
    }
    parser_.flush();
  }

  void make_presentable(Failure& failure) const {
    for (std::string* text : {&failure.error, &failure.problem_type, &failure.problem_detail, &failure.problem_domain,
                              &failure.hint, &failure.fix})
      *text = bounded(printable(input_.redactor(*text)), shown_text);
  }

  AttemptInput input_;
  AttemptCallbacks callbacks_;
  std::optional<Tracker> tracker_;
  Transcript output_{transcript_head, transcript_tail};
  Transcript log_{transcript_head, transcript_tail};
  std::string output_end_;  ///< raw, to be judged
  LogParser parser_;
  LogFollower follower_;
};

}  // namespace

asio::awaitable<Result<AttemptResult>> run_attempt(AttemptInput input, AttemptCallbacks callbacks,
                                                   os::StopSignal& stop) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  Observation observation(std::move(input), std::move(callbacks));
  if (auto cleared = observation.clear_logs(); !cleared) co_return cleared.fault();
  auto ended = co_await (observation.execute(stop) || observation.follow());
  auto& exit = std::get<0>(ended);
  if (!exit) co_return exit.fault();
  AttemptResult result = observation.conclude(*exit);
  // certbot may hold a new certificate now: a disk that is full is no reason to forget it.
  if (auto written = observation.write_transcript(result.attempt); !written) result.unrecorded = written.fault();
  if (auto cleared = observation.clear_logs(); !cleared) result.unrecorded = cleared.fault();
  co_return result;
}

}  // namespace certherd::certbot
