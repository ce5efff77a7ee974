#pragma once

#include "story.hpp"

#include <certherd/model/zones.hpp>
#include <certherd/renewal/budget.hpp>
#include <certherd/renewal/clock.hpp>
#include <certherd/renewal/due.hpp>
#include <certherd/renewal/queue.hpp>
#include <certherd/renewal/retry.hpp>
#include <certherd/renewal/run_machine.hpp>
#include <certherd/renewal/window.hpp>

#include <deque>
#include <map>
#include <random>
#include <set>
#include <unordered_map>

namespace certherd::test {

/// certherd's pure parts put together as the service does it, against a CA, a clock and a DNS that are made of numbers.
/// The scheduler looks at the wall clock once a minute.
class Fleet {
public:
  static constexpr std::chrono::days day{1};
  static constexpr int most_parallel = 32;

  explicit Fleet(Story story) : story_(std::move(story)) {
    for (int i = 0; i < story_.certificates; ++i) make(i);
  }

  Happened run() {
    watch_.observe(wall(), true_now_ - begin_);
    const TimePoint end = begin_ + story_.length;
    for (next_minute_ = true_now_; true_now_ < end;) {
      TimePoint next = next_minute_;
      if (!ends_.empty()) next = std::min(next, ends_.begin()->first);
      if (wake_) next = std::min(next, *wake_);
      true_now_ = std::max(next, true_now_);
      suspend();
      while (!ends_.empty() && ends_.begin()->first <= true_now_) attempt_ended();
      if (true_now_ >= next_minute_) minute();
      start();
    }
    for (const auto& entry : entries_) happened_.missing += !entry.facts || entry.facts->not_after <= true_now_;
    return std::move(happened_);
  }

private:
  struct Entry {
    Certificate wanted;
    std::optional<CertificateFacts> facts;
    CertificateState state;
    TimePoint look;  ///< by the wall clock; meaningless while it runs or waits in the queue
    std::chrono::hours lifetime{};
    bool ari = false;
    int issued = 0;
    std::set<std::vector<std::string>> issued_sets;
    std::optional<TimePoint> to_be_replaced;
    std::vector<std::string> names;
    std::optional<renewal::RunMachine> machine;
    renewal::Order order;
  };

  TimePoint wall() const {
    TimePoint wall = true_now_;
    for (const auto& [at, length, step] : story_.clock_steps)
      if (true_now_ >= begin_ + at && true_now_ < begin_ + at + length) wall += step;
    return wall;
  }

  double random01() { return std::uniform_real_distribution<>(0, 1)(random_); }

  void make(int i) {
    static constexpr std::chrono::hours lifetimes[] = {std::chrono::hours(160), 45 * day, 90 * day};
    Entry& entry = entries_.emplace_back();
    entry.wanted.name = "c" + std::to_string(i);
    // Twenty to a registered domain; every tenth pair is an apex and its wildcard, which share a challenge name.
    const std::string domain = "d" + std::to_string(i / 20) + ".example";
    const std::string host = (i % 10 == 1 ? "*.c" + std::to_string(i - 1) : entry.wanted.name) + "." + domain;
    entry.wanted.domains = {host};
    entry.wanted.account = "account" + std::to_string(i / 100);
    entry.wanted.ca = "le";
    entry.lifetime = lifetimes[i % 3];
    entry.ari = story_.ari && i % 2 == 0;
    entry.state.certificate = entry.wanted.name;
    index_[entry.wanted.name] = i;
    if (!story_.missing_at_start) {
      const double share = (i % 3 == 0 ? 0.5 : 2.0 / 3) - 0.02;  // nobody is overdue at the start
      const auto age = Seconds(static_cast<long long>(random01() * share * Seconds(entry.lifetime).count()));
      issue(entry, begin_ - age);
    }
    look_at(entry, begin_);
  }

