#pragma once

#include "verbs.hpp"

#include <certherd/service/supervisor.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace certherd::cli {

/// What a verb wants to have done.
struct Wanted {
  std::vector<std::string> certificates;
  bool forced = false;
};

/// To be there before the state directory is taken, and to go after it was released: the verb has then worked for the
/// directory's owner, even if root typed it (service::hand_over_state). Trouble goes to standard error.
class StateForItsOwner {
public:
  explicit StateForItsOwner(const Settings& settings) : settings_(settings) {}
  StateForItsOwner(const StateForItsOwner&) = delete;
  StateForItsOwner& operator=(const StateForItsOwner&) = delete;
  ~StateForItsOwner();

private:
  const Settings& settings_;
};

using Told = std::function<void(const service::Handled&)>;

/// Has the running service do it, and watches; nullopt: no service runs. `told` hears of each Certificate when it is
/// done. Throws Failed when the service cannot be understood or is gone in the middle.
std::optional<std::vector<service::Handled>> handle_by_service(const Context& context, const Settings& settings,
                                                               const Wanted& wanted, const Told& told);

/// Takes the state directory and does it here; SIGINT and SIGTERM end it in good order.
std::vector<service::Handled> handle_here(const Context& context, service::ConfigurationPtr configuration,
                                          const Wanted& wanted, const Told& told);

/// Takes the state directory and tries every owed HookJob; gives how many are owed still.
std::size_t retry_hooks_here(const Context& context, service::ConfigurationPtr configuration);

/// Takes the state directory and revokes. Faults as Supervisor::revoke.
Result<service::RevokeOutcome> revoke_here(const Context& context, service::ConfigurationPtr configuration,
                                           const service::Revocation& wanted);

}  // namespace certherd::cli
