#pragma once

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/journal/audit_entry.hpp>
#include <certherd/model/run.hpp>
#include <certherd/model/state.hpp>
#include <certherd/model/wait_sample.hpp>

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
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

/// Which HookJobs hook_jobs() gives.
struct HookJobFilter {
  std::optional<std::string> certificate;
  std::optional<std::string> hook;
  bool owed_only = false;            ///< neither done nor dropped
  std::optional<std::size_t> limit;  ///< the newest so many
};

/// The database of Runs. Every call blocks, so it belongs on a thread pool; calls from several threads wait for each
/// other. What goes wrong after opening throws Failed with the file's path and what to do: a Run cannot go on without
/// its journal. A database that another program keeps locked is waited for, ten seconds by default, and then is such a
/// failure. Times are kept in whole milliseconds.
class Journal {
public:
  enum class Mode { read_write, read_only };

  /// Creates the file (0600) or brings its schema up to date when opened for writing. Faults: no such file (read_only),
  /// not accessible, not a database, damaged, or written by a newer certherd, in which case nothing is touched.
  static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& path, Mode mode,
                                               Milliseconds patience = Milliseconds(10'000));
  ~Journal();

  /// Writes down what a Run is about before anything is done for it.
  void begin_run(const Run& run);
  /// An Attempt that has ended, with its timeline and failure. Saving it again replaces it.
  void save_attempt(const std::string& run, const Attempt& attempt);
  /// A HookJob, before it runs (owed) and after each try. Saving it again replaces it.
  void save_hook_job(const HookJob& job);
  /// Several at once, all or none: those that one execution has served.
  void save_hook_jobs(std::span<const HookJob> jobs);
  /// The end of a Run: outcome, failure, timeline, Generation. Its Attempts and HookJobs are saved on their own.
  void finish_run(const Run& run);

  /// Runs without Attempts, timeline, Generation and HookJobs, newest first.
  std::vector<Run> history(const HistoryFilter& filter = {});
  /// The newest Run of each certificate, in the same light form, sorted by certificate. One query.
  std::vector<Run> last_runs();
  /// The newest Run of each certificate that published one, in the same light form, by certificate. One query.
  std::map<std::string, Run> last_deployed();
  /// One whole Run by its id or the beginning of it. Fault: no such Run, or several.
  Result<Run> find_run(const std::string& id);
  /// The newest Attempts with an Account's credentials that waited for propagation to its end, newest first, where the
  /// name servers were watched or the CA found no record.
  std::vector<WaitSample> wait_samples(const std::string& provider, const std::string& account, std::size_t limit);
  /// HookJobs that have neither succeeded nor been dropped yet, oldest Run first, in their order.
  std::vector<HookJob> owed_hook_jobs();
  /// HookJobs, newest Run first, in their order within it.
  std::vector<HookJob> hook_jobs(const HookJobFilter& filter = {});

  /// What is remembered of the certificates, sorted by name; of one; and to be remembered from now on. Saving several
  /// is one transaction, all or none.
  std::vector<CertificateState> states();
  std::optional<CertificateState> state(const std::string& certificate);
  void save_state(const CertificateState& state);
  void save_states(std::span<const CertificateState> states);
  /// Forgets a certificate that is no longer configured; its Runs stay.
  void remove_state(const std::string& certificate);

  /// The token buckets of the rate limits; those saved replace their older selves in one transaction, others stay.
  std::vector<Bucket> buckets();
  void save_buckets(const std::vector<Bucket>& buckets);
  void remove_buckets(const std::vector<Bucket>& buckets);

  /// Remembers where the audit log ends; never goes backwards.
  void save_audit_head(const AuditHead& head);
  std::optional<AuditHead> audit_head();

private:
  struct Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace certherd::journal
