#include <certherd/renewal/retry.hpp>
#include <certherd/renewal/run_machine.hpp>

#include <array>

namespace certherd::renewal {

std::string_view to_string(Step step) {
  static constexpr std::array<std::string_view, 8> names{"preflight", "account", "attempt", "verify",
                                                         "publish",   "hooks",   "record",  "done"};
  return names[static_cast<std::size_t>(step)];
}

RunMachine::RunMachine(Decision::Action action, bool account_registered)
    : step_(Step::done), account_registered_(account_registered), ordering_(action == Decision::Action::issue) {
  if (action == Decision::Action::issue) step_ = Step::preflight;
  if (action == Decision::Action::publish) step_ = Step::verify;
}

void RunMachine::succeeded() {
  tries_ = 0;
  last_.reset();
  switch (step_) {
    case Step::preflight:
      step_ = account_registered_ ? Step::attempt : Step::account;
      break;
    case Step::account:
      account_registered_ = true;
      step_ = Step::attempt;
      break;
    case Step::attempt:
      ++attempts_;
      step_ = Step::verify;
      break;
    case Step::verify:
      step_ = Step::publish;
      break;
    case Step::publish:
      step_ = Step::hooks;
      break;
    case Step::hooks:
      step_ = Step::record;
      break;
    case Step::record:
    case Step::done:
      step_ = Step::done;
      break;
  }
}

void RunMachine::failed(FailureClass failure_class, std::optional<Seconds> retry_after) {
  if (step_ == Step::attempt) ++attempts_;
  switch (step_) {
    case Step::account:
    case Step::attempt:
      if (second_attempt_at_once(failure_class, ++tries_, retry_after))
        last_ = failure_class;
      else
        end(failure_class);
      break;
    case Step::verify:
      // What certbot had saved is of no use; an order of this very Run that is of no use would not get better.
      if (!ordering_ && failure_class != FailureClass::interrupted)
        order();
      else
        end(failure_class);
      break;
    case Step::preflight:
    case Step::publish:
      end(failure_class);
      break;
    case Step::hooks:
      // HookJobs are owed on their own account, and do not change how the Run ended.
      step_ = Step::record;
      break;
    case Step::record:
    case Step::done:
      if (step_ == Step::record && !failure_) failure_ = failure_class;
      step_ = Step::done;
      break;
  }
}

void RunMachine::give_up() {
  if (last_) end(*last_);
}

void RunMachine::order() {
  ordering_ = true;
  step_ = Step::preflight;
}

void RunMachine::end(FailureClass failure_class) {
  tries_ = 0;
  last_.reset();
  failure_ = failure_class;
  step_ = failure_class == FailureClass::interrupted ? Step::record : Step::hooks;
}

}  // namespace certherd::renewal
