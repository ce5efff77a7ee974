#pragma once

#include <certherd/base/redaction.hpp>
#include <certherd/certbot/attempt.hpp>
#include <certherd/certbot/command.hpp>
#include <certherd/renewal/run_machine.hpp>
#include <certherd/service/runner.hpp>
#include <certherd/service/wait_plan.hpp>
#include <certherd/store/verify.hpp>

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>

namespace certherd::service {

/// Ends a step: what went wrong, for whoever writes it down.
struct RunFailed {
  Failure failure;
};

/// One Run on its way. renewal::RunMachine says which step comes next; each step either completes or throws RunFailed.
class RunSteps {
public:
  RunSteps(Host host, Assignment assignment, Run run, RunObserver& observer);

  boost::asio::awaitable<Finished> execute();

private:
  boost::asio::awaitable<std::optional<Failure>> perform(renewal::Step step);
  boost::asio::awaitable<void> carry_out(renewal::Step step);
  void prepare();
  boost::asio::awaitable<void> foresee();
  boost::asio::awaitable<certbot::AttemptResult> execute_certbot(certbot::AttemptInput child,
                                                                 Milliseconds not_ended_before);
  boost::asio::awaitable<WaitPlan> learn_wait();
  boost::asio::awaitable<void> register_account();
  boost::asio::awaitable<void> attempt();
  boost::asio::awaitable<void> verify();
  boost::asio::awaitable<void> publish();
  boost::asio::awaitable<void> settle();
  boost::asio::awaitable<void> run_hooks();
  boost::asio::awaitable<void> save_attempt(const Attempt& attempt);
  boost::asio::awaitable<void> record_end();

  certbot::CertbotHost certbot_host() const;
  void prepare_directories();

  void begin(Phase phase, TimePoint start);
  void end(TimePoint end);
  Failure own_failure(FailureClass failure_class, const Fault& fault) const;
  [[noreturn]] void fail(FailureClass failure_class, const Fault& fault) const;
  void warn(const std::string& text) { observer_.warning(run_, text); }
  bool account_registered() const;

  Host host_;
  const Certificate& certificate_;
  const Provider& provider_;
  const Ca& ca_;
  renewal::Decision decision_;
  CertificateState state_;
  const bool renewal_;
  const TimePoint begun_;
  std::function<void()> yielded_;
  Run run_;
  RunObserver& observer_;
  Redactor redactor_;
  std::vector<DomainFacts> domains_;  ///< as the preflight saw them
  std::optional<Phase> phase_;        ///< of the Run itself; an Attempt has its own
  TimePoint phase_start_;
  std::optional<store::PemSet> pems_;
  std::optional<CertificateFacts> facts_;
  std::optional<Generation> previous_;  ///< the one that was current before
  std::vector<HookEvent> notices_;      ///< what the Hooks are to be told
};

}  // namespace certherd::service
