#include <certherd/os/log.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/os/public_suffix.hpp>
#include <certherd/service/ledger.hpp>

#include <algorithm>

#include "now.hpp"
#include "trouble.hpp"

namespace certherd::service {
namespace {

bool counts_registered_domains(const std::vector<RateLimit>& limits) {
  return std::any_of(limits.begin(), limits.end(),
                     [](const RateLimit& limit) { return limit.kind == RateLimit::Kind::registered_domain; });
}

renewal::Order order_for(const Ca& ca, const Certificate& certificate, bool renewal) {
  renewal::Order order;
  order.ca = ca.id;
  order.acme_account = ca.id;  // one for each CA
  order.domains = certificate.domains;
  order.renewal = renewal;
  if (!counts_registered_domains(ca.rate_limits)) return order;
  for (const auto& domain : certificate.domains) order.registered_domains.push_back(os::registered_domain(domain));
  std::sort(order.registered_domains.begin(), order.registered_domains.end());
  order.registered_domains.erase(std::unique(order.registered_domains.begin(), order.registered_domains.end()),
                                 order.registered_domains.end());
  return order;
}

/// How long a CA that names no time is left alone.
constexpr Seconds unknown_refusal{3600};

/// After these it is not known whether the CA issued.
bool left_no_certificate(FailureClass failure_class) {
  switch (failure_class) {
    case FailureClass::certbot_crash:
    case FailureClass::certbot_timeout:
    case FailureClass::interrupted:
    case FailureClass::bad_output:
    case FailureClass::publish_failed:
      return false;
    default:
      return true;
  }
}

/// Failures of which the CA says that its validation failed.
bool failed_validation(FailureClass failure_class) {
  switch (failure_class) {
    case FailureClass::txt_missing:
    case FailureClass::txt_wrong:
    case FailureClass::dns_error:
    case FailureClass::caa_refused:
      return true;
    default:
      return false;
  }
}

}  // namespace

Ledger::Ledger(journal::Journal& journal, boost::asio::thread_pool& pool)
    : journal_(journal), pool_(pool), budgets_(journal.buckets()) {}

std::optional<renewal::Budgets::Wait> Ledger::wait(const Settings& settings, const Certificate& certificate,
                                                   bool renewal, TimePoint now) {
  const Ca& ca = settings.cas.at(certificate.ca);
  return budgets_.wait(order_for(ca, certificate, renewal), ca.rate_limits, now);
}

boost::asio::awaitable<void> Ledger::take(const Settings& settings, const Certificate& certificate, bool renewal) {
  const Ca& ca = settings.cas.at(certificate.ca);
  auto changed = budgets_.take(order_for(ca, certificate, renewal), ca.rate_limits, now());
  co_await save(std::move(changed));
}

boost::asio::awaitable<void> Ledger::learn(const Settings& settings, const Certificate& certificate, bool renewal,
                                           const Failure& failure) {
  const Ca& ca = settings.cas.at(certificate.ca);
  const auto order = order_for(ca, certificate, renewal);
  const auto at = now();
  std::vector<Bucket> changed;
  if (left_no_certificate(failure.failure_class)) changed = budgets_.give_back(order, ca.rate_limits, at);
  const auto add = [&](std::vector<Bucket> more) { changed.insert(changed.end(), more.begin(), more.end()); };
  if (failure.failure_class == FailureClass::rate_limited) {
    const auto limit = renewal::limit_named(failure.problem_detail);
    add(budgets_.rate_limited(order, limit, at + failure.retry_after.value_or(unknown_refusal), at));
  } else if (failed_validation(failure.failure_class)) {
    const auto names = failure.problem_domain.empty() ? certificate.domains : std::vector{failure.problem_domain};
    add(budgets_.failed_validation(ca.id, ca.id, names, ca.rate_limits, at));
  }
  co_await save(std::move(changed));
}

boost::asio::awaitable<void> Ledger::clock_stepped(Milliseconds by) {
  // In memory they have moved, whatever becomes of the record.
  auto work = [this, moved = budgets_.clock_stepped(by)] { return trouble_of([&] { journal_.save_buckets(moved); }); };
  const auto trouble = co_await os::offload(pool_, std::move(work));
  if (!trouble.empty()) os::log(os::LogLevel::error, "the rate limits are not in the journal: " + trouble);
}

boost::asio::awaitable<void> Ledger::tidy(const Settings& settings) {
  auto forgotten = budgets_.forget_full(settings.cas, now());
  if (forgotten.empty()) co_return;
  auto work = [this, forgotten = std::move(forgotten)] {
    return trouble_of([&] { journal_.remove_buckets(forgotten); });
  };
  const auto trouble = co_await os::offload(pool_, std::move(work));
  if (!trouble.empty()) os::log(os::LogLevel::error, "spent rate limits stay in the journal: " + trouble);
}

boost::asio::awaitable<void> Ledger::save(std::vector<Bucket> changed) {
  if (changed.empty()) co_return;
  auto work = [this, changed = std::move(changed)] { journal_.save_buckets(changed); };
  co_await os::offload(pool_, std::move(work));
}

}  // namespace certherd::service
