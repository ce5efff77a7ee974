#pragma once

#include <certherd/journal/journal.hpp>

#include <support/temp_dir.hpp>

#include "samples.hpp"

#include <filesystem>
#include <memory>

namespace certherd::test {

/// A journal in a directory of its own.
struct SampleDatabase {
  using Journal = journal::Journal;

  TempDir dir;
  std::filesystem::path path = dir.path() / "certherd.db";
  std::unique_ptr<Journal> journal = open();

  std::unique_ptr<Journal> open(Journal::Mode mode = Journal::Mode::read_write) const {
    return Journal::open(path, mode).or_throw();
  }
  void save(const Run& run) const {
    journal->begin_run(run);
    for (const auto& attempt : run.attempts) journal->save_attempt(run.id, attempt);
    for (const auto& job : run.hook_jobs) journal->save_hook_job(job);
    journal->finish_run(run);
  }
};

}  // namespace certherd::test
