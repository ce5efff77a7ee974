#include <certherd/journal/journal.hpp>

#include <Poco/Data/Session.h>

#include <sched.h>
#include <sys/mount.h>

#include <atomic>
#include <ostream>
#include <thread>

#include <doctest/doctest.h>
#include <support/in_child.hpp>

#include "sample_database.hpp"

using namespace certherd;
using namespace certherd::test;
using certherd::journal::Journal;
namespace fs = std::filesystem;

TEST_SUITE("journal/database") {
  TEST_CASE("the file is for its owner alone") {
    const SampleDatabase database;
    database.save(rich_run());
    for (const auto* suffix : {"", "-wal", "-shm"}) {
      CAPTURE(suffix);
      CHECK(mode_of(database.path.string() + suffix) == 0600);
    }
  }

  TEST_CASE("odd characters in the path") {
    const TempDir dir;
    fs::create_directory(dir.path() / "a b?c#d%20e");
    const auto path = dir.path() / "a b?c#d%20e" / "certherd.db";
    REQUIRE(Journal::open(path, Journal::Mode::read_write));
    CHECK(fs::file_size(path) > 0);
  }

  TEST_CASE("two readers beside the writer; a reader cannot write") {
    const SampleDatabase database;
    const auto reader = database.open(Journal::Mode::read_only);
    database.save(ended_run("a", "example.com", 1, Outcome::deployed));
    CHECK(ids(reader->history()) == Texts{"a"});
    CHECK(ids(database.open(Journal::Mode::read_only)->last_runs()) == Texts{"a"});
    try {
      reader->begin_run(sample_run("b"));
      FAIL("a read-only journal was written");
    } catch (const Failed& failed) {
      CHECK(failed.fault().message ==
            "cannot write to the database " + database.path.string() + ": attempt to write a readonly database");
      CHECK(failed.fault().fix == "check that the file system is writable and who owns the file");
    }
  }

  TEST_CASE("reading where there is no database makes none") {
    const TempDir dir;
    const auto path = dir.path() / "certherd.db";
    CHECK(Journal::open(path, Journal::Mode::read_only).fault().text() ==
          "cannot open the database " + path.string() + ": No such file or directory");
    CHECK_FALSE(fs::exists(path));
  }

  TEST_CASE("a database in a directory that is none, and one that is a directory") {
    const TempDir dir;
    dir.write("file", "");
    const auto below = dir.path() / "file" / "certherd.db";
    CHECK(Journal::open(below, Journal::Mode::read_write).fault().text() ==
          "cannot open the database " + below.string() + ": Not a directory");
    CHECK(Journal::open(dir.path(), Journal::Mode::read_write).fault().text() ==
          "cannot open the database " + dir.path().string() + ": Is a directory");
    CHECK(Journal::open("/dev/null", Journal::Mode::read_only).fault().text() ==
          "the database /dev/null is not a regular file");
  }

  TEST_CASE("a file that is no database") {
    const TempDir dir;
    const auto path = dir.write("certherd.db", std::string(10'000, 'x'));
    for (const auto mode : {Journal::Mode::read_write, Journal::Mode::read_only}) {
      const auto journal = Journal::open(path, mode);
      REQUIRE_FALSE(journal);
      CHECK(journal.fault().message.starts_with("cannot open the database " + path.string() +
                                                ": the file is damaged or not a database ("));
      CHECK(journal.fault().fix.starts_with("stop certherd and move the file away"));
    }
    CHECK(content(path) == std::string(10'000, 'x'));
  }

  TEST_CASE("a database that is damaged inside") {
    SampleDatabase database;
    for (int i = 0; i < 300; ++i)
      database.save(ended_run("run-" + std::to_string(i), "example.com", i, Outcome::failed));
    database.journal.reset();
    std::string bytes = content(database.path);
    REQUIRE(bytes.size() > 30 * 4096);
    // The schema's pages stay whole, so that opening succeeds.
    for (std::size_t i = 30 * 4096; i < bytes.size(); ++i) bytes[i] = '\xff';
    database.dir.write("certherd.db", bytes);
    const auto journal = database.open();
    try {
      (void)journal->history();
      FAIL("a damaged database was read");
    } catch (const Failed& failed) {
      CHECK(failed.fault().message.starts_with("cannot read the database " + database.path.string() +
                                               ": the file is damaged or not a database ("));
    }
  }

  TEST_CASE("a database of a newer certherd is not touched") {
    SampleDatabase database;
    database.save(ended_run("a", "example.com", 1, Outcome::deployed));
    database.journal.reset();
    {
      Poco::Data::Session session("SQLite", database.path.string());
      session << "UPDATE schema_version SET version = 9", Poco::Data::Keywords::now;
    }
    const std::string before = content(database.path);
    for (const auto mode : {Journal::Mode::read_write, Journal::Mode::read_only}) {
      CHECK(Journal::open(database.path, mode).fault().text() ==
            "the database " + database.path.string() +
                " was written by a newer certherd (its schema is 9, this program knows up to 5); use the newer "
                "certherd, or move the file away to begin a new history");
    }
    CHECK(content(database.path) == before);
  }

  TEST_CASE("an empty file becomes a database; reading it says what to do") {
    const TempDir dir;
    const auto path = dir.write("certherd.db", "");
    CHECK(Journal::open(path, Journal::Mode::read_only).fault().text() ==
          "the database " + path.string() +
              " has the older schema 0; start the service, or run a verb that changes something, to bring it up to "
              "date");
    REQUIRE(Journal::open(path, Journal::Mode::read_write));
    CHECK(Journal::open(path, Journal::Mode::read_only).ok());
  }

  TEST_CASE("a write that fails midway throws and changes nothing") {
    SampleDatabase database;
    database.save(ended_run("a", "example.com", 1, Outcome::deployed));
    database.journal.reset();
    const std::string told = in_child([&]() -> std::string {
      const auto journal = database.open();
      limit_file_size(200 * 1024);
      Run run = sample_run("b");
      run.reason = std::string(1 << 20, 'x');
      try {
        journal->begin_run(run);
      } catch (const Failed& failed) {
        return failed.fault().text();
      }
      return "no fault";
    });
    CHECK(told == "cannot write to the database " + database.path.string() +
                      ": disk I/O error; check the file system: free space, and the kernel's log");
    CHECK(ids(database.open()->history()) == Texts{"a"});
  }

  TEST_CASE("a database that another program holds is waited for, and then told") {
    const SampleDatabase database;
    database.save(ended_run("a", "example.com", 1, Outcome::deployed));
    const auto hurried = Journal::open(database.path, Journal::Mode::read_write, Milliseconds(50)).or_throw();
    Poco::Data::Session other("SQLite", database.path.string());
    other << "BEGIN IMMEDIATE", Poco::Data::Keywords::now;
    const std::string told = "cannot write to the database " + database.path.string() +
                             ": database is locked; another program holds the database; end it";
    CHECK_THROWS_WITH_AS(hurried->save_state({}), told.c_str(), Failed);
    CHECK_THROWS_WITH_AS(hurried->begin_run(sample_run("b")), told.c_str(), Failed);
    // Readers go on.
    CHECK(ids(hurried->history()) == Texts{"a"});
    other << "COMMIT", Poco::Data::Keywords::now;
    hurried->begin_run(sample_run("c"));
    CHECK(hurried->find_run("c").ok());
    CHECK_FALSE(hurried->find_run("b").ok());
  }

  TEST_CASE("a lock that ends in time is only waited for") {
    const SampleDatabase database;
    Poco::Data::Session other("SQLite", database.path.string());
    other << "BEGIN IMMEDIATE", Poco::Data::Keywords::now;
    std::thread writing([&] { database.journal->begin_run(sample_run("a")); });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    other << "COMMIT", Poco::Data::Keywords::now;
    writing.join();
    CHECK(database.journal->find_run("a").ok());
  }

  TEST_CASE("nobody who reads waits for a writer that waits") {
    const SampleDatabase database;
    database.save(ended_run("a", "example.com", 1, Outcome::deployed));
    Poco::Data::Session other("SQLite", database.path.string());
    other << "BEGIN IMMEDIATE", Poco::Data::Keywords::now;
    std::atomic<bool> written = false;
    std::thread writing([&] {
      database.journal->begin_run(sample_run("b"));
      written = true;
    });
    // Some of them come while it waits.
    for (int i = 0; i < 50; ++i) {
      CHECK(ids(database.journal->history()) == Texts{"a"});
      std::this_thread::sleep_for(Milliseconds(2));
    }
    CHECK_FALSE(written);
    other << "COMMIT", Poco::Data::Keywords::now;
    writing.join();
    CHECK(ids(database.journal->history()).size() == 2);
  }

  TEST_CASE("a database held for itself by another program cannot be opened") {
    SampleDatabase database;
    database.journal.reset();
    Poco::Data::Session other("SQLite", database.path.string());
    // An exclusive lock in WAL mode takes hold with the first write.
    other << "PRAGMA locking_mode = EXCLUSIVE", Poco::Data::Keywords::now;
    other << "UPDATE schema_version SET version = version", Poco::Data::Keywords::now;
    const auto fault = Journal::open(database.path, Journal::Mode::read_write, Milliseconds(50)).fault();
    CHECK(fault.message.starts_with("cannot open the database " + database.path.string() + ": database is locked"));
    CHECK(fault.fix == "another program holds the database; end it");
  }

  TEST_CASE("a full disk") {
    SampleDatabase database;
    database.journal.reset();
    const std::string told = in_child([&]() -> std::string {
      if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        return "no mount";
      const auto small = database.dir.path() / "small";
      fs::create_directory(small);
      if (::mount("none", small.c_str(), "tmpfs", 0, "size=512k") != 0) return "no mount";
      const auto journal = Journal::open(small / "certherd.db", Journal::Mode::read_write).or_throw();
      journal->begin_run(sample_run("a"));
      CertificateState state;
      state.certificate = "example.com";
      state.fingerprint = std::string(1 << 20, 'x');
      std::string text = "no fault";
      try {
        journal->save_state(state);
      } catch (const Failed& failed) {
        text = failed.fault().text();
      }
      const bool whole = journal->states().empty() && journal->find_run("a").ok();
      journal->begin_run(sample_run("b"));
      return text + (whole ? "; nothing lost" : "; something lost");
    });
    if (told == "no mount") {
      MESSAGE("skipped: a file system cannot be mounted here");
      return;
    }
    CHECK(told == "cannot write to the database " + (database.dir.path() / "small" / "certherd.db").string() +
                      ": database or disk is full; free some space on that file system; nothing lost");
  }
}
