#include <certherd/base/text.hpp>
#include <certherd/certbot/timeline.hpp>

#include <algorithm>
#include <array>

#include "acme_answer.hpp"
#include "traceback.hpp"

namespace certherd::certbot {
namespace {

using enum Phase;

constexpr std::string_view notified = "Notifying user: ";
constexpr std::size_t kept_texts = 32;

/// A record that begins a Phase, whatever came before; `after`: only once that Phase has begun.
struct Landmark {
  std::string_view logger;
  std::string_view begins;
  Phase phase;
  Phase after = startup;
};

constexpr std::array landmarks{
    Landmark{"acme.client", "Sending GET request to ", account},
    Landmark{"certbot._internal.display.obj", "Notifying user: Requesting a certificate", order},
    Landmark{"certbot._internal.display.obj", "Notifying user: Renewing an existing certificate", order},
    Landmark{"certbot._internal.display.obj", "Notifying user: Simulating ", order},
    Landmark{"certbot._internal.auth_handler", "Performing the following challenges:", challenge},
    Landmark{"certbot._internal.auth_handler", "Waiting for verification...", validation},
    Landmark{"certbot._internal.auth_handler", "Cleaning up challenges", cleanup},
    Landmark{"certbot._internal.client", "CSR: ", finalize, order},
    Landmark{"certbot._internal.client", "Will poll for certificate issuance until", finalize, order},
    Landmark{"certbot._internal.storage", "", save, finalize},
};

/// The number in "Waiting 30 seconds for DNS changes to propagate".
std::optional<Seconds> announced_wait(std::string_view text) {
  constexpr std::string_view head = "Waiting ";
  if (!text.starts_with(head) || !contains(text, "DNS changes to propagate")) return std::nullopt;
  text.remove_prefix(head.size());
  const auto number = parse_number(text.substr(0, text.find(' ')));
  if (!number) return std::nullopt;
  return Seconds(*number);
}

/// The URL in "Sending POST request to URL:" and "Sending GET request to URL.", with the method.
std::optional<Exchange> sent_request(std::string_view line) {
  constexpr std::string_view head = "Sending ";
  constexpr std::string_view middle = " request to ";
  const auto split_at = line.find(middle);
  if (!line.starts_with(head) || split_at == std::string_view::npos) return std::nullopt;
  std::string_view url = line.substr(split_at + middle.size());
  if (!url.empty() && (url.back() == ':' || url.back() == '.')) url.remove_suffix(1);
  return Exchange{std::string(line.substr(head.size(), split_at - head.size())), std::string(url), 0};
}

/// "… retry after 2026-11-24 09:00:00 UTC: see …", in boulder's words for a rate limit.
std::optional<TimePoint> time_in_words(std::string_view detail) {
  constexpr std::string_view mark = "retry after ";
  constexpr std::string_view shape = "2026-11-24 09:00:00";
  const auto at = detail.find(mark);
  if (at == std::string_view::npos || detail.substr(at + mark.size()).size() < shape.size()) return std::nullopt;
  std::string time(detail.substr(at + mark.size(), shape.size()));
  time[10] = 'T';
  return parse_utc(time + "Z");
}

/// RFC 9110 §10.2.3: seconds or an HTTP date, the latter by the CA's own clock if it told it. Without the header the
/// CA's words may name a time.
std::optional<Seconds> wait_asked_for(const AcmeAnswer& answer, TimePoint ca_time) {
  std::optional<TimePoint> date;
  if (const auto header = answer.headers.find("retry-after"); header != answer.headers.end()) {
    if (const auto seconds = parse_number(header->second)) return Seconds(*seconds);
    date = parse_http_date(header->second);
  } else if (answer.problem) {
    date = time_in_words(answer.problem->detail);
  }
  if (!date) return std::nullopt;
  return std::max(Seconds(0), std::chrono::ceil<Seconds>(*date - ca_time));
}

std::string text_after(std::string_view text, std::string_view mark, std::string_view end) {
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + mark.size());
  return std::string(trim(text.substr(0, text.find(end))));
}

void keep(std::vector<std::string>& texts, std::string_view text) {
  if (texts.size() == kept_texts) texts.erase(texts.begin());
  texts.emplace_back(text);
}

}  // namespace

Tracker::Tracker(TimePoint spawned, PhaseCallback callback) : callback_(std::move(callback)) {
  spans_.push_back({startup, std::chrono::floor<Milliseconds>(spawned), Milliseconds(0), false});
  if (callback_) callback_(startup, spawned, {});
}

void Tracker::begin(Phase phase, TimePoint time, std::optional<Seconds> announced) {
  Span& current = spans_.back();
  if (phase <= current.phase) return;
  time = std::max(time, current.start);
  current.duration = std::chrono::duration_cast<Milliseconds>(time - current.start);
  spans_.push_back({phase, time, Milliseconds(0), false});
  if (callback_) callback_(phase, time, announced);
}

