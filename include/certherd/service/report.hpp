#pragma once

#include <certherd/service/roster.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace boost::json {
class array;
class object;
class value;
}  // namespace boost::json

namespace certherd::service {

/// One Certificate with all that is known of it, for `list`, `show` and the control socket.
struct CertificateReport {
  Certificate certificate;
  std::optional<Generation> current;
  renewal::Decision decision;
  CertificateState state;
  std::optional<Run> last;  ///< the newest Run; whole for one Certificate, light for many
};

CertificateReport report(const Roster& roster, const Entry& entry, std::optional<Run> last, TimePoint now);
/// Of every Certificate, in the configuration's order. `last_runs`: Journal::last_runs(). Certificates are handed on
/// one by one, since ten thousand of them at once would take a lot of memory.
void each_report(Roster& roster, std::vector<Run> last_runs, TimePoint now,
                 const std::function<void(const CertificateReport&)>& hear);

boost::json::object to_json(const CertificateReport& report);
/// What to_json() made, as far as verbs show it.
Result<CertificateReport> report_from_json(const boost::json::value& value);

boost::json::array to_json(const std::vector<renewal::Reasoning>& because);
Result<std::vector<renewal::Reasoning>> because_from_json(const boost::json::value& value);

}  // namespace certherd::service