  void issue(Entry& entry, TimePoint at) {
    CertificateFacts facts;
    facts.domains = entry.wanted.domains;
    facts.serial = entry.wanted.name + "-" + std::to_string(++entry.issued);
    facts.key = "ecdsa secp256r1";
    if (entry.ari) facts.ari_id = "aki." + facts.serial;
    facts.not_before = at;
    facts.not_after = at + entry.lifetime;
    entry.facts = facts;
    entry.issued_sets.insert(facts.domains);
    entry.to_be_replaced.reset();
  }

  void look_at(Entry& entry, TimePoint when) {
    looks_.erase({entry.look, entry.wanted.name});
    entry.look = when;
    looks_.insert({when, entry.wanted.name});
  }

  // ---- the service ---------------------------------------------------------------------------------------------

  void minute() {
    next_minute_ = true_now_ + std::chrono::minutes(1);
    world();
    const bool was_held = watch_.held();
    watch_.observe(wall(), true_now_ - begin_);
    if (watch_.held()) watch_.confirm(true_now_, wall());
    if (watch_.held()) return;
    // What was planned with a clock that was wrong is planned again.
    if (was_held)
      for (const auto& entry : std::set(looks_)) look_at(entries_[index_.at(entry.second)], wall());
    advance_lines();
    while (!looks_.empty() && looks_.begin()->first <= wall()) look(entries_[index_.at(looks_.begin()->second)]);
  }

  renewal::Decision decide(const Entry& entry) const {
    return renewal::decide({entry.wanted, entry.facts, entry.facts, "", {}, wall(), false, &entry.state});
  }

  void look(Entry& entry) {
    looks_.erase({entry.look, entry.wanted.name});
    if (entry.facts && renewal::ari_check_due(*entry.facts, &entry.state, wall()) && !outage()) fetch_window(entry);
    const auto decision = decide(entry);
    if (decision.action == renewal::Decision::Action::nothing || decision.held_until) {
      TimePoint next = decision.look_again;
      if (entry.facts && entry.state.window && entry.ari) next = std::min(next, entry.state.window->next_check);
      return look_at(entry, std::max(next, wall() + Seconds(1)));
    }
    entry.order = order_of(entry);
    if (const auto wait = budgets_.wait(entry.order, limits(), wall())) {
      lines_[wait->bucket].push_back(entry.wanted.name);
      return;
    }
    enqueue(entry);
  }

  /// Of those who wait for the same bucket, the first is asked, and the next when that one has gone.
  void advance_lines() {
    for (auto& [bucket, names] : std::exchange(lines_, {})) {
      while (!names.empty()) {
        Entry& entry = entries_[index_.at(names.front())];
        if (budgets_.wait(entry.order, limits(), wall())) break;
        names.pop_front();
        enqueue(entry);
        start();
        if (queue_.waits(entry.wanted.name)) break;  // for the ramp or a place
      }
      auto& line = lines_[bucket];
      line.insert(line.begin(), names.begin(), names.end());
      if (line.empty()) lines_.erase(bucket);
    }
  }

  void enqueue(Entry& entry) {
    renewal::Waiting waiting{entry.wanted.name, {}, entry.wanted.account, "le", false, false, {}, ++arrivals_};
    for (const auto& domain : entry.wanted.domains) waiting.challenge_names.push_back(challenge_name(domain));
    entry.names = waiting.challenge_names;
    if (entry.facts) waiting.expires = entry.facts->not_after;
    queue_.add(std::move(waiting));
  }

  renewal::Order order_of(const Entry& entry) const {
    const std::string& first = entry.wanted.domains.front();
    return {"le",
            "acme",
            entry.wanted.domains,
            {first.substr(first.find(".d") + 1)},
            entry.issued_sets.contains(entry.wanted.domains)};
  }

