#pragma once

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/journal/audit_entry.hpp>
#include <certherd/model/run.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace certherd::journal {

/// Which Runs history() gives.
struct HistoryFilter {
  std::optional<std::string> certificate;
  bool failed_only = false;          ///< outcome "failed" or "deployed, hook failed"
  bool unfinished_only = false;      ///< no outcome: still running, or certherd died meanwhile
  std::optional<TimePoint> since;    ///< started at or after
  std::optional<std::size_t> limit;  ///< the newest so many
};

/// The database of Runs. Every call blocks, so it belongs on a thread pool; calls from several threads wait for each
/// other. What goes wrong after opening throws Failed with the file's path and what to do: a Run cannot go on without
/// its journal. Times are kept in whole milliseconds.
class Journal {
public:
  enum class Mode { read_write, read_only };

  /// Creates the file (0600) or brings its schema up to date when opened for writing. Faults: no such file (read_only),
  /// not accessible, not a database, damaged, or written by a newer certherd, in which case nothing is touched.
  static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& path, Mode mode);
  ~Journal();

  /// Writes down what a Run is about before anything is done for it.
  void begin_run(const Run& run);
  /// An Attempt that has ended, with its timeline and failure. Saving it again replaces it.
  void save_attempt(const std::string& run, const Attempt& attempt);
  /// A HookJob, before it runs (owed) and after each try. Saving it again replaces it.
  void save_hook_job(const HookJob& job);
  /// The end of a Run: outcome, failure, timeline, Generation. Its Attempts and HookJobs are saved on their own.
  void finish_run(const Run& run);

  /// Runs without Attempts, timeline, Generation and HookJobs, newest first.
  std::vector<Run> history(const HistoryFilter& filter = {});
  /// The newest Run of each certificate, in the same light form, sorted by certificate. One query.
  std::vector<Run> last_runs();
  /// One whole Run by its id or the beginning of it. Fault: no such Run, or several.
  Result<Run> find_run(const std::string& id);
  /// HookJobs that have not succeeded yet, oldest Run first.
  std::vector<HookJob> owed_hook_jobs();

  /// Remembers where the audit log ends; never goes backwards.
  void save_audit_head(const AuditHead& head);
  std::optional<AuditHead> audit_head();

private:
  struct Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace certherd::journal
