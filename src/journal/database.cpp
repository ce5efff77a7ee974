#include "database.hpp"

#include <certherd/os/fd.hpp>
#include <certherd/os/file.hpp>

#include <Poco/Data/DataException.h>
#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/URI.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <mutex>

namespace certherd::journal {
namespace fs = std::filesystem;
namespace {

using namespace Poco::Data::Keywords;
namespace sqlite = Poco::Data::SQLite;

/// Looks before SQLite does: Poco tries again for a whole minute when a file cannot be opened. Makes a new file with
/// its mode, which SQLite then gives to the files beside it too.
Result<void> check_file(const fs::path& path, bool read_only) {
  const os::Fd fd(::open(path.c_str(), (read_only ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC, 0600));
  if (!fd) return os::system_fault("cannot open the database", path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return os::system_fault("cannot look at", path, errno);
  if (!S_ISREG(status.st_mode)) return Fault{"the database " + path.string() + " is not a regular file", {}, {}};
  return {};
}

std::string connection_string(const fs::path& path, bool read_only) {
  std::string encoded;
  Poco::URI::encode(fs::absolute(path).string(), "?#%", encoded);
  return "file:" + encoded + (read_only ? "?mode=ro" : "?mode=rw");
}

/// 0: an empty database.
int version_of(Poco::Data::Session& session) {
  int tables = 0;
  session << "SELECT COUNT(*) FROM sqlite_master WHERE name = 'schema_version'", into(tables), now;
  int version = 0;
  if (tables) session << "SELECT version FROM schema_version", into(version), now;
  return version;
}

Result<void> prepare(Poco::Data::Session& session, const fs::path& path, bool read_only, Milliseconds patience) {
  session << "PRAGMA busy_timeout = " << patience.count(), now;
  const int version = version_of(session);
  if (version > schema_version()) {
    return Fault{"the database " + path.string() + " was written by a newer certherd (its schema is " +
                     std::to_string(version) + ", this program knows up to " + std::to_string(schema_version()) + ")",
                 "use the newer certherd, or move the file away to begin a new history",
                 {}};
  }
  if (read_only) {
    if (version == schema_version()) return {};
    return Fault{"the database " + path.string() + " has the older schema " + std::to_string(version),
                 "start the service, or run a verb that changes something, to bring it up to date",
                 {}};
  }
  std::string mode;
  session << "PRAGMA journal_mode = WAL", into(mode), now;
  // FULL, though WAL is consistent with less: a HookJob that was owed must survive a power failure.
  session << "PRAGMA synchronous = FULL", now;
  migrate(session, version);
  return {};
}

}  // namespace

Fault database_fault(const std::string& what, const fs::path& path) {
  const std::string begin = what + " " + path.string() + ": ";
  try {
    throw;
  } catch (const sqlite::CorruptImageException& error) {
    return {begin + "the file is damaged or not a database (" + error.message() + ")",
            "stop certherd and move the file away, together with those that end in -wal and -shm, or restore it from a "
            "backup: certificates are not affected, only the history",
            {}};
  } catch (const sqlite::DatabaseFullException& error) {
    return {begin + error.message(), "free some space on that file system", {}};
  } catch (const sqlite::ReadOnlyException& error) {
    return {begin + error.message(), "check that the file system is writable and who owns the file", {}};
  } catch (const sqlite::DBLockedException& error) {
    return {begin + error.message(), "another program holds the database; end it", {}};
  } catch (const sqlite::IOErrorException& error) {
    return {begin + error.message(), "check the file system: free space, and the kernel's log", {}};
  } catch (const Poco::Exception& error) {
    return {begin + error.displayText(), {}, {}};
  }
}

Result<Poco::Data::Session> open_database(const fs::path& path, bool read_only, Milliseconds patience) {
  static std::once_flag registered;
  std::call_once(registered, [] { sqlite::Connector::registerConnector(); });
  if (auto checked = check_file(path, read_only); !checked) return checked.fault();
  try {
    Poco::Data::Session session(sqlite::Connector::KEY, connection_string(path, read_only), 1);
    if (auto prepared = prepare(session, path, read_only, patience); !prepared) return prepared.fault();
    return session;
  } catch (const Poco::Exception&) {
    return database_fault("cannot open the database", path);
  }
}

}  // namespace certherd::journal
