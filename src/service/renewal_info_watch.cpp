#include <certherd/ca/renewal_info.hpp>
#include <certherd/os/log.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/renewal/window.hpp>
#include <certherd/service/scheduler.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "now.hpp"
#include "random.hpp"

// The part of the Scheduler that talks to CAs: renewal windows, and their clocks.

namespace certherd::service {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::hours directory_life{24};
constexpr std::chrono::hours after_trouble{1};  ///< until a CA that did not answer is asked again
constexpr Seconds idle_look{20};

}  // namespace

/// One of several workers: takes what is due, so that one slow CA holds up a part only.
asio::awaitable<void> Scheduler::watch_renewal_info() {
  asio::steady_timer timer(executor_);
  while (!stop_.requested()) {
    // By a clock that nobody confirms every next check would be at a wrong time.
    if (const auto name = clock_.held() ? std::nullopt : renewal_info_.take_due(now())) {
      co_await check_renewal_info(*name);
      continue;
    }
    timer.expires_after(idle_look);
    co_await (timer.async_wait(asio::as_tuple(asio::use_awaitable)));
  }
}

asio::awaitable<void> Scheduler::check_renewal_info(std::string name) {
  const Entry* entry = supervisor_.roster().find(name);
  if (!entry || !entry->current || entry->current->facts.ari_id.empty()) co_return;
  renewal_info_.set(name, now() + after_trouble);  // nobody else asks meanwhile
  const CertificateFacts facts = entry->current->facts;
  // Only the CA that issued it knows it.
  const std::string issuer = entry->published_ca.empty() ? entry->certificate->ca : entry->published_ca;
  const auto& cas = supervisor_.roster().settings().cas;
  const auto found = cas.find(issuer);
  if (found == cas.end()) co_return;
  const Ca ca = found->second;
  const auto known = co_await supervisor_.directories().of(ca);
  if (!known || !known->urls.contains("renewalInfo")) {
    renewal_info_.set(name, now() + (known ? directory_life : after_trouble));
    co_return;
  }
  std::optional<Seconds> retry_after;  // also of a refusal
  auto fetch = [ca, url = known->urls.at("renewalInfo"), id = facts.ari_id, &retry_after] {
    return ca::fetch_renewal_info(ca, url, id, &retry_after);
  };
  const auto info = co_await os::offload(supervisor_.directories().pool(), std::move(fetch));
  Entry* at_hand = supervisor_.roster().find(name);
  if (!at_hand || !at_hand->current || at_hand->current->facts.ari_id != facts.ari_id) co_return;
  if (!info) {
    const auto again = renewal::next_ari_check(facts, at_hand->state.window, now(), retry_after);
    renewal_info_.set(name, again);
    os::log(os::LogLevel::info,
            name + ": no renewal information: " + info.fault().text() + " Asked again at " + format_utc(again));
    co_return;
  }
  auto& window = at_hand->state.window;
  const bool same =
      window && window->ari_id == facts.ari_id && window->start == info->start && window->end == info->end;
  RenewalWindow fresh;
  fresh.ari_id = facts.ari_id;
  fresh.start = info->start;
  fresh.end = info->end;
  fresh.explanation_url = info->explanation_url;
  // Chosen once for each window, and kept across restarts.
  fresh.moment = same ? window->moment : renewal::choose_moment(info->start, info->end, random01());
  fresh.fetched = now();
  fresh.next_check = renewal::next_ari_check(facts, fresh, now(), info->retry_after);
  window = fresh;
  renewal_info_.set(name, fresh.next_check);
  co_await save(at_hand->state);
  if (!same) {
    os::log(os::LogLevel::info, name + ": the CA suggests renewal between " + format_utc_minutes(fresh.start) +
                                    " and " + format_utc_minutes(fresh.end) + " UTC");
    agenda_.set(name, now());
    timer_.cancel();
  }
}

/// Any CA's clock will do: they all keep theirs.
asio::awaitable<void> Scheduler::confirm_clock() {
  confirming_ = true;
  std::vector<Ca> cas;
  for (const auto& certificate : supervisor_.roster().settings().certificates) {
    const Ca& ca = supervisor_.roster().settings().cas.at(certificate.ca);
    const bool seen = std::any_of(cas.begin(), cas.end(), [&](const Ca& other) { return other.id == ca.id; });
    if (!seen) cas.push_back(ca);
  }
  for (const auto& ca : cas) {
    auto fetch = [ca] { return ca::fetch_directory(ca); };
    const auto fetched = co_await os::offload(supervisor_.directories().pool(), std::move(fetch));
    if (!fetched || !fetched->date) continue;
    const auto step = clock_.step();
    if (clock_.confirm(*fetched->date, now())) {
      os::log(os::LogLevel::info, "the clock agrees with that of CA " + ca.id + ": scheduled runs go on");
      co_await supervisor_.ledger().clock_stepped(step);
      replan_all();
      break;
    }
    os::log(os::LogLevel::error, "the clock says " + format_utc(now()) + ", CA " + ca.id + " says " +
                                     format_utc(*fetched->date) + ": correct the clock; no scheduled run begins");
    break;
  }
  confirming_ = false;
}

}  // namespace certherd::service