  void start() {
    wake_.reset();
    if (watch_.held()) return;
    while (const auto name = queue_.next(wall())) {
      Entry& entry = entries_[index_.at(*name)];
      if (const auto wait = budgets_.wait(entry.order, limits(), wall())) {
        queue_.remove(*name);
        lines_[wait->bucket].push_front(*name);
        continue;
      }
      queue_.started(*name, wall());
      note_start(entry);
      entry.machine.emplace(renewal::Decision::Action::issue, true);
      entry.machine->succeeded();
      attempt(entry);
    }
    if (const auto wake = queue_.wake_at(wall()); wake && queue_.waiting() > 0) wake_ = true_now_ + (*wake - wall());
  }

  void attempt(Entry& entry) {
    budgets_.take(entry.order, limits(), wall());
    const TimePoint ordered = true_now_ + Seconds(static_cast<int>(random01() * 20));
    if (!entry.order.renewal) happened_.counted["new_orders acme"].push_back(ordered);
    ends_.insert({ordered + Seconds(20 + static_cast<int>(random01() * random01() * 600)), entry.wanted.name});
  }

  void attempt_ended() {
    Entry& entry = entries_[index_.at(ends_.begin()->second)];
    ends_.erase(ends_.begin());
    auto& machine = *entry.machine;
    if (const auto failure = attempt_failure(entry)) {
      ++happened_.failures;
      budgets_.give_back(entry.order, limits(), wall());
      machine.failed(failure->failure_class, failure->retry_after);
      if (machine.step() == renewal::Step::attempt) {
        if (!budgets_.wait(entry.order, limits(), wall())) return attempt(entry);
        machine.give_up();
      }
      entry.state = renewal::after_failure(entry.state, *failure, "", wall(), random01());
    } else {
      note_published(entry);
      const auto replaced = entry.facts;
      issue(entry, true_now_);
      entry.state = renewal::after_success(entry.state, replaced, wall());
    }
    entry.machine.reset();
    queue_.finished(entry.wanted.name);
    for (const auto& name : entry.names) in_use_.erase(name);
    look_at(entry, wall());
  }

  // ---- the world -----------------------------------------------------------------------------------------------

  static const std::vector<RateLimit>& limits() {
    using Kind = RateLimit::Kind;
    static const std::vector<RateLimit> all{{Kind::new_orders, 300, std::chrono::hours(3)},
                                            {Kind::registered_domain, 50, 7 * day},
                                            {Kind::exact_set, 5, 7 * day},
                                            {Kind::failed_validations, 5, std::chrono::hours(1)}};
    return all;
  }

  bool outage() const {
    for (const auto& [at, length, step] : story_.outages)
      if (true_now_ >= begin_ + at && true_now_ < begin_ + at + length) return true;
    return false;
  }

  std::optional<Failure> attempt_failure(const Entry& entry) {
    Failure failure;
    if (outage()) {
      failure.failure_class = FailureClass::ca_unavailable;
    } else if (random01() < story_.transient) {
      failure.failure_class = FailureClass::bad_nonce;
    } else if (random01() < story_.bad_validation) {
      failure.failure_class = random01() < 0.5 ? FailureClass::dns_error : FailureClass::txt_missing;
      budgets_.failed_validation("le", "acme", entry.wanted.domains, limits(), wall());
      for (const auto& domain : entry.wanted.domains)
        happened_.counted["failed_validations " + challenge_name(domain)].push_back(true_now_);
    } else {
      return std::nullopt;
    }
    return failure;
  }

  /// As Let's Encrypt does it: a narrow window about the time that the rule would give, asked for every six hours.
  void fetch_window(Entry& entry) {
    const CertificateFacts& facts = *entry.facts;
    const TimePoint middle = facts.not_before + (facts.not_after - facts.not_before) / 100 *
                                                    (entry.lifetime < std::chrono::hours(240) ? 50 : 66);
    RenewalWindow window{facts.ari_id, middle - entry.lifetime / 50, middle + entry.lifetime / 50, "", {}, wall(), {}};
    if (entry.to_be_replaced) {
      window.start = true_now_ - 2 * day;
      window.end = true_now_ - 1 * day;
    }
    const auto& known = entry.state.window;
    const bool same = known && known->ari_id == window.ari_id && known->start == window.start;
    window.moment = same ? known->moment : renewal::choose_moment(window.start, window.end, random01());
    window.next_check = renewal::next_ari_check(facts, window, wall(), Seconds(21600));
    entry.state.window = window;
  }

