#include <certherd/service/scheduler.hpp>

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

}  // namespace certherd::service
