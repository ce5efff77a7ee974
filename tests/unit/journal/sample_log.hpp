#pragma once

#include <certherd/base/text.hpp>
#include <certherd/journal/audit_log.hpp>

#include <boost/json.hpp>

#include <doctest/doctest.h>
#include <support/temp_dir.hpp>
#include <support/texts.hpp>

#include "samples.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace certherd::test {

inline journal::AuditEntry entry(const std::string& action) {
  journal::AuditEntry entry;
  entry.time = at(0);
  entry.actor = "scheduler";
  entry.action = action;
  return entry;
}

/// A line whose own hash is right.
inline std::string forged(const std::string& action, const journal::AuditHead& previous) {
  return journal::audit_line(entry(action), previous);
}

inline journal::AuditHead head_of(const std::string& line) {
  const auto value = boost::json::parse(line);
  return {static_cast<std::uint64_t>(value.at("seq").as_int64()), std::string(value.at("hash").as_string())};
}

/// A log with `count` entries "action-1" …, and means to spoil it.
struct SampleLog {
  explicit SampleLog(int count = 0) {
    auto log = journal::AuditLog::open(path, head).or_throw();
    for (int i = 1; i <= count; ++i) head = log.append(entry("action-" + std::to_string(i))).or_throw();
  }

  std::string content() const { return test::content(path); }
  void write(const std::string& text) const { write_file(path, text); }
  Texts lines() const {
    Texts all = split(content(), '\n');
    all.pop_back();
    return all;
  }
  void write_lines(const Texts& lines) const {
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    write(text);
  }
  Result<journal::AuditHead> append(const std::string& action) {
    return journal::AuditLog::open(path, head).or_throw().append(entry(action));
  }

  /// "ok, N entries" or "line N: problem".
  std::string verdict(const std::optional<journal::AuditHead>& known) const {
    const auto verdict = journal::verify_audit(path, known);
    CHECK(verdict.ok == verdict.problem.empty());
    if (verdict.ok) return "ok, " + std::to_string(verdict.entries) + " entries";
    return verdict.line ? "line " + std::to_string(*verdict.line) + ": " + verdict.problem : verdict.problem;
  }
  std::string verdict() const { return verdict(head); }

  TempDir dir;
  std::filesystem::path path = dir.path() / "log" / "audit.jsonl";
  journal::AuditHead head;
};

}  // namespace certherd::test
