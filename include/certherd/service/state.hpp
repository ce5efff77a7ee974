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

}  // namespace certherd::service
