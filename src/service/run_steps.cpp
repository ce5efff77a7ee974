#include "run_steps.hpp"

#include <certherd/base/text.hpp>
#include <certherd/certbot/expected_txt.hpp>
#include <certherd/certbot/launch.hpp>
#include <certherd/certbot/lineage.hpp>
#include <certherd/os/file.hpp>
#include <certherd/os/log.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/os/value_source.hpp>
#include <certherd/providers/credentials.hpp>
#include <certherd/service/propagation_watch.hpp>
#include <certherd/store/current.hpp>
#include <certherd/store/publish.hpp>

#include <boost/asio/this_coro.hpp>

#include "certbot_call.hpp"
#include "now.hpp"

namespace certherd::service {
namespace fs = std::filesystem;
namespace {

/// A shorter wait for its turn is none.
constexpr Milliseconds shortest_queue{20};

/// A file that must not outlive the step that needs it.
class TemporaryFile {
public:
  explicit TemporaryFile(fs::path path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  const fs::path& path() const { return path_; }

private:
  fs::path path_;
};

Outcome outcome_of(FailureClass failure_class) {
  if (failure_class == FailureClass::interrupted) return Outcome::interrupted;
  return failure_class == FailureClass::preflight_blocked ? Outcome::blocked : Outcome::failed;
}

}  // namespace

RunSteps::RunSteps(Host host, Assignment assignment, Run run, RunObserver& observer)
    : host_(std::move(host)),
      certificate_(assignment.certificate),
      provider_(host_.configuration->providers.at(certificate_.provider)),
      ca_(host_.settings().cas.at(certificate_.ca)),
      decision_(std::move(assignment.decision)),
      state_(std::move(assignment.state)),
      renewal_(assignment.renewal),
      begun_(assignment.begun),
      yielded_(std::move(assignment.yielded)),
      run_(std::move(run)),
      observer_(observer) {}

void RunSteps::begin(Phase phase, TimePoint start) {
  end(start);
  phase_ = phase;
  phase_start_ = start;
  observer_.phase_started(run_, phase, start, std::nullopt);
}

void RunSteps::end(TimePoint end) {
  if (!phase_) return;
  const auto length = std::max(std::chrono::duration_cast<Milliseconds>(end - phase_start_), Milliseconds(0));
  run_.timeline.spans.push_back({*phase_, phase_start_, length, false});
  phase_.reset();
}

Failure RunSteps::own_failure(FailureClass failure_class, const Fault& fault) const {
  Failure failure;
  failure.failure_class = failure_class;
  failure.phase = phase_;
  failure.error = redactor_(fault.message);
  failure.fix = redactor_(fault.fix);
  return failure;
}

void RunSteps::fail(FailureClass failure_class, const Fault& fault) const {
  throw RunFailed{own_failure(failure_class, fault)};
}

boost::asio::awaitable<Finished> RunSteps::execute() {
  // Before anything is asked of the CA: a Run that cannot be noted is not begun.
  co_await os::offload(host_.pool, [this] { host_.state.journal->begin_run(run_); });
  observer_.run_started(run_);
  if (begun_ - run_.started > shortest_queue) begin(Phase::queue, run_.started);
  previous_ = store::current(host_.settings().paths, certificate_.name);
  renewal::RunMachine machine(decision_.action, account_registered());
  while (machine.step() < renewal::Step::hooks) {
    // A second Attempt is a second order.
    const bool again = machine.step() == renewal::Step::attempt && machine.second_try();
    if (again && host_.ledger.wait(host_.settings(), certificate_, renewal_, now())) {
      machine.give_up();
      continue;
    }
    run_.failure = co_await perform(machine.step());
    if (run_.failure)
      machine.failed(run_.failure->failure_class, run_.failure->retry_after);
    else
      machine.succeeded();
  }
  if (!run_.failure)
    run_.outcome = Outcome::deployed;
  else
    run_.outcome = outcome_of(run_.failure->failure_class);
  co_await settle();
  if (yielded_) yielded_();
  co_await run_hooks();
  end(now());
  run_.ended = now();
  co_await record_end();
  observer_.run_finished(run_);
  co_return Finished{std::move(run_), std::move(state_)};
}

/// Gives why the step failed.
boost::asio::awaitable<std::optional<Failure>> RunSteps::perform(renewal::Step step) {
  std::optional<Failure> failure;
  try {
    co_await carry_out(step);
  } catch (RunFailed& failed) {
    failure = std::move(failed.failure);
  } catch (const Failed& failed) {
    failure = own_failure(facts_ ? FailureClass::publish_failed : FailureClass::state_unwritable, failed.fault());
  }
  if (!failure) co_return failure;
  end(now());
  // An Attempt has marked its own Span already.
  if (!run_.timeline.spans.empty() && run_.timeline.spans.back().phase == failure->phase)
    run_.timeline.spans.back().failed = true;
  co_return failure;
}

boost::asio::awaitable<void> RunSteps::carry_out(renewal::Step step) {
  switch (step) {
    case renewal::Step::preflight:
      begin(Phase::preflight, begun_);
      prepare();
      co_return co_await foresee();
    case renewal::Step::account:
      co_return co_await register_account();
    case renewal::Step::attempt:
      co_return co_await attempt();
    case renewal::Step::verify:
      co_return co_await verify();
    case renewal::Step::publish:
      co_return co_await publish();
    default:
      co_return;
  }
}

bool RunSteps::account_registered() const {
  return certbot::accounts_registered(host_.settings().paths.ca_account_dir(ca_.id), ca_.server) > 0;
}

/// What can be known to fail before the CA is asked for anything.
void RunSteps::prepare() {
  if (!host_.certbot) fail(FailureClass::plugin_missing, *host_.certbot_fault);
  const auto& installed = *host_.certbot;
  if (!installed.authenticators.contains(provider_.authenticator)) {
    const std::string package =
        !provider_.debian_package.empty()
            ? "apt install " + provider_.debian_package
            : "install the package " + provider_.pypi_package + " where " + installed.executable.string() + " finds it";
    fail(FailureClass::plugin_missing, {installed.executable.string() + " has no plugin '" + provider_.authenticator +
                                            "', which provider '" + provider_.id + "' needs",
                                        package,
                                        {}});
  }
  for (const auto& fault : host_certbot_faults()) warn(fault.text());
  prepare_directories();
}

/// What DNS says: an order that will certainly fail is not made.
boost::asio::awaitable<void> RunSteps::foresee() {
  const PreflightMode mode = host_.settings().preflight;
  if (mode == PreflightMode::off) co_return;
  auto check = co_await host_.preflight.check_before_order(host_.configuration, certificate_);
  Fault blocked;
  for (auto& finding : check.findings) {
    if (finding.severity == Finding::Severity::info) continue;
    finding.seen = redactor_(finding.seen);
    finding.fix = redactor_(finding.fix);
    if (mode == PreflightMode::block && finding.severity == Finding::Severity::blocking) {
      blocked.message += (blocked.message.empty() ? "" : "\n") + finding.seen;
      blocked.fix += (blocked.fix.empty() ? "" : "\n") + finding.fix;
    } else {
      warn(finding.seen);
    }
    run_.findings.push_back(std::move(finding));
  }
  domains_ = std::move(check.domains);
  if (!blocked.message.empty()) fail(FailureClass::preflight_blocked, blocked);
}

void RunSteps::prepare_directories() {
  const Paths& paths = host_.settings().paths;
  const fs::path directory = paths.certbot_dir(certificate_.name);
  const auto made = [&](const Result<void>& result) {
    if (!result) fail(FailureClass::state_unwritable, result.fault());
  };
  made(os::make_directory(paths.ca_account_dir(ca_.id), 0700));
  made(os::make_directory(paths.run_dir(run_.id), 0700));
  made(certbot::prepare_directories(directory, paths.ca_account_dir(ca_.id)));
  made(certbot::clear_broken_lineage(directory / "config", certificate_.name));
}

certbot::CertbotHost RunSteps::certbot_host() const {
  auto trust = host_.trust.of(host_.settings().paths, ca_);
  if (!trust) fail(FailureClass::ca_unavailable, trust.fault());
  return service::certbot_host(host_, certificate_.name, std::move(*trust));
}

boost::asio::awaitable<void> RunSteps::register_account() {
  const Paths& paths = host_.settings().paths;
  begin(Phase::account, now());
  const TimePoint asked = now();
  AccountDesk::Place& place = host_.accounts.of(ca_.id);
  const auto turn = co_await place.turns.wait();
  if (account_registered()) co_return;
  // Whoever had the turn before us has just been refused; to ask again for each waiting Run would use up the CA's
  // limit.
  if (place.failure && place.failed_at >= asked) throw RunFailed{*place.failure};
  TemporaryFile binding(paths.credentials_dir() / (run_.id + "-eab.ini"));
  certbot::RegisterInput input{certbot_host(), ca_, {}};
  if (ca_.eab) {
    const auto key = os::read_value(ca_.eab->hmac_key);
    if (!key) fail(FailureClass::account_problem, key.fault());
    redactor_.add(*key);
    const auto config = certbot::external_account_config(ca_.eab->kid, *key);
    if (!config) fail(FailureClass::account_problem, config.fault());
    os::make_directory(paths.credentials_dir(), 0700).or_throw();
    os::create_file(binding.path(), *config, 0600).or_throw();
    input.external_account_file = binding.path();
  }
  auto command = certbot::register_command(input);
  if (!command) fail(FailureClass::account_problem, command.fault());
  auto child = attempt_input(host_, std::move(*command), paths.run_dir(run_.id) / "register.log", redactor_);
  certbot::AttemptCallbacks callbacks;
  callbacks.line = [this](std::string_view line) { observer_.certbot_said(run_, line); };
  const auto result = co_await certbot::run_attempt(std::move(child), std::move(callbacks), host_.stop);
  if (!result) fail(FailureClass::certbot_crash, result.fault());
  if (result->attempt.failure) {
    Failure failure = *result->attempt.failure;
    failure.phase = Phase::account;
    place.failure = failure;
    place.failed_at = now();
    throw RunFailed{std::move(failure)};
  }
  if (!account_registered())
    fail(FailureClass::bad_output,
         {host_.certbot->executable.string() + " said that it registered an ACME account with " + ca_.server +
              ", and left none",
          "check that it is the real certbot",
          {}});
}

boost::asio::awaitable<void> RunSteps::attempt() {
  const Paths& paths = host_.settings().paths;
  providers::AttemptCredentials given;
  if (!certificate_.account.empty()) {
    const Account& account = host_.settings().accounts.at(certificate_.account);
    const auto credentials = providers::load_credentials(account, provider_);
    if (!credentials) fail(FailureClass::credentials_file, credentials.fault());
    providers::add_secrets(redactor_, *credentials);
    auto provided = providers::provide_credentials(*credentials, provider_, paths.credentials_dir(), run_.id);
    if (!provided) fail(FailureClass::credentials_file, provided.fault());
    given = std::move(*provided);
  }
  const WaitPlan wait = co_await learn_wait();
  certbot::IssueInput input{certbot_host(),      certificate_, provider_, ca_,   given.arguments(),
                            given.environment(), wait.seconds, false,     false, false};
  const fs::path config = paths.certbot_dir(certificate_.name) / "config";
  input.lineage_exists = certbot::lineage_exists(config, certificate_.name);
  input.force_renewal = decision_.force_renewal && input.lineage_exists;
  // A revoked key may be a stolen one: it is not used again, whatever reuse_key says.
  const bool revoked = previous_ && previous_->facts.serial == state_.revoked_serial;
  input.key_changes = revoked || contains(decision_.reason, "key changed");
  auto command = certbot::issue_command(input);
  if (!command) fail(FailureClass::plugin_missing, command.fault());

  const int number = static_cast<int>(run_.attempts.size()) + 1;
  auto child = attempt_input(host_, std::move(*command),
                             paths.run_dir(run_.id) / ("attempt-" + std::to_string(number) + ".log"), redactor_);
  child.provider = &provider_;
  child.propagation = wait.seconds;
  child.number = number;
  co_await host_.ledger.take(host_.settings(), certificate_, renewal_);
  auto result = co_await execute_certbot(std::move(child), wait.not_ended_before);
  if (result.unrecorded) warn(result.unrecorded->text());

  Attempt& done = run_.attempts.emplace_back(std::move(result.attempt));
  end(done.started);
  auto& spans = run_.timeline.spans;
  spans.insert(spans.end(), done.timeline.spans.begin(), done.timeline.spans.end());
  co_await save_attempt(done);
  if (!done.failure) co_return;
  co_await host_.ledger.learn(host_.settings(), certificate_, renewal_, *done.failure);
  throw RunFailed{*done.failure};
}

/// certbot with an eye on the servers while it waits for them.
boost::asio::awaitable<certbot::AttemptResult> RunSteps::execute_certbot(certbot::AttemptInput child,
                                                                         Milliseconds not_ended_before) {
  const Paths& paths = host_.settings().paths;
  const auto& wanted = host_.settings().propagation;
  PropagationWatch::Plan plan;
  plan.domains = domains_;
  plan.margin = wanted.margin;
  plan.not_before = not_ended_before;
  if (auto thumbprint = certbot::account_thumbprint(paths.ca_account_dir(ca_.id), ca_.server))
    plan.thumbprint = std::move(*thumbprint);
  std::unique_ptr<certbot::WaitEnder> ender;
  if (wanted.end_wait && provider_.wait == WaitMechanism::fixed_sleep && child.propagation > wanted.margin &&
      !plan.domains.empty()) {
    auto prepared = certbot::WaitEnder::prepare(child.command, paths.run_dir(run_.id) / "end-wait");
    if (prepared)
      ender = std::move(*prepared);
    else
      os::log(os::LogLevel::debug, "certbot's wait takes its time: " + prepared.fault().text());
  }
  if (ender) plan.end_wait = [&ender] { return ender->end(); };
  const Seconds announced = child.propagation;
  const auto executor = co_await boost::asio::this_coro::executor;
  PropagationWatch watch(executor, host_.preflight.pool(), std::move(plan));
  certbot::AttemptCallbacks callbacks;
  callbacks.phase = [this, &watch](Phase phase, TimePoint start, std::optional<Seconds> wait) {
    if (phase > Phase::propagation) watch.stop();
    observer_.phase_started(run_, phase, start, wait);
  };
  callbacks.waiting = [&watch](const certbot::LogFacts& facts) { watch.begin(facts); };
  callbacks.line = [this](std::string_view line) { observer_.certbot_said(run_, line); };
  auto result = co_await certbot::run_attempt(std::move(child), std::move(callbacks), host_.stop);
  co_await watch.finish();
  if (!result) fail(FailureClass::certbot_crash, result.fault());
  Attempt& attempt = result->attempt;
  attempt.visibility = watch.visibility();
  attempt.wait_ended = watch.wait_ended();
  if (attempt.failure) name_laggards(*attempt.failure, attempt.visibility, announced);
  co_return std::move(*result);
}

boost::asio::awaitable<void> RunSteps::verify() {
  begin(Phase::verify, run_.attempts.empty() ? begun_ : run_.attempts.back().ended);
  const fs::path config = host_.settings().paths.certbot_dir(certificate_.name) / "config";
  const fs::path live = certbot::lineage_of(config, certificate_.name).cert.parent_path();
  auto pems = store::read_pem_set(live);
  if (!pems)
    fail(FailureClass::bad_output, {"certbot reported success, and " + pems.fault().message, pems.fault().fix, {}});
  const auto facts = store::verify(*pems, certificate_, now(), previous_ ? &previous_->facts : nullptr);
  if (!facts) fail(FailureClass::bad_output, facts.fault());
  pems_ = std::move(*pems);
  facts_ = *facts;
  co_return;
}

boost::asio::awaitable<void> RunSteps::publish() {
  begin(Phase::publish, now());
  const auto published = co_await os::offload(
      host_.pool, [this] { return store::publish(host_.settings().paths, certificate_, *pems_, *facts_); });
  if (!published) fail(FailureClass::publish_failed, published.fault());
  run_.generation = *published;
  const auto pruned = co_await os::offload(
      host_.pool, [this] { return store::prune(host_.settings().paths, certificate_.name, now()); });
  if (!pruned) warn(pruned.fault().text());
  end(now());
}

}  // namespace certherd::service
