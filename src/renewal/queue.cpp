#include <certherd/renewal/queue.hpp>

#include <algorithm>
#include <string_view>

namespace certherd::renewal {
namespace {

constexpr std::string_view challenge_label = "_acme-challenge.";

/// The domain of a challenge name, and the domains above it down to two labels: "a.b.c" -> "a.b.c", "b.c".
std::vector<std::string> domain_and_above(std::string_view challenge_name) {
  if (challenge_name.starts_with(challenge_label)) challenge_name.remove_prefix(challenge_label.size());
  std::vector<std::string> domains{std::string(challenge_name)};
  for (auto dot = challenge_name.find('.'); dot != std::string_view::npos; dot = challenge_name.find('.')) {
    challenge_name.remove_prefix(dot + 1);
    if (challenge_name.find('.') == std::string_view::npos) break;
    domains.emplace_back(challenge_name);
  }
  return domains;
}

int count_in(const std::unordered_map<std::string, int>& counts, const std::string& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

bool reached(const std::map<std::string, int>& limits, const std::unordered_map<std::string, int>& counts,
             const std::string& key) {
  const auto limit = limits.find(key);
  return limit != limits.end() && count_in(counts, key) >= limit->second;
}

void count_down(std::unordered_map<std::string, int>& counts, const std::string& key) {
  if (const auto found = counts.find(key); found != counts.end() && --found->second == 0) counts.erase(found);
}

}  // namespace

int default_max_parallel(unsigned cores, std::uint64_t memory_bytes, RunCost cost) {
  constexpr Milliseconds busy{16'000};
  const auto by_cores = static_cast<std::uint64_t>(busy / cost.cpu) * std::max(cores, 1U);
  const std::uint64_t most = cost.cpu > cost_of_a_fork ? 64 : 200;
  return static_cast<int>(std::clamp<std::uint64_t>(std::min(by_cores, memory_bytes / 2 / cost.memory_bytes), 2, most));
}

Ramp default_ramp(unsigned cores, RunCost cost) {
  const int count = static_cast<int>(std::clamp(cores, 1U, 64U));
  return {2 * count, cost.cpu / (2 * count)};
}

Queue::Key Queue::key_of(const Waiting& waiting) {
  return {waiting.manual ? 0 : 1, waiting.expires.value_or(TimePoint::min()), waiting.order, waiting.certificate};
}

bool Queue::account_full(const std::string& account) const {
  return reached(limits_.per_account, running_of_account_, account);
}

bool Queue::ca_full(const std::string& ca) const {
  return reached(limits_.per_ca, running_of_ca_, ca);
}

void Queue::set_limits(Limits limits, Ramp ramp) {
  limits_ = std::move(limits);
  ramp_ = ramp;
  const auto held = std::exchange(full_accounts_, {});
  for (const auto& [account, ids] : held)
    for (const auto& id : ids) link(id);
}

void Queue::unlink(const GroupId& id) {
  const auto group = groups_.find(id);
  if (group == groups_.end() || group->second.empty()) return;
  heads_[id.first].erase({*group->second.begin(), id});
}

void Queue::link(const GroupId& id) {
  const auto group = groups_.find(id);
  if (group == groups_.end()) return;
  if (group->second.empty()) {
    groups_.erase(group);
    return;
  }
  if (const auto full = full_accounts_.find(id.second); full != full_accounts_.end() && full->second.contains(id))
    return;
  heads_[id.first].insert({*group->second.begin(), id});
}

void Queue::enter(const Waiting& waiting) {
  const GroupId id = group_of(waiting);
  unlink(id);
  groups_[id].insert(key_of(waiting));
  link(id);
}

void Queue::leave(const Waiting& waiting) {
  if (const auto at = parked_at_.find(waiting.certificate); at != parked_at_.end()) {
    parked_[at->second].erase(waiting.certificate);
    parked_at_.erase(at);
    return;
  }
  const GroupId id = group_of(waiting);
  unlink(id);
  if (const auto group = groups_.find(id); group != groups_.end()) group->second.erase(key_of(waiting));
  link(id);
}

void Queue::add(Waiting waiting) {
  remove(waiting.certificate);
  enter(waiting);
  std::string name = waiting.certificate;
  waiting_.emplace(std::move(name), std::move(waiting));
}

void Queue::remove(const std::string& certificate) {
  const auto found = waiting_.find(certificate);
  if (found == waiting_.end()) return;
  leave(found->second);
  waiting_.erase(found);
}

std::optional<std::string> Queue::holder(const Waiting& waiting) const {
  if (running_.contains(waiting.certificate)) return waiting.certificate;
  for (const auto& name : waiting.challenge_names) {
    if (const auto used = names_.find(name); used != names_.end()) return used->second;
    if (!waiting.single_txt) continue;
    const auto domains = domain_and_above(name);
    // Somebody uses this domain or one below it, or somebody uses one above it.
    if (const auto below = single_below_.find(domains.front()); below != single_below_.end())
      return *below->second.begin();
    for (const auto& domain : domains) {
      const auto used = names_.find(std::string(challenge_label) + domain);
      if (used != names_.end() && running_.at(used->second).single_txt) return used->second;
    }
  }
  return std::nullopt;
}

void Queue::claim(const Waiting& waiting) {
  for (const auto& name : waiting.challenge_names) {
    names_.emplace(name, waiting.certificate);
    if (waiting.single_txt)
      for (const auto& domain : domain_and_above(name)) single_below_[domain].insert(waiting.certificate);
  }
}

void Queue::release(const Waiting& waiting) {
  for (const auto& name : waiting.challenge_names) {
    if (const auto used = names_.find(name); used != names_.end() && used->second == waiting.certificate)
      names_.erase(used);
    if (!waiting.single_txt) continue;
    for (const auto& domain : domain_and_above(name)) {
      const auto users = single_below_.find(domain);
      if (users == single_below_.end()) continue;
      users->second.erase(waiting.certificate);
      if (users->second.empty()) single_below_.erase(users);
    }
  }
}

/// The first at a CA that can start. What cannot is set aside until what holds it has finished, so each is looked at
/// once for each reason.
std::optional<Queue::Key> Queue::head(const std::string& ca) {
  auto& heads = heads_[ca];
  while (!heads.empty()) {
    const auto [key, id] = *heads.begin();
    if (account_full(id.second)) {
      heads.erase(heads.begin());
      full_accounts_[id.second].insert(id);
      continue;
    }
    const Waiting& waiting = waiting_.at(std::get<3>(key));
    const auto in_the_way = holder(waiting);
    if (!in_the_way) return key;
    leave(waiting);
    parked_[*in_the_way].insert(waiting.certificate);
    parked_at_[waiting.certificate] = *in_the_way;
  }
  return std::nullopt;
}

std::optional<Queue::Key> Queue::best() {
  std::optional<Key> best;
  for (const auto& [ca, unused] : heads_) {
    if (ca_full(ca)) continue;
    const auto key = head(ca);
    if (key && (!best || *key < *best)) best = key;
  }
  return best;
}

TimePoint Queue::ramp_free_at(TimePoint now) const {
  if (!last_start_ || *last_start_ > now || ramp_.interval.count() <= 0) return now;
  const double used = burst_used_ - std::chrono::duration<double>(now - *last_start_) / ramp_.interval;
  if (used + 1 <= ramp_.burst + 1e-9) return now;
  const auto wait = (used + 1 - ramp_.burst) * std::chrono::duration<double, std::milli>(ramp_.interval);
  return now + std::chrono::ceil<Milliseconds>(wait);
}

std::optional<std::string> Queue::next(TimePoint now) {
  if (static_cast<int>(running_.size()) >= limits_.total || ramp_free_at(now) > now) return std::nullopt;
  const auto key = best();
  return key ? std::optional(std::get<3>(*key)) : std::nullopt;
}

std::optional<TimePoint> Queue::wake_at(TimePoint now) {
  if (static_cast<int>(running_.size()) >= limits_.total || !best()) return std::nullopt;
  return ramp_free_at(now);
}

void Queue::started(const std::string& certificate, TimePoint now) {
  const auto found = waiting_.find(certificate);
  if (found == waiting_.end()) return;
  Waiting waiting = std::move(found->second);
  leave(waiting);
  waiting_.erase(found);
  claim(waiting);
  ++running_of_account_[waiting.account];
  ++running_of_ca_[waiting.ca];
  running_.emplace(certificate, std::move(waiting));

  if (last_start_ && *last_start_ <= now && ramp_.interval.count() > 0)
    burst_used_ = std::max(0.0, burst_used_ - std::chrono::duration<double>(now - *last_start_) / ramp_.interval);
  else
    burst_used_ = 0;
  burst_used_ += 1;
  last_start_ = now;
}

void Queue::finished(const std::string& certificate) {
  const auto found = running_.find(certificate);
  if (found == running_.end()) return;
  const Waiting done = std::move(found->second);
  running_.erase(found);
  release(done);
  count_down(running_of_account_, done.account);
  count_down(running_of_ca_, done.ca);
  if (const auto full = full_accounts_.extract(done.account); !full.empty())
    for (const auto& id : full.mapped()) link(id);
  if (const auto parked = parked_.extract(certificate); !parked.empty())
    for (const auto& name : parked.mapped()) {
      parked_at_.erase(name);
      enter(waiting_.at(name));
    }
}

std::string Queue::why(const std::string& certificate, TimePoint now) const {
  const auto found = waiting_.find(certificate);
  if (found == waiting_.end()) return {};
  const Waiting& waiting = found->second;
  if (const auto in_the_way = holder(waiting))
    return *in_the_way == certificate ? "a Run of it is running"
                                      : "a Run of " + *in_the_way + " uses the same challenge name";
  if (account_full(waiting.account))
    return "account " + waiting.account + " has as many Runs as its max_parallel allows";
  if (ca_full(waiting.ca)) return "CA " + waiting.ca + " has as many Runs as its max_parallel allows";
  if (static_cast<int>(running_.size()) >= limits_.total)
    return std::to_string(running_.size()) + " Runs are running, as many as max_parallel allows";
  if (ramp_free_at(now) > now) return "Runs are started one after the other";
  return {};
}

}  // namespace certherd::renewal
