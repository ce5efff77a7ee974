#include <certherd/base/text.hpp>
#include <certherd/cli/progress.hpp>
#include <certherd/os/log.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <map>

namespace certherd::cli {
namespace {

constexpr Milliseconds tick{200};
constexpr std::size_t phase_width = 11;

/// What a Run is doing now.
struct Live {
  std::string certificate;
  std::optional<Phase> phase;
  TimePoint start;
  std::optional<Seconds> announced;
};

Milliseconds since(TimePoint start, TimePoint end) {
  return std::chrono::duration_cast<Milliseconds>(std::max(end - start, TimePoint::duration::zero()));
}

class Progress : public service::RunObserver {
public:
  Progress(boost::asio::any_io_executor executor, const Terminal& terminal, ProgressOptions options, std::ostream& out)
      : terminal_(terminal), options_(options), out_(out), timer_(executor) {}

  ~Progress() override { clear_line(); }

  void run_started(const Run& run) override {
    live_[run.id].certificate = run.certificate;
    if (!shows_phases()) return;
    clear_line();
    out_ << coloured(terminal_, Colour::bold, run.certificate) << "  "
         << printable(bounded(join(run.domains, " "), 200)) << "\n  "
         << coloured(terminal_, Colour::dim, "because: " + printable(bounded(run.reason, 300))) << '\n'
         << std::flush;
  }

  void phase_started(const Run& run, Phase phase, TimePoint start, std::optional<Seconds> announced) override {
    Live& live = live_[run.id];
    live.certificate = run.certificate;
    end_phase(live, start);
    live.phase = phase;
    live.start = start;
    live.announced = announced;
    if (!terminal_.interactive) return;
    draw();
    schedule();
  }

  void certbot_said(const Run& run, std::string_view line) override {
    if (!options_.certbot) return;
    clear_line();
    out_ << coloured(terminal_, Colour::dim, indent(run.certificate) + "certbot: " + std::string(line)) << '\n'
         << std::flush;
  }

  void warning(const Run& run, std::string_view text) override {
    clear_line();
    os::log(os::LogLevel::warning, run.certificate + ": " + std::string(text));
  }

  void run_finished(const Run& run) override {
    end_phase(live_[run.id], run.ended);
    live_.erase(run.id);
    if (live_.empty()) timer_.cancel();
  }

private:
  bool shows_phases() const { return terminal_.interactive || options_.phases; }

  /// Where several Runs go on at once, each line names its Certificate.
  std::string indent(const std::string& certificate) const {
    return options_.several ? "  " + certificate + ": " : "  ";
  }

  void end_phase(Live& live, TimePoint end) {
    clear_line();
    if (!live.phase) return;
    if (shows_phases())
      out_ << indent(live.certificate) << fit(terminal_, to_string(*live.phase), phase_width) << "  "
           << format_elapsed(since(live.start, end)) << '\n'
           << std::flush;
    live.phase.reset();
  }

  void draw() {
    const auto now = std::chrono::system_clock::now();
    std::vector<std::string> parts;
    for (const auto& [id, live] : live_) {
      if (!live.phase) continue;
      std::string part = options_.several ? live.certificate + " " + std::string(to_string(*live.phase)) + " "
                                          : fit(terminal_, to_string(*live.phase), phase_width) + "  ";
      const auto elapsed = since(live.start, now);
      part += format_elapsed(elapsed);
      if (live.announced) {
        const auto left = std::max(Milliseconds(0), Milliseconds(*live.announced) - elapsed);
        part += " (" + std::to_string(std::chrono::ceil<Seconds>(left).count()) + " s left of " +
                std::to_string(live.announced->count()) + " s)";
      }
      parts.push_back(std::move(part));
    }
    clear_line();
    if (parts.empty()) return;
    std::string line = "  " + (parts.size() > 1 ? std::to_string(parts.size()) + " runs: " : "") + join(parts, ", ");
    const auto width = static_cast<std::size_t>(std::max(terminal_.width - 1, 20));
    if (display_width(line) > width) line = fit(terminal_, line, width);
    out_ << coloured(terminal_, Colour::yellow, line) << std::flush;
    drawn_ = true;
  }

  void clear_line() {
    if (!drawn_) return;
    out_ << "\r\x1b[K" << std::flush;
    drawn_ = false;
  }

  void schedule() {
    timer_.expires_after(tick);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error || live_.empty()) return;
      draw();
      schedule();
    });
  }

  Terminal terminal_;
  ProgressOptions options_;
  std::ostream& out_;
  boost::asio::steady_timer timer_;
  std::map<std::string, Live> live_;  ///< by Run
  bool drawn_ = false;
};

}  // namespace

std::unique_ptr<service::RunObserver> make_progress(boost::asio::any_io_executor executor, const Terminal& terminal,
                                                    ProgressOptions options, std::ostream& out) {
  return std::make_unique<Progress>(std::move(executor), terminal, options, out);
}

}  // namespace certherd::cli