  /// Once a minute: what people and the CA do.
  void world() {
    const auto passed = true_now_ - begin_;
    if (story_.revocation && passed >= *story_.revocation && !revoked_) {
      revoked_ = true;
      for (std::size_t i = 0; i < entries_.size(); i += 50) entries_[i].to_be_replaced = true_now_;
    }
    for (; changes_ < story_.changes_a_day * (passed / day); ++changes_) {
      Entry& entry = entries_[random_() % entries_.size()];
      if (!looks_.contains({entry.look, entry.wanted.name}) || entry.wanted.domains.front().starts_with("*")) continue;
      entry.wanted.domains.resize(1);
      entry.wanted.domains.push_back("v" + std::to_string(changes_) + "." + entry.wanted.domains.front());
      look_at(entry, wall());
    }
  }

  /// Suspended: nothing goes on, and all clocks have advanced afterwards.
  void suspend() {
    for (auto& [at, length, step] : story_.suspends) {
      if (length.count() == 0 || true_now_ < begin_ + at) continue;
      true_now_ += length;
      next_minute_ = true_now_;
      std::set<std::pair<TimePoint, std::string>> later;
      for (const auto& [end, name] : ends_) later.insert({end + length, name});
      ends_ = std::move(later);
      length = Seconds(0);
    }
  }

  void note_start(Entry& entry) {
    happened_.starts.push_back(true_now_);
    happened_.most_running = std::max(happened_.most_running, queue_.running());
    for (const auto& name : entry.names) happened_.overlapping += !in_use_.insert(name).second;
    if (!entry.facts || entry.facts->domains != entry.wanted.domains || entry.state.failure_class) return;
    if (entry.to_be_replaced) return;
    const TimePoint due = std::max(decide(entry).renew_at, begin_);
    happened_.early += due > true_now_;
    happened_.late.push_back(std::chrono::floor<Seconds>(true_now_ - due));
  }

  void note_published(const Entry& entry) {
    ++happened_.published;
    happened_.expired += entry.facts && entry.facts->not_after <= true_now_;
    if (entry.to_be_replaced)
      happened_.revoked_for.push_back(std::chrono::floor<Seconds>(true_now_ - *entry.to_be_replaced));
    std::string set;
    for (const auto& domain : entry.wanted.domains) set += domain + ",";
    happened_.counted["exact_set " + set].push_back(true_now_);
    if (!entry.order.renewal)
      happened_.counted["registered_domain " + entry.order.registered_domains.front()].push_back(true_now_);
  }

  Story story_;
  TimePoint begin_ = *parse_utc("2026-11-23T12:00:00Z");
  TimePoint true_now_ = begin_;
  TimePoint next_minute_;
  std::optional<TimePoint> wake_;
  std::mt19937_64 random_{42};
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
  std::set<std::pair<TimePoint, std::string>> looks_;     ///< by the wall clock
  std::set<std::pair<TimePoint, std::string>> ends_;      ///< in true time
  std::map<std::string, std::deque<std::string>> lines_;  ///< who waits for a budget
  std::set<std::string> in_use_;
  renewal::Budgets budgets_{{}};
  renewal::Queue queue_{{most_parallel, {}, {}}, renewal::default_ramp(2)};
  renewal::ClockWatch watch_;
  std::uint64_t arrivals_ = 0;
  int changes_ = 0;
  bool revoked_ = false;
  Happened happened_;
};

}  // namespace certherd::test
