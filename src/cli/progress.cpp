#include <certherd/base/text.hpp>
#include <certherd/cli/progress.hpp>
#include <certherd/os/log.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>

namespace certherd::cli {
namespace {

constexpr Milliseconds tick{200};
constexpr std::size_t name_width = 11;

class Progress : public service::RunObserver {
public:
  Progress(boost::asio::any_io_executor executor, const Terminal& terminal, ProgressOptions options, std::ostream& out)
      : terminal_(terminal), options_(options), out_(out), timer_(executor) {}

  ~Progress() override { clear_line(); }

  void run_started(const Run& run) override {
    phase_.reset();
    if (!shows_phases()) return;
    out_ << coloured(terminal_, Colour::bold, run.certificate) << "  "
         << printable(bounded(join(run.domains, " "), 200)) << "\n  "
         << coloured(terminal_, Colour::dim, "because: " + printable(bounded(run.reason, 300))) << '\n'
         << std::flush;
  }

  void phase_started(const Run&, Phase phase, TimePoint start, std::optional<Seconds> announced) override {
    end_phase(start);
    phase_ = phase;
    start_ = start;
    announced_ = announced;
    if (!terminal_.interactive) return;
    draw();
    schedule();
  }

  void certbot_said(const Run&, std::string_view line) override {
    if (!options_.certbot) return;
    clear_line();
    out_ << coloured(terminal_, Colour::dim, "  certbot: " + std::string(line)) << '\n' << std::flush;
  }

  void warning(const Run& run, std::string_view text) override {
    clear_line();
    os::log(os::LogLevel::warning, run.certificate + ": " + std::string(text));
  }

  void run_finished(const Run& run) override {
    end_phase(run.ended);
    timer_.cancel();
  }

private:
  bool shows_phases() const { return terminal_.interactive || options_.phases; }

  void end_phase(TimePoint end) {
    clear_line();
    if (!phase_) return;
    const auto elapsed = std::chrono::duration_cast<Milliseconds>(std::max(end - start_, TimePoint::duration::zero()));
    if (shows_phases())
      out_ << "  " << fit(terminal_, to_string(*phase_), name_width) << "  " << format_elapsed(elapsed) << '\n'
           << std::flush;
    phase_.reset();
  }

  void draw() {
    if (!phase_) return;
    clear_line();
    const auto elapsed = std::chrono::duration_cast<Milliseconds>(
        std::max(std::chrono::system_clock::now() - start_, TimePoint::duration::zero()));
    std::string line = "  " + fit(terminal_, to_string(*phase_), name_width) + "  " + format_elapsed(elapsed);
    if (announced_) {
      const auto left = std::max(Milliseconds(0), Milliseconds(*announced_) - elapsed);
      line += "  (" + std::to_string(std::chrono::ceil<Seconds>(left).count()) + " s left of " +
              std::to_string(announced_->count()) + " s)";
    }
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
      if (error || !phase_) return;
      draw();
      schedule();
    });
  }

  Terminal terminal_;
  ProgressOptions options_;
  std::ostream& out_;
  boost::asio::steady_timer timer_;
  std::optional<Phase> phase_;
  TimePoint start_;
  std::optional<Seconds> announced_;
  bool drawn_ = false;
};

}  // namespace

std::unique_ptr<service::RunObserver> make_progress(boost::asio::any_io_executor executor, const Terminal& terminal,
                                                    ProgressOptions options, std::ostream& out) {
  return std::make_unique<Progress>(std::move(executor), terminal, options, out);
}

}  // namespace certherd::cli
