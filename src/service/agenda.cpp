#include <certherd/service/agenda.hpp>

namespace certherd::service {

void Agenda::set(const std::string& certificate, TimePoint when) {
  remove(certificate);
  times_[certificate] = when;
  order_.emplace(when, certificate);
}

void Agenda::remove(const std::string& certificate) {
  const auto found = times_.find(certificate);
  if (found == times_.end()) return;
  order_.erase({found->second, certificate});
  times_.erase(found);
}

void Agenda::clear() {
  order_.clear();
  times_.clear();
}

std::optional<TimePoint> Agenda::next() const {
  return order_.empty() ? std::nullopt : std::optional(order_.begin()->first);
}

std::optional<std::string> Agenda::take_due(TimePoint now) {
  if (order_.empty() || order_.begin()->first > now) return std::nullopt;
  std::string certificate = order_.begin()->second;
  remove(certificate);
  return certificate;
}

std::optional<TimePoint> Agenda::when(const std::string& certificate) const {
  const auto found = times_.find(certificate);
  return found == times_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::pair<TimePoint, std::string>> Agenda::first() const {
  return order_.empty() ? std::nullopt : std::optional(*order_.begin());
}

bool WaitingLines::stand(const std::string& certificate, const std::string& bucket, std::optional<TimePoint> expires) {
  const TimePoint urgency = expires.value_or(TimePoint::min());
  const auto known = places_.find(certificate);
  const bool stays = known != places_.end() && known->second.bucket == bucket && known->second.expires == urgency;
  if (!stays) {
    leave(certificate);
    lines_[bucket].emplace(urgency, certificate);
    places_[certificate] = {bucket, urgency};
  }
  return lines_[bucket].begin()->second == certificate;
}

std::optional<std::string> WaitingLines::leave(const std::string& certificate) {
  const auto place = places_.find(certificate);
  if (place == places_.end()) return std::nullopt;
  const auto line = lines_.find(place->second.bucket);
  const bool first = line->second.begin()->second == certificate;
  line->second.erase({place->second.expires, certificate});
  places_.erase(place);
  if (line->second.empty()) {
    lines_.erase(line);
    return std::nullopt;
  }
  return first ? std::optional(line->second.begin()->second) : std::nullopt;
}

void WaitingLines::clear() {
  lines_.clear();
  places_.clear();
}

}  // namespace certherd::service
