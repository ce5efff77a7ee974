#include "audit_line.hpp"

#include <certherd/base/text.hpp>
#include <certherd/os/sha256.hpp>

#include <boost/json.hpp>

#include <array>
#include <cstdio>

namespace certherd::journal {
namespace {

constexpr std::string_view seq_key = "{\"seq\":";
constexpr std::string_view prev_key = ",\"prev\":\"";
constexpr std::string_view hash_key = ",\"hash\":\"";
constexpr std::size_t hash_digits = 64;
constexpr std::size_t prev_size = prev_key.size() + hash_digits + 1;  // with the closing quote
constexpr std::size_t hash_size = hash_key.size() + hash_digits + 2;  // with the closing quote and brace

std::string json_string(std::string_view text) {
  return boost::json::serialize(printable(text));
}

std::string array_of(const std::vector<std::string>& texts) {
  std::string array = "[";
  for (const auto& text : texts) array += (array.size() > 1 ? "," : "") + json_string(text);
  return array + "]";
}

/// Appends "key":"text" unless the text is empty.
void add(std::string& object, const char* key, std::string_view text) {
  if (!text.empty()) object += ",\"" + std::string(key) + "\":" + json_string(text);
}

std::string seconds_of(Milliseconds duration) {
  std::array<char, 32> text{};
  const auto ms = static_cast<long long>(duration.count());
  (void)std::snprintf(text.data(), text.size(), "%lld.%03lld", ms / 1000, ms % 1000);
  return text.data();
}

std::string object_of(const Failure& failure) {
  std::string object = "{\"class\":" + json_string(to_string(failure.failure_class));
  if (failure.phase) add(object, "phase", to_string(*failure.phase));
  add(object, "error", failure.error);
  add(object, "problem_type", failure.problem_type);
  add(object, "detail", failure.problem_detail);
  add(object, "domain", failure.problem_domain);
  add(object, "hint", failure.hint);
  add(object, "fix", failure.fix);
  if (failure.retry_after) object += ",\"retry_after\":" + std::to_string(failure.retry_after->count());
  return object + "}";
}

std::string object_of(const Generation& generation) {
  std::string object = "{\"number\":" + std::to_string(generation.number);
  add(object, "serial", generation.facts.serial);
  return object + ",\"not_after\":" + json_string(format_utc(generation.facts.not_after)) + "}";
}

std::string object_of(const Span& span) {
  return "{\"phase\":" + json_string(to_string(span.phase)) + ",\"start\":" + json_string(format_utc(span.start)) +
         ",\"seconds\":" + seconds_of(span.duration) + (span.failed ? ",\"failed\":true}" : "}");
}

std::string object_of(const ServerVisibility& server) {
  std::string object = "{\"server\":" + json_string(server.server);
  add(object, "address", server.address);
  if (server.visible_after) object += ",\"seconds\":" + seconds_of(*server.visible_after);
  add(object, "error", server.error);
  return object + "}";
}

template <class T>
std::string objects_of(const std::vector<T>& list) {
  std::string objects;
  for (const auto& one : list) objects += (objects.empty() ? "" : ",") + object_of(one);
  return "[" + objects + "]";
}

std::string opened(const AuditHead& previous, TimePoint time) {
  return std::string(seq_key) + std::to_string(previous.seq + 1) + ",\"time\":" + json_string(format_utc(time));
}

std::string closed(std::string line, const AuditHead& previous) {
  line += std::string(prev_key) + previous.hash + "\"";
  const std::string hash = os::sha256_hex(line);
  return line + std::string(hash_key) + hash + "\"}";
}

bool is_hash(std::string_view text) {
  return text.size() == hash_digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

AuditEntry audit_entry(const Run& run, const std::string& action) {
  AuditEntry entry;
  entry.time = run.ended;
  entry.actor = to_string(run.actor);
  entry.action = action;
  entry.certificate = run.certificate;
  entry.domains = run.domains;
  entry.provider = run.provider;
  entry.account = run.account;
  entry.ca = run.ca;
  entry.run = run.id;
  entry.reason = run.reason;
  if (run.outcome) entry.outcome = to_string(*run.outcome);
  entry.generation = run.generation;
  entry.failure = run.failure;
  entry.phases = run.timeline.spans;
  if (!run.attempts.empty()) {
    entry.visibility = run.attempts.back().visibility;
    entry.wait_ended = run.attempts.back().wait_ended;
    entry.certbot_version = run.attempts.back().certbot_version;
    entry.command = run.attempts.back().command_line;
  }
  return entry;
}

std::string audit_line(const AuditEntry& entry, const AuditHead& previous) {
  std::string line = opened(previous, entry.time);
  add(line, "actor", entry.actor);
  add(line, "action", entry.action);
  add(line, "certificate", entry.certificate);
  if (!entry.domains.empty()) line += ",\"domains\":" + array_of(entry.domains);
  add(line, "provider", entry.provider);
  add(line, "account", entry.account);
  add(line, "ca", entry.ca);
  add(line, "run", entry.run);
  add(line, "reason", entry.reason);
  add(line, "outcome", entry.outcome);
  if (entry.generation) line += ",\"generation\":" + object_of(*entry.generation);
  if (entry.failure) line += ",\"failure\":" + object_of(*entry.failure);
  if (!entry.phases.empty()) line += ",\"phases\":" + objects_of(entry.phases);
  if (!entry.visibility.empty()) line += ",\"visibility\":" + objects_of(entry.visibility);
  if (entry.wait_ended) line += ",\"wait_ended\":" + seconds_of(*entry.wait_ended);
  add(line, "certbot_version", entry.certbot_version);
  add(line, "command", entry.command);
  return closed(std::move(line), previous);
}

std::optional<ChainPlace> chain_place(std::string_view line) {
  if (!line.starts_with(seq_key) || line.size() < seq_key.size() + prev_size + hash_size) return std::nullopt;
  ChainPlace place;
  place.hashed = line.substr(0, line.size() - hash_size);
  const std::string_view hash_part = line.substr(place.hashed.size());
  const std::string_view prev_part = place.hashed.substr(place.hashed.size() - prev_size);
  if (!hash_part.starts_with(hash_key) || !hash_part.ends_with("\"}")) return std::nullopt;
  if (!prev_part.starts_with(prev_key) || !prev_part.ends_with("\"")) return std::nullopt;
  place.hash = hash_part.substr(hash_key.size(), hash_digits);
  place.prev = prev_part.substr(prev_key.size(), hash_digits);
  if (!is_hash(place.hash) || !is_hash(place.prev)) return std::nullopt;
  const auto seq = parse_number(line.substr(seq_key.size(), line.find(',') - seq_key.size()));
  if (!seq || *seq < 1) return std::nullopt;
  place.seq = static_cast<std::uint64_t>(*seq);
  return place;
}

bool hash_is_right(const ChainPlace& place) {
  return os::sha256_hex(place.hashed) == place.hash;
}

BrokenTail broken_tail(std::string_view text) {
  return {text.size(), os::sha256_hex(text)};
}

std::string recovered_line(TimePoint time, const BrokenTail& tail, const AuditHead& previous) {
  return closed(opened(previous, time) + ",\"action\":\"recovered\",\"broken\":{\"bytes\":" +
                    std::to_string(tail.bytes) + ",\"sha256\":\"" + tail.sha256 + "\"}",
                previous);
}

std::optional<BrokenTail> recovered_tail(std::string_view line) {
  boost::system::error_code error;
  const auto value = boost::json::parse(line, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto& object = value.as_object();
  const auto* action = object.if_contains("action");
  const auto* broken = object.if_contains("broken");
  if (!action || *action != "recovered" || !broken || !broken->is_object()) return std::nullopt;
  const auto* bytes = broken->as_object().if_contains("bytes");
  const auto* sha256 = broken->as_object().if_contains("sha256");
  if (!bytes || !bytes->is_int64() || !sha256 || !sha256->is_string()) return std::nullopt;
  return BrokenTail{static_cast<std::uint64_t>(bytes->as_int64()), std::string(sha256->as_string())};
}

}  // namespace certherd::journal
