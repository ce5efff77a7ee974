#include <certherd/base/text.hpp>
#include <certherd/certbot/expected_txt.hpp>
#include <certherd/dns/watcher.hpp>
#include <certherd/os/log.hpp>
#include <certherd/service/propagation_watch.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>

namespace certherd::service {
namespace {

namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

/// What has to appear where: nothing at all when one of the names or servers is not known.
std::vector<dns::WatchedName> watched_names(const std::vector<DomainFacts>& domains,
                                            const std::map<std::string, std::vector<std::string>>& expected) {
  std::vector<dns::WatchedName> names;
  for (const auto& [name, values] : expected) {
    const auto facts = std::find_if(domains.begin(), domains.end(),
                                    [&name = name](const DomainFacts& known) { return known.challenge_name == name; });
    if (facts == domains.end() || !facts->zone || facts->zone->servers.empty()) return {};
    // Two names may lead to one place.
    const auto same = std::find_if(names.begin(), names.end(),
                                   [&](const dns::WatchedName& known) { return known.name == facts->final_name; });
    if (same == names.end())
      names.push_back({facts->final_name, values, facts->zone->servers});
    else
      same->values.insert(same->values.end(), values.begin(), values.end());
  }
  return names;
}

}  // namespace

struct PropagationWatch::State {
  State(asio::any_io_executor ex, asio::thread_pool& threads, Plan wanted)
      : executor(std::move(ex)), pool(threads), plan(std::move(wanted)), margin(executor), ended(executor) {}

  asio::any_io_executor executor;
  asio::thread_pool& pool;
  Plan plan;
  std::unique_ptr<dns::Watcher> watcher;
  asio::steady_timer margin;
  asio::steady_timer ended;  ///< cancelled when nothing is under way any more
  Steady::time_point begun;
  bool under_way = false;
  bool stopped = false;
  std::optional<Milliseconds> wait_ended;
};

PropagationWatch::PropagationWatch(asio::any_io_executor executor, asio::thread_pool& pool, Plan plan)
    : state_(std::make_shared<State>(std::move(executor), pool, std::move(plan))) {}

PropagationWatch::~PropagationWatch() {
  state_->stopped = true;
  if (state_->watcher) state_->watcher->stop_soon();
}

void PropagationWatch::begin(const certbot::LogFacts& facts) {
  State& state = *state_;
  if (state.watcher || state.stopped || state.plan.thumbprint.empty()) return;
  const auto expected = certbot::expected_txt(facts.authorizations, state.plan.thumbprint);
  auto names = watched_names(state.plan.domains, expected);
  if (names.empty()) return;
  state.begun = Steady::now();
  dns::WatchOptions options;
  options.begun = state.begun;
  state.watcher = std::make_unique<dns::Watcher>(state.executor, state.pool, std::move(names), options);
  state.under_way = true;
  state.ended.expires_at(Steady::time_point::max());
  asio::co_spawn(state.executor, watch(state_), [state = state_](std::exception_ptr) {
    state->under_way = false;
    state->ended.cancel();
  });
}

asio::awaitable<void> PropagationWatch::watch(std::shared_ptr<State> state) {
  constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
  const bool all = co_await state->watcher->run();
  if (!all || state->stopped || !state->plan.end_wait) co_return;
  state->margin.expires_at(std::max(Steady::now() + state->plan.margin, state->begun + state->plan.not_before));
  co_await state->margin.async_wait(quietly);
  if (state->stopped || !state->plan.end_wait()) co_return;
  state->wait_ended = std::chrono::duration_cast<Milliseconds>(Steady::now() - state->begun);
}

void PropagationWatch::stop() {
  state_->stopped = true;
  state_->margin.cancel();
  if (state_->watcher) state_->watcher->stop();
}

asio::awaitable<void> PropagationWatch::finish() {
  constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
  stop();
  const auto state = state_;
  if (state->under_way) co_await state->ended.async_wait(quietly);
}

std::vector<ServerVisibility> PropagationWatch::visibility() const {
  return state_->watcher ? state_->watcher->visibility() : std::vector<ServerVisibility>();
}

std::optional<Milliseconds> PropagationWatch::wait_ended() const {
  return state_->wait_ended;
}

void name_laggards(Failure& failure, const std::vector<ServerVisibility>& visibility, Seconds waited) {
  using enum FailureClass;
  if (failure.failure_class != txt_missing && failure.failure_class != txt_wrong && failure.failure_class != dns_error)
    return;
  std::vector<std::string> laggards;
  for (const auto& server : visibility)
    if (!server.visible_after)
      laggards.push_back(server.server + " (" + server.address + (server.error.empty() ? "" : ", " + server.error) +
                         ")");
  if (laggards.empty()) return;
  const std::string fix = failure.fix.empty() ? std::string(traits(failure.failure_class).fix) : failure.fix;
  failure.fix = "within the " + std::to_string(waited.count()) + " s of the wait the TXT records did not appear on " +
                join(laggards, ", ") + ": " + fix;
}

}  // namespace certherd::service
