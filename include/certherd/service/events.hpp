#pragma once

#include <certherd/service/observer.hpp>
#include <certherd/service/supervisor.hpp>

#include <functional>
#include <set>
#include <string>

namespace boost::json {
class object;
}  // namespace boost::json

namespace certherd::service {

/// Turns what happens to the Runs of some Certificates into lines of JSON, one an event, for who watches from another
/// process:
///   {"event":"run_started","run":{…}}                                     the Run as to_json writes it
///   {"event":"phase","run":ID,"certificate":NAME,"phase":P,"start":TIME,"announced":SECONDS|null}
///   {"event":"said","run":ID,"certificate":NAME,"text":LINE}              certbot's output, when asked for
///   {"event":"warning","run":ID,"certificate":NAME,"text":TEXT}
///   {"event":"run_finished","run":{…}}
class EventWriter : public RunObserver {
public:
  enum class Detail {
    brief,   ///< warnings alone: who waits for the outcome and shows nothing meanwhile
    phases,  ///< the beginning and the end of each Run and of its phases as well
    output   ///< and what certbot says
  };

  EventWriter(std::set<std::string> certificates, Detail detail, std::function<void(const std::string& line)> write)
      : certificates_(std::move(certificates)), detail_(detail), write_(std::move(write)) {}
  void run_started(const Run& run) override;
  void phase_started(const Run& run, Phase phase, TimePoint start, std::optional<Seconds> announced) override;
  void certbot_said(const Run& run, std::string_view line) override;
  void warning(const Run& run, std::string_view text) override;
  void run_finished(const Run& run) override;

private:
  bool wanted(Detail detail, const Run& run) const {
    return detail_ >= detail && certificates_.contains(run.certificate);
  }
  std::set<std::string> certificates_;
  Detail detail_;
  std::function<void(const std::string& line)> write_;
};

boost::json::object to_json(const Handled& handled);

/// The last line about each Certificate: {"event":"handled","handled":{…}}.
std::string handled_line(const Handled& handled);

/// Tells an observer what a line of EventWriter says; for handled_line() gives what became of the Wish instead. Fault:
/// the line is none of them, as from a service of another version.
Result<std::optional<Handled>> replay(const std::string& line, RunObserver& observer);

}  // namespace certherd::service