void Tracker::preview(const LogRecord& record) {
  const std::string_view line = std::string_view(record.message).substr(0, record.message.find('\n'));
  const Phase before = phase();
  if (phase() == challenge || phase() == provision) {
    // Core names every challenge before the plugin gets to work: provision begins at the last of these lines.
    if (record.logger == "certbot._internal.auth_handler" && contains(line, " challenge for ")) {
      if (phase() == challenge) {
        begin(provision, record.time);
      } else if (only_named_) {
        postpone(record.time);
      }
      only_named_ = true;
      return;
    }
    only_named_ = false;
  }
  // Nobody but certbot's core speaks ACME. The plugin is done, however it waited.
  if (record.logger == "acme.client" && (phase() == provision || phase() == propagation)) begin(notify, record.time);
  for (const auto& landmark : landmarks) {
    const bool meets =
        record.logger == landmark.logger && line.starts_with(landmark.begins) && before >= landmark.after;
    if (meets) begin(landmark.phase, record.time);
  }
  if (record.logger == "certbot._internal.display.obj" && line.starts_with(notified)) {
    if (const auto wait = announced_wait(line.substr(notified.size()))) {
      facts_.announced = wait;
      if (phase() == challenge || phase() == provision) begin(propagation, record.time, wait);
    }
  }
  if (record.logger != "acme.client") return;
  const auto request = sent_request(line);
  if (!request || request->method != "POST") return;
  const auto new_order = facts_.directory.find("newOrder");
  if (new_order != facts_.directory.end() && request->url == new_order->second) begin(order, record.time);
  if (request->url == facts_.finalize_url) begin(finalize, record.time);
}

void Tracker::postpone(TimePoint time) {
  Span& current = spans_.back();
  Span& previous = spans_[spans_.size() - 2];
  current.start = std::max(time, current.start);
  previous.duration = std::chrono::duration_cast<Milliseconds>(current.start - previous.start);
}

void Tracker::feed(const LogRecord& record) {
  facts_.any = true;
  preview(record);
  const std::string_view message = record.message;
  if (record.logger == "acme.client") {
    if (auto request = sent_request(message.substr(0, message.find('\n')))) {
      facts_.exchange = std::move(request);
    } else if (message.starts_with("Received response:")) {
      read_answer(record);
    } else if (message.starts_with("Retrying request after error:")) {
      facts_.problem.reset();
    }
  } else if (record.logger == "certbot._internal.main") {
    if (const auto version = text_after(message, "certbot version: ", "\n"); !version.empty())
      facts_.certbot_version = version;
  } else if (record.logger == "certbot._internal.display.obj") {
    if (const auto hint = text_after(message, "\nHint: ", "\n\n"); !hint.empty()) facts_.hint = hint;
    if (const auto path = text_after(message, "\nCertificate is saved at: ", "\n"); !path.empty())
      facts_.saved_at = path;
  } else if (record.logger == "certbot._internal.error_handler") {
    if (record.level == "ERROR") keep(facts_.recovery_errors, message);
  } else if (record.logger == "certbot._internal.log") {
    read_final(record);
  }
}

void Tracker::read_final(const LogRecord& record) {
  if (record.message.starts_with("Exiting abnormally:")) {
    facts_.exceptions = exceptions_in(record.message);
    facts_.in_plugin_loading = contains(record.message, "/certbot/_internal/plugins/disco.py");
  } else if (record.level == "ERROR" || record.level == "CRITICAL") {
    keep(facts_.errors, record.message);
  }
}

void Tracker::read_answer(const LogRecord& record) {
  AcmeAnswer answer = parse_answer(record.message);
  if (facts_.exchange) facts_.exchange->status = answer.status;
  TimePoint ca_time = record.time;
  if (const auto date = answer.headers.find("date"); date != answer.headers.end()) {
    if (const auto parsed = parse_http_date(date->second)) {
      ca_time = *parsed;
      facts_.skew = std::chrono::duration_cast<Milliseconds>(ca_time - record.time);
    }
  }
  facts_.problem = answer.problem;
  facts_.retry_after = answer.status >= 400 ? wait_asked_for(answer, ca_time) : std::nullopt;
  if (!answer.directory.empty()) facts_.directory = std::move(answer.directory);
  if (answer.order) {
    if (const auto location = answer.headers.find("location"); location != answer.headers.end())
      facts_.order_url = location->second;
    facts_.finalize_url = answer.order->finalize;
    facts_.identifiers = answer.order->identifiers;
    if (answer.order->error) facts_.problem = answer.order->error;
  }
  if (!answer.authorization || !facts_.exchange) return;
  answer.authorization->url = facts_.exchange->url;
  auto& known = facts_.authorizations;
  const auto same =
      std::find_if(known.begin(), known.end(), [&](const auto& a) { return a.url == facts_.exchange->url; });
  if (same == known.end()) {
    known.push_back(std::move(*answer.authorization));
  } else {
    *same = std::move(*answer.authorization);
  }
}

void Tracker::finish(TimePoint exited, bool failed) {
  Span& last = spans_.back();
  last.duration = std::chrono::duration_cast<Milliseconds>(std::max(exited, last.start) - last.start);
  if (!failed) return;
  const Phase culprit = failing_phase();
  for (auto& span : spans_) span.failed = span.phase == culprit;
}

Phase Tracker::failing_phase() const {
  const bool recovering = phase() == cleanup && !validated() && spans_.size() > 1;
  return recovering ? spans_[spans_.size() - 2].phase : phase();
}

bool Tracker::past_cleanup() const {
  return phase() >= cleanup;
}

bool Tracker::validated() const {
  const auto& all = facts_.authorizations;
  return !all.empty() && std::all_of(all.begin(), all.end(), [](const auto& a) { return a.status == "valid"; });
}

}  // namespace certherd::certbot
