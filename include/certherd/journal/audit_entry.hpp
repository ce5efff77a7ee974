#pragma once

#include <certherd/base/time.hpp>
#include <certherd/model/run.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace certherd::journal {

/// Where the chain of the audit log stands: the last entry's number and hash. Number 0 is the beginning.
struct AuditHead {
  std::uint64_t seq = 0;
  std::string hash = std::string(64, '0');  ///< SHA-256, hexadecimal
  friend bool operator==(const AuditHead&, const AuditHead&) = default;
};

/// One line of the audit log before it has its place in the chain. Empty texts and lists are left out of the line.
struct AuditEntry {
  TimePoint time;
  std::string actor;   ///< "scheduler", "user:0:root", "token:7:ci"
  std::string action;  ///< "issue", "renew", "publish", "register", "revoke" …
  std::string certificate;
  std::vector<std::string> domains;
  std::string provider;
  std::string account;
  std::string ca;
  std::string run;
  std::string reason;
  std::string outcome;
  std::optional<Generation> generation;  ///< what was published: its number, serial and end are written
  std::optional<Failure> failure;
  std::vector<Span> phases;
  std::vector<ServerVisibility> visibility;  ///< when each name server showed the TXT records
  std::optional<Milliseconds> wait_ended;    ///< when certherd ended certbot's wait for them
  std::string certbot_version;
  std::string command;  ///< redacted
};

/// The entry of a finished Run. Visibility, version and command are those of its last Attempt.
AuditEntry audit_entry(const Run& run, const std::string& action);

/// The whole line, without its newline, of an entry that follows `previous`:
/// {"seq":1,"time":…,"actor":…,"action":…, …,"prev":"<hash of the entry before>","hash":"<SHA-256>"}
/// The hash is over the text of the line up to, not including, `,"hash":`, so that a log can be checked with sha256sum
/// and no knowledge of JSON. Keys always stand in the same order. Texts are made printable() first: what certbot and
/// the CA wrote may hold any byte, a line of JSON may not.
std::string audit_line(const AuditEntry& entry, const AuditHead& previous);

}  // namespace certherd::journal
