#pragma once

#include <certherd/journal/journal.hpp>

#include <Poco/Data/DataException.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/Transaction.h>

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

  /// The same in a transaction: all of it or nothing.
  template <class Work>
  void write(Work work) {
    const std::lock_guard lock(mutex);
    try {
      Poco::Data::Transaction transaction(session);
      work(session);
      transaction.commit();
    } catch (const Poco::Exception&) {
      throw Failed(database_fault("cannot write to the database", path));
    }
  }
};

}  // namespace certherd::journal
