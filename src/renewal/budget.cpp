#include <certherd/base/text.hpp>
#include <certherd/renewal/budget.hpp>

#include <algorithm>
#include <cmath>
#include <set>

namespace certherd::renewal {
namespace {

using Kind = RateLimit::Kind;

/// The limit of a bucket that stands for a CA's refusal: nothing before `at`, which was noted `tokens` seconds before
/// it. The latter tells a refusal from one that a clock stepped back has moved into a far future.
const std::string refused = "refused";

/// How much later than we take a token the CA may count: the order when certbot has started, the certificate when the
/// DNS has propagated.
Seconds lag(Kind kind) {
  switch (kind) {
    case Kind::new_orders:
      return std::chrono::minutes(1);
    case Kind::registered_domain:
    case Kind::exact_set:
      return std::chrono::minutes(30);
    case Kind::failed_validations:
      break;  // counted after the CA has counted it
  }
  return Seconds(0);
}

/// A refusal is believed a little longer than it was to last: clocks are corrected by seconds.
constexpr std::chrono::minutes refusal_tolerance{1};

double refill_a_second(const RateLimit& limit) {
  return static_cast<double>(limit.amount) / static_cast<double>(limit.per.count());
}

double capacity(const RateLimit& limit) {
  const double amount = limit.amount;
  const double reserve = std::min(refill_a_second(limit) * static_cast<double>(lag(limit.kind).count()), amount / 100);
  return std::max(1.0, amount - reserve);
}

double seconds_between(TimePoint from, TimePoint to) {
  return std::chrono::duration<double>(to - from).count();
}

/// "*.x" and "x" are one identifier to the CA (RFC 8555 §7.1.3).
std::string identifier(const std::string& domain) {
  return domain.starts_with("*.") ? domain.substr(2) : domain;
}

std::string set_of_names(const std::vector<std::string>& domains) {
  const std::set<std::string> sorted(domains.begin(), domains.end());
  return join(std::vector<std::string>(sorted.begin(), sorted.end()), ",");
}

/// One count that an order costs.
struct Cost {
  RateLimit limit;
  std::string key;
  int count;
};

std::map<std::string, int> identifiers(std::span<const std::string> domains) {
  std::map<std::string, int> counts;
  for (const auto& domain : domains) ++counts[identifier(domain)];
  return counts;
}

std::vector<Cost> costs_of(const Order& order, const RateLimit& limit) {
  switch (limit.kind) {
    case Kind::new_orders:
      if (order.renewal) return {};
      return {{limit, order.acme_account, 1}};
    case Kind::exact_set:
      return {{limit, set_of_names(order.domains), 1}};
    case Kind::registered_domain: {
      if (order.renewal) return {};
      std::vector<Cost> costs;
      for (const auto& domain : std::set<std::string>(order.registered_domains.begin(), order.registered_domains.end()))
        costs.push_back({limit, domain, 1});
      return costs;
    }
    case Kind::failed_validations: {
      std::vector<Cost> costs;
      for (const auto& [name, count] : identifiers(order.domains))
        costs.push_back({limit, order.acme_account + " " + name, std::min(count, limit.amount)});
      return costs;
    }
  }
  return {};
}

std::string describe(const RateLimit& limit, const std::string& ca, const std::string& key) {
  std::string what;
  switch (limit.kind) {
    case Kind::new_orders:
      what = "new orders of this account";
      break;
    case Kind::registered_domain:
      what = "certificates for " + key;
      break;
    case Kind::exact_set:
      what = "certificates for exactly these names";
      break;
    case Kind::failed_validations:
      what = "failed validations of " + key.substr(key.rfind(' ') + 1);
      break;
  }
  return "the rate limit of " + ca + ": " + std::to_string(limit.amount) + " " + what + " in " +
         format_duration(limit.per) + " (" + std::string(to_string(limit.kind)) + ")";
}

void keep_longest(std::optional<Budgets::Wait>& longest, Budgets::Wait wait) {
  if (!longest || wait.until > longest->until) longest = std::move(wait);
}

/// The keys under which refusals are noted, by scope.
std::string refusal_of_account(const Order& order) {
  return "account " + order.acme_account;
}
std::string refusal_of_set(const Order& order) {
  return "set " + set_of_names(order.domains);
}

}  // namespace

Budgets::Budgets(std::vector<Bucket> buckets) {
  for (auto& bucket : buckets)
    if (std::isfinite(bucket.tokens))
      buckets_[{std::move(bucket.ca), std::move(bucket.limit), std::move(bucket.key)}] = {std::max(0.0, bucket.tokens),
                                                                                          bucket.at};
}

double Budgets::level(const Key& key, const RateLimit& limit, TimePoint now) {
  const auto found = buckets_.find(key);
  if (found == buckets_.end()) return capacity(limit);
  Level& bucket = found->second;
  if (bucket.at > now) bucket.at = now;
  return std::min(capacity(limit), bucket.tokens + seconds_between(bucket.at, now) * refill_a_second(limit));
}

Bucket Budgets::spend(const Key& key, const RateLimit& limit, int count, TimePoint now) {
  const Level left{std::clamp(level(key, limit, now) - count, 0.0, capacity(limit)), now};
  buckets_[key] = left;
  return {std::get<0>(key), std::get<1>(key), std::get<2>(key), left.tokens, left.at};
}

void Budgets::wait_for(std::optional<Wait>& longest, const Key& key, const RateLimit& limit, int count, TimePoint now) {
  const double missing = std::min<double>(count, capacity(limit)) - level(key, limit, now);
  // Below a millionth of a token it is the rounding of what a former wait has led to.
  if (missing <= 1e-6) return;
  const auto seconds = std::chrono::duration<double>(missing / refill_a_second(limit));
  // The next whole second, so that the tokens are there then.
  const auto& [ca, kind, name] = key;
  keep_longest(longest, {std::chrono::ceil<Seconds>(now + std::chrono::ceil<Milliseconds>(seconds)),
                         describe(limit, ca, name), ca + " " + kind + " " + name});
}

void Budgets::wait_for_refusals(std::optional<Wait>& longest, const Order& order, TimePoint now) {
  std::vector<std::string> keys{refusal_of_account(order), refusal_of_set(order)};
  if (!order.renewal) {
    keys.push_back("orders " + order.acme_account);
    for (const auto& domain : order.registered_domains) keys.push_back("domain " + domain);
  }
  for (const auto& key : keys) {
    const auto found = buckets_.find({order.ca, refused, key});
    if (found == buckets_.end()) continue;
    const double left = seconds_between(now, found->second.at);
    if (left <= 0 || left > found->second.tokens + Seconds(refusal_tolerance).count()) continue;
    keep_longest(longest, {found->second.at, order.ca + " refused an order because of its rate limit until then",
                           join(std::vector<std::string>{order.ca, refused, key}, " ")});
  }
}

std::optional<Budgets::Wait> Budgets::wait(const Order& order, std::span<const RateLimit> limits, TimePoint now) {
  std::optional<Wait> longest;
  for (const auto& limit : limits)
    for (const auto& cost : costs_of(order, limit))
      wait_for(longest, {order.ca, std::string(to_string(limit.kind)), cost.key}, limit, cost.count, now);
  wait_for_refusals(longest, order, now);
  return longest;
}

std::vector<Bucket> Budgets::take(const Order& order, std::span<const RateLimit> limits, TimePoint now) {
  std::vector<Bucket> changed;
  for (const auto& limit : limits) {
    if (limit.kind == Kind::failed_validations) continue;
    for (const auto& cost : costs_of(order, limit))
      changed.push_back(spend({order.ca, std::string(to_string(limit.kind)), cost.key}, limit, cost.count, now));
  }
  return changed;
}

std::vector<Bucket> Budgets::give_back(const Order& order, std::span<const RateLimit> limits, TimePoint now) {
  std::vector<Bucket> changed;
  for (const auto& limit : limits) {
    if (limit.kind != Kind::registered_domain && limit.kind != Kind::exact_set) continue;
    for (const auto& cost : costs_of(order, limit))
      changed.push_back(spend({order.ca, std::string(to_string(limit.kind)), cost.key}, limit, -cost.count, now));
  }
  return changed;
}

std::vector<Bucket> Budgets::failed_validation(const std::string& ca, const std::string& acme_account,
                                               std::span<const std::string> domains, std::span<const RateLimit> limits,
                                               TimePoint now) {
  std::vector<Bucket> changed;
  for (const auto& limit : limits) {
    if (limit.kind != Kind::failed_validations) continue;
    for (const auto& [name, count] : identifiers(domains))
      changed.push_back(
          spend({ca, std::string(to_string(limit.kind)), join(std::vector<std::string>{acme_account, name}, " ")},
                limit, count, now));
  }
  return changed;
}

std::vector<Bucket> Budgets::rate_limited(const Order& order, std::optional<Kind> limit, TimePoint until,
                                          TimePoint now) {
  std::vector<std::string> keys;
  if (!limit)
    keys = {refusal_of_account(order)};
  else if (*limit == Kind::new_orders)
    keys = {"orders " + order.acme_account};
  else if (*limit == Kind::registered_domain)
    for (const auto& domain : order.registered_domains) keys.push_back("domain " + domain);
  // Which of the names had too many failures is not told; this order's set is what must wait.
  if (keys.empty() || (limit && *limit != Kind::new_orders)) keys.push_back(refusal_of_set(order));
  std::vector<Bucket> changed;
  for (const auto& key : keys) {
    const Level level{std::max(0.0, seconds_between(now, until)), until};
    buckets_[{order.ca, refused, key}] = level;
    changed.push_back({order.ca, refused, key, level.tokens, level.at});
  }
  return changed;
}

std::vector<Bucket> Budgets::forget_full(const std::map<std::string, Ca>& cas, TimePoint now) {
  std::vector<Bucket> forgotten;
  for (auto bucket = buckets_.begin(); bucket != buckets_.end();) {
    const auto& [ca, kind, key] = bucket->first;
    bool over = kind == refused && bucket->second.at <= now;
    if (const auto found = cas.find(ca); found != cas.end())
      for (const auto& limit : found->second.rate_limits)
        if (to_string(limit.kind) == kind) over = level(bucket->first, limit, now) >= capacity(limit);
    if (over) forgotten.push_back({ca, kind, key, bucket->second.tokens, bucket->second.at});
    bucket = over ? buckets_.erase(bucket) : std::next(bucket);
  }
  return forgotten;
}

std::vector<Bucket> Budgets::clock_stepped(Milliseconds by) {
  for (auto& [key, level] : buckets_) level.at += by;
  return all();
}

std::vector<Bucket> Budgets::all() const {
  std::vector<Bucket> buckets;
  for (const auto& [key, level] : buckets_)
    buckets.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), level.tokens, level.at});
  return buckets;
}

std::optional<Kind> limit_named(std::string_view problem_detail) {
  const std::string words = to_lower(problem_detail);
  if (contains(words, "exact set of")) return Kind::exact_set;
  if (contains(words, "too many new orders")) return Kind::new_orders;
  if (contains(words, "too many failed authorizations")) return Kind::failed_validations;
  if (contains(words, "too many certificates")) return Kind::registered_domain;
  return std::nullopt;
}

}  // namespace certherd::renewal
