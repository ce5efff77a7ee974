#include <Poco/Data/Statement.h>
#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>

#include "journal_impl.hpp"
#include "rows.hpp"

namespace certherd::journal {
namespace {

using namespace Poco::Data::Keywords;
using Poco::Int64;
using Poco::Nullable;
using Poco::Data::Session;
using Text = std::string;

using WaitRow = Poco::Tuple<Int64, Int64, Nullable<Int64>, Nullable<Text>, Nullable<Int64>, Int64>;

/// Where nothing is watched, because the plugin waits in its own way, all the Runs of years would be gone through.
constexpr Int64 runs_looked_at = 500;

/// A server that could not be asked says nothing of its speed: `error` is set.
const Text select_waits =
    "SELECT a.started, p.duration_ms, a.wait_ended_ms, f.class, "
    "(SELECT MAX(v.visible_ms) FROM visibility v WHERE v.run = a.run AND v.attempt = a.number), "
    "(SELECT COUNT(*) FROM visibility v WHERE v.run = a.run AND v.attempt = a.number AND v.visible_ms IS NULL "
    "AND v.error = '') "
    "FROM (SELECT id, started FROM runs WHERE provider = ? AND account = ? ORDER BY started DESC LIMIT ?) r "
    "JOIN attempts a ON a.run = r.id "
    "JOIN phases p ON p.run = a.run AND p.attempt = a.number AND p.phase = ? AND p.failed = 0 "
    "LEFT JOIN failures f ON f.run = a.run AND f.attempt = a.number "
    "WHERE f.class = ? OR EXISTS (SELECT 1 FROM visibility v WHERE v.run = a.run AND v.attempt = a.number) "
    "ORDER BY r.started DESC, a.number DESC LIMIT ?";

WaitSample sample_from(const WaitRow& row) {
  using Sequel = WaitSample::Sequel;
  WaitSample sample;
  sample.when = time_from(row.get<0>());
  sample.waited = Milliseconds(row.get<1>());
  sample.ended = !row.get<2>().isNull();
  if (!row.get<3>().isNull())
    sample.sequel = class_from(row.get<3>().value()) == FailureClass::txt_missing ? Sequel::missed : Sequel::other;
  sample.slowest = optional_from<Milliseconds>(row.get<4>());
  sample.lagged = row.get<5>() > 0;
  return sample;
}

}  // namespace

std::vector<WaitSample> Journal::wait_samples(const std::string& provider, const std::string& account,
                                              std::size_t limit) {
  return impl_->read([&](Session& session) {
    std::vector<WaitRow> rows;
    session << select_waits, bind(provider), bind(account), bind(runs_looked_at),
        bind(Text(to_string(Phase::propagation))), bind(Text(to_string(FailureClass::txt_missing))),
        bind(static_cast<Int64>(limit)), into(rows), now;
    std::vector<WaitSample> samples;
    samples.reserve(rows.size());
    for (const auto& row : rows) samples.push_back(sample_from(row));
    return samples;
  });
}

}  // namespace certherd::journal
