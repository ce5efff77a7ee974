#pragma once

#include <certherd/model/failure.hpp>
#include <certherd/renewal/due.hpp>

#include <optional>

namespace certherd::renewal {

/// What a Run does next.
enum class Step {
  preflight,  ///< what can be known to fail before the CA is asked
  account,    ///< register the ACME account
  attempt,    ///< one execution of certbot; its budgets are to be asked before each
  verify,     ///< look at what certbot saved
  publish,    ///< a new Generation
  hooks,      ///< owed HookJobs of what happened
  record,     ///< write down how it ended
  done
};

std::string_view to_string(Step step);

/// The Run as a state machine: the performer does what step() says and reports how it went, until `done`. Manual or
/// scheduled, first issue or renewal: one way through.
///
/// A transient failure of the account or of an Attempt is followed by one more try at once. When what certbot had saved
/// turns out to be unusable, a Run that was to publish only makes a new order. After a failure: hooks, record, done; an
/// interrupted Run goes straight to record, since certherd is being told to stop.
class RunMachine {
public:
  RunMachine(Decision::Action action, bool account_registered);

  Step step() const { return step_; }
  void succeeded();
  /// `retry_after`: as the CA gave it.
  void failed(FailureClass failure_class, std::optional<Seconds> retry_after = std::nullopt);
  /// What step() would begin cannot be begun now (a budget is used up): the failure before it stands. Only before a
  /// second Attempt.
  void give_up();

  std::optional<FailureClass> failure() const { return failure_; }  ///< what ended it; absent: it goes well so far
  int attempts() const { return attempts_; }                        ///< executions of certbot for the order, so far
  bool second_try() const { return tries_ > 0; }                    ///< step() repeats what just failed
  bool ordering() const { return ordering_; }                       ///< a new order is part of it

private:
  void order();
  void end(FailureClass failure_class);

  Step step_;
  bool account_registered_;
  bool ordering_;
  int tries_ = 0;  ///< failed ones of the step
  int attempts_ = 0;
  std::optional<FailureClass> failure_;
  std::optional<FailureClass> last_;  ///< that a second try follows
};

}  // namespace certherd::renewal
