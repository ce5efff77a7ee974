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

using StateRow =
    Poco::Tuple<Text, int, Nullable<Text>, Int64, Nullable<Int64>, Text, Nullable<Text>, Int64, Int64, Text, Int64,
                Int64, Int64, Nullable<Int64>, Nullable<Int64>, Text, Text, Text, Nullable<Int64>>;
const Text select_states =
    "SELECT certificate, failures, failure_class, failed_at, retry_at, fingerprint, window_ari_id, window_start, "
    "window_end, window_url, window_moment, window_fetched, window_next_check, failed_told, expiring_told, "
    "expiring_serial, revoked_serial, profile, window_obeyed FROM certificate_states ";
const Text insert_state =
    "INSERT INTO certificate_states (certificate, failures, failure_class, failed_at, retry_at, fingerprint, "
    "window_ari_id, window_start, window_end, window_url, window_moment, window_fetched, window_next_check, "
    "failed_told, expiring_told, expiring_serial, revoked_serial, profile, window_obeyed) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (certificate) DO UPDATE SET "
    "failures = excluded.failures, failure_class = excluded.failure_class, failed_at = excluded.failed_at, "
    "retry_at = excluded.retry_at, fingerprint = excluded.fingerprint, window_ari_id = excluded.window_ari_id, "
    "window_start = excluded.window_start, window_end = excluded.window_end, window_url = excluded.window_url, "
    "window_moment = excluded.window_moment, window_fetched = excluded.window_fetched, "
    "window_next_check = excluded.window_next_check, failed_told = excluded.failed_told, "
    "expiring_told = excluded.expiring_told, expiring_serial = excluded.expiring_serial, "
    "revoked_serial = excluded.revoked_serial, profile = excluded.profile, "
    "window_obeyed = excluded.window_obeyed";

using BucketRow = Poco::Tuple<Text, Text, Text, double, Int64>;

StateRow row_of(const CertificateState& state) {
  Nullable<Text> failure_class;
  if (state.failure_class) failure_class = Text(to_string(*state.failure_class));
  const RenewalWindow window = state.window.value_or(RenewalWindow{});
  return {state.certificate,
          state.failures,
          failure_class,
          to_column(state.failed_at),
          nullable_time(state.retry_at),
          state.fingerprint,
          state.window ? Nullable<Text>(window.ari_id) : Nullable<Text>(),
          to_column(window.start),
          to_column(window.end),
          window.explanation_url,
          to_column(window.moment),
          to_column(window.fetched),
          to_column(window.next_check),
          nullable_time(state.failed_told),
          nullable_seconds(state.expiring_told),
          state.expiring_serial,
          state.revoked_serial,
          state.profile,
          nullable_time(state.window_obeyed)};
}

CertificateState state_from(const StateRow& row) {
  CertificateState state;
  state.certificate = row.get<0>();
  state.failures = row.get<1>();
  if (!row.get<2>().isNull()) state.failure_class = class_from(row.get<2>().value());
  state.failed_at = time_from(row.get<3>());
  state.retry_at = optional_time(row.get<4>());
  state.fingerprint = row.get<5>();
  if (!row.get<6>().isNull()) {
    state.window =
        RenewalWindow{row.get<6>().value(),     time_from(row.get<7>()),  time_from(row.get<8>()), row.get<9>(),
                      time_from(row.get<10>()), time_from(row.get<11>()), time_from(row.get<12>())};
  }
  state.failed_told = optional_time(row.get<13>());
  state.expiring_told = optional_from<Seconds>(row.get<14>());
  state.expiring_serial = row.get<15>();
  state.revoked_serial = row.get<16>();
  state.profile = row.get<17>();
  state.window_obeyed = optional_time(row.get<18>());
  return state;
}

}  // namespace

std::vector<CertificateState> Journal::states() {
  return impl_->read([&](Session& session) {
    std::vector<StateRow> rows;
    session << select_states << "ORDER BY certificate", into(rows), now;
    std::vector<CertificateState> states;
    states.reserve(rows.size());
    for (const auto& row : rows) states.push_back(state_from(row));
    return states;
  });
}

std::optional<CertificateState> Journal::state(const std::string& certificate) {
  return impl_->read([&](Session& session) -> std::optional<CertificateState> {
    std::vector<StateRow> rows;
    session << select_states << "WHERE certificate = ?", bind(certificate), into(rows), now;
    if (rows.empty()) return std::nullopt;
    return state_from(rows.front());
  });
}

void Journal::save_state(const CertificateState& state) {
  save_states({&state, 1});
}

void Journal::save_states(std::span<const CertificateState> states) {
  if (states.empty()) return;
  std::vector<StateRow> rows;
  rows.reserve(states.size());
  for (const auto& state : states) rows.push_back(row_of(state));
  impl_->write([&](Session& session) { session << insert_state, use(rows), now; });
}

void Journal::remove_state(const std::string& certificate) {
  impl_->write([&](Session& session) {
    session << "DELETE FROM certificate_states WHERE certificate = ?", bind(certificate), now;
  });
}

std::vector<Bucket> Journal::buckets() {
  return impl_->read([&](Session& session) {
    std::vector<BucketRow> rows;
    session << "SELECT ca, limit_name, bucket_key, tokens, counted_at FROM rate_buckets "
               "ORDER BY ca, limit_name, bucket_key",
        into(rows), now;
    std::vector<Bucket> buckets;
    buckets.reserve(rows.size());
    for (const auto& row : rows)
      buckets.push_back({row.get<0>(), row.get<1>(), row.get<2>(), row.get<3>(), time_from(row.get<4>())});
    return buckets;
  });
}

void Journal::save_buckets(const std::vector<Bucket>& buckets) {
  if (buckets.empty()) return;
  std::vector<BucketRow> rows;
  rows.reserve(buckets.size());
  for (const auto& bucket : buckets)
    rows.emplace_back(bucket.ca, bucket.limit, bucket.key, bucket.tokens, to_column(bucket.at));
  impl_->write([&](Session& session) {
    session << "INSERT INTO rate_buckets (ca, limit_name, bucket_key, tokens, counted_at) VALUES (?, ?, ?, ?, ?) "
               "ON CONFLICT (ca, limit_name, bucket_key) DO UPDATE SET tokens = excluded.tokens, "
               "counted_at = excluded.counted_at",
        use(rows), now;
  });
}

void Journal::remove_buckets(const std::vector<Bucket>& buckets) {
  if (buckets.empty()) return;
  std::vector<Poco::Tuple<std::string, std::string, std::string>> keys;
  keys.reserve(buckets.size());
  for (const auto& bucket : buckets) keys.emplace_back(bucket.ca, bucket.limit, bucket.key);
  impl_->write([&](Session& session) {
    session << "DELETE FROM rate_buckets WHERE ca = ? AND limit_name = ? AND bucket_key = ?", use(keys), now;
  });
}

}  // namespace certherd::journal
