#pragma once

#include <certherd/journal/journal.hpp>

#include <Poco/Data/DataException.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>

#include <mutex>
#include <utility>

#include "database.hpp"

namespace certherd::journal {

struct Journal::Impl {
  Impl(std::filesystem::path file, Poco::Data::Session opened) : path(std::move(file)), session(std::move(opened)) {}

  std::filesystem::path path;
  Poco::Data::Session session;
  std::mutex mutex;

  /// Work on the session, one at a time; what goes wrong becomes Failed.
  template <class Work>
  auto read(Work work) {
    const std::lock_guard lock(mutex);
    try {
      return work(session);
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
