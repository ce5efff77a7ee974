#pragma once

#include <certherd/base/time.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace certherd::renewal {

/// A Certificate whose Run is to begin.
struct Waiting {
  std::string certificate;
  std::vector<std::string> challenge_names;  ///< of its domains (model/zones.hpp); may repeat
  std::string account;                       ///< credentials with the DNS provider; empty: none
  std::string ca;
  bool manual = false;               ///< asked for by a person
  bool single_txt = false;           ///< Provider::single_txt
  std::optional<TimePoint> expires;  ///< what is published; absent: nothing is
  std::uint64_t order = 0;           ///< first come, first served among equals
};

/// How many Runs at a time.
struct Limits {
  int total = 2;
  std::map<std::string, int> per_account;  ///< absent: as many as the total allows
  std::map<std::string, int> per_ca;
};

/// How fast Runs may be started: `burst` at once, then one each `interval`.
struct Ramp {
  int burst = 2;
  Milliseconds interval{500};
};

/// What a certbot costs the host: memory, and time of one core for its start and its cryptography. As given: one that
/// is executed (measured: some 75 MB and 0.8 to 1.3 s with Debian 12's certbot 2.1 and twelve plugins).
struct RunCost {
  std::uint64_t memory_bytes = 80ULL << 20U;
  Milliseconds cpu{1000};
};
/// Time of one core that a forked certbot takes, and the process that forks it (measured: 0.13 to 0.25 s).
inline constexpr Milliseconds cost_of_a_fork{200};

/// certbot works for the time of its cost, and then mostly waits for DNS. As many as make up 16 seconds of it keep a
/// core busy when propagation takes 10 to 15 seconds; more would only wait for each other. At most half of the memory
/// is theirs. At least 2, so that one that hangs does not stop the rest; at most 64, or 200 where they are forked,
/// beyond which DNS providers' APIs and CAs are what limits.
int default_max_parallel(unsigned cores, std::uint64_t memory_bytes, RunCost cost = {});

/// Two starts at once for each core, and then as many as half of the cores' time bears: since a start takes the time of
/// its cost, the run queue grows slowly at worst, and not by a hundred in one instant.
Ramp default_ramp(unsigned cores, RunCost cost = {});

/// Which Run starts next. Manual ones first, then what expires soonest (nothing published: soonest of all), then in the
/// order of arrival; whoever cannot start now (its account or CA is busy, its challenge names are in use) stands aside
/// and nobody waits behind it.
///
/// Two Runs whose challenge names overlap never run at a time. For single-TXT providers, which may keep one value for a
/// whole domain, names overlap when one lies below the other.
///
/// Times are of any clock; one that is stepped costs at most one burst.
class Queue {
public:
  Queue(Limits limits, Ramp ramp) : limits_(std::move(limits)), ramp_(ramp) {}

  void set_limits(Limits limits, Ramp ramp);  ///< after a reload; what runs goes on

  /// In place of what waits under that name, if anything does. May be called while a Run of it is running: the next one
  /// then follows it.
  void add(Waiting waiting);
  void remove(const std::string& certificate);  ///< no longer waiting; a running Run is not touched

  /// The certificate whose Run is to start now; nullopt: none can. Call started() with it.
  std::optional<std::string> next(TimePoint now);
  void started(const std::string& certificate, TimePoint now);
  void finished(const std::string& certificate);

  /// When next() may give something that it does not give now without anything else happening: only the ramp is a
  /// matter of time. nullopt: never.
  std::optional<TimePoint> wake_at(TimePoint now);

  bool waits(const std::string& certificate) const { return waiting_.contains(certificate); }
  std::size_t waiting() const { return waiting_.size(); }
  std::size_t running() const { return running_.size(); }
  bool is_running(const std::string& certificate) const { return running_.contains(certificate); }
  /// Why a waiting one does not start: "10 Runs are running, as many as max_parallel allows"; empty: it is next, or
  /// nothing but the order holds it.
  std::string why(const std::string& certificate, TimePoint now) const;

private:
  /// Manual first, soonest end, arrival.
  using Key = std::tuple<int, TimePoint, std::uint64_t, std::string>;
  /// Those of one account at one CA: they are held up together.
  using GroupId = std::pair<std::string, std::string>;  ///< CA, account
  using Group = std::set<Key>;

  static Key key_of(const Waiting& waiting);
  static GroupId group_of(const Waiting& waiting) { return {waiting.ca, waiting.account}; }
  bool account_full(const std::string& account) const;
  bool ca_full(const std::string& ca) const;
  TimePoint ramp_free_at(TimePoint now) const;
  void enter(const Waiting& waiting);  ///< into its group
  void leave(const Waiting& waiting);
  void link(const GroupId& id);
  void unlink(const GroupId& id);
  std::optional<Key> head(const std::string& ca);
  std::optional<Key> best();
  std::optional<std::string> holder(const Waiting& waiting) const;  ///< the running one in whose way it would be
  void claim(const Waiting& waiting);
  void release(const Waiting& waiting);

  Limits limits_;
  Ramp ramp_;
  std::optional<TimePoint> last_start_;
  double burst_used_ = 0;  ///< at last_start_

  std::unordered_map<std::string, Waiting> waiting_;
  std::unordered_map<std::string, Waiting> running_;
  std::map<GroupId, Group> groups_;                                 ///< of those that could start
  std::map<std::string, std::set<std::pair<Key, GroupId>>> heads_;  ///< by CA: the first of each group
  std::map<std::string, std::set<GroupId>> full_accounts_;          ///< groups that wait for their account
  std::unordered_map<std::string, std::set<std::string>> parked_;   ///< by the running one they wait for
  std::unordered_map<std::string, std::string> parked_at_;          ///< the other way round
  std::unordered_map<std::string, int> running_of_account_;
  std::unordered_map<std::string, int> running_of_ca_;
  std::unordered_map<std::string, std::string> names_;                   ///< challenge names in use, and by whom
  std::unordered_map<std::string, std::set<std::string>> single_below_;  ///< single-TXT: domain -> who uses it or below
};

}  // namespace certherd::renewal
