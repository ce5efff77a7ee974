#pragma once

#include <certherd/base/result.hpp>
#include <certherd/journal/audit_log.hpp>
#include <certherd/journal/journal.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/os/lock.hpp>

#include <memory>
#include <optional>
#include <string>

namespace certherd::service {

/// Another certherd works on this state directory.
class StateHeld : public Failed {
public:
  using Failed::Failed;
};

/// The state directory, taken: nobody else changes it while this object lives.
struct State {
  os::FileLock lock;
  std::unique_ptr<journal::Journal> journal;
  journal::AuditLog audit;
};

/// Makes the directories that are missing, takes the lock, removes what a crash left, opens database and audit log and
/// notes in both which Runs the crash interrupted. Throws StateHeld when another process holds the lock, Failed when
/// something cannot be made, opened or written.
State take_state(const Settings& settings);

/// After root has worked on the state directory of another user, such as that of the service while it is stopped:
/// what root has made there, in the store and the audit log is given to that user, who could not go on with it
/// otherwise. Nothing for anybody but root, and where the state directory is root's own. Not while State lives: the
/// database must be closed. Fault: something cannot be given.
Result<void> hand_over_state(const Settings& settings);

}  // namespace certherd::service
