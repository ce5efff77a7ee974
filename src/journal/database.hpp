#pragma once

// The connection to the database: opening it, its schema, and its errors told to people.

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>

#include <Poco/Data/Session.h>

#include <filesystem>
#include <string>

namespace certherd::journal {

/// Opens the SQLite file and brings its schema up to date, or only checks it when `read_only`. `patience`: how long
/// each statement waits for a lock of somebody else.
Result<Poco::Data::Session> open_database(const std::filesystem::path& path, bool read_only, Milliseconds patience);

/// What the exception being handled means for the file at `path`. Call it in a catch block only.
Fault database_fault(const std::string& what, const std::filesystem::path& path);

/// The schema that this program writes.
int schema_version();

/// Brings an older or empty database to schema_version(), one transaction for each step. Throws what Poco throws.
void migrate(Poco::Data::Session& session, int from);

}  // namespace certherd::journal
