#pragma once

#include <certherd/journal/journal.hpp>

#include <Poco/Data/DataException.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>

#include <mutex>
#include <optional>
#include <utility>

#include "database.hpp"

namespace certherd::journal {

struct Journal::Impl {
  Impl(std::filesystem::path file, Milliseconds patience_with_locks, Poco::Data::Session opened)
      : path(std::move(file)), patience(patience_with_locks), session(std::move(opened)) {}

  std::filesystem::path path;
  Milliseconds patience;
  Poco::Data::Session session;
  std::mutex mutex;
  std::optional<Poco::Data::Session> second;
  std::mutex second_mutex;

  /// Work on a session, one at a time; what goes wrong becomes Failed. Not behind a writer, who may wait long for a
  /// lock of somebody else: a second connection is there for that, once it is needed.
  template <class Work>
  auto read(Work work) {
    try {
      if (const std::unique_lock lock(mutex, std::try_to_lock); lock) return work(session);
      const std::lock_guard lock(second_mutex);
      if (!second) second = open_database(path, true, patience).or_throw();
      return work(*second);
    } catch (const Poco::Exception&) {
      throw Failed(database_fault("cannot read the database", path));
    }
  }

  /// The same in a transaction: all of it or nothing. Not by Poco::Data::Transaction: after an error upon which SQLite
  /// has rolled back by itself (a full disk), its own rolling back fails and the session refuses to begin another one.
  template <class Work>
  void write(Work work) {
    using Poco::Data::Keywords::now;
    const std::lock_guard lock(mutex);
    try {
      session << "BEGIN", now;
      try {
        work(session);
        session << "COMMIT", now;
      } catch (...) {
        roll_back();
        throw;
      }
    } catch (const Poco::Exception&) {
      throw Failed(database_fault("cannot write to the database", path));
    }
  }

private:
  /// Whatever is left to roll back.
  void roll_back() {
    try {
      session << "ROLLBACK", Poco::Data::Keywords::now;
    } catch (const Poco::Exception&) {
      // There is no transaction any more: that is what was wanted.
    }
  }
};

/// The HookJobs of one Run, in their order.
std::vector<HookJob> hook_jobs_of(Poco::Data::Session& session, const std::string& run);

}  // namespace certherd::journal
