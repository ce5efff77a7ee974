#include <certherd/os/file.hpp>
#include <certherd/os/log.hpp>
#include <certherd/os/ownership.hpp>
#include <certherd/providers/credentials.hpp>
#include <certherd/service/state.hpp>

#include <unistd.h>

#include <csignal>

#include "recovery.hpp"

namespace certherd::service {

State take_state(const Settings& settings) {
  // A file that reaches a size limit is then a fault that can be told, as a full disk is.
  (void)std::signal(SIGXFSZ, SIG_IGN);
  const Paths& paths = settings.paths;
  os::make_directory(paths.state_dir, 0700).or_throw();
  std::string holder;
  auto lock = os::FileLock::try_take(paths.lock_file(), holder).or_throw();
  if (!lock)
    throw StateHeld({"another certherd" + (holder.empty() ? std::string() : " (pid " + holder + ")") + " works on " +
                         paths.state_dir.string(),
                     "wait until it has ended",
                     {}});
  for (const auto& directory : {paths.state_dir / "certbot", paths.state_dir / "accounts", paths.state_dir / "runs"})
    os::make_directory(directory, 0700).or_throw();
  os::make_directory(paths.runtime_dir, 0755).or_throw();
  const int swept = providers::sweep_credentials(paths.credentials_dir()).or_throw();
  if (swept > 0)
    os::log(os::LogLevel::info, "removed " + std::to_string(swept) +
                                    " credentials files that an earlier life left in " +
                                    paths.credentials_dir().string());
  auto journal = journal::Journal::open(paths.database(), journal::Journal::Mode::read_write).or_throw();
  auto audit = journal::AuditLog::open(paths.audit_log, journal->audit_head()).or_throw();
  State state{std::move(*lock), std::move(journal), std::move(audit)};
  recover(state, settings);
  return state;
}

Result<void> hand_over_state(const Settings& settings) {
  if (::geteuid() != 0) return {};
  const Paths& paths = settings.paths;
  const auto owner = os::owner_of(paths.state_dir);
  if (!owner || owner->user == 0) return {};  // not even made, or root's own
  Result<void> all;
  for (const auto& path : {paths.state_dir, paths.store_dir, paths.generations_dir(), paths.audit_log})
    if (auto given = os::give(path, *owner); !given && all) all = std::move(given);
  return all;
}

}  // namespace certherd::service
