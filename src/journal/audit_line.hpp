#pragma once

// The text of one line of the audit log: how it is closed by its hash, and what a reader needs of it.

#include <certherd/journal/audit_entry.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace certherd::journal {

/// The place of a line in the chain, as the line itself says it.
struct ChainPlace {
  std::uint64_t seq = 0;
  std::string_view prev;
  std::string_view hash;
  std::string_view hashed;  ///< the text that the hash is over
};

/// nullopt: the line does not have the form of an entry. Whether the hash is right is not looked at.
std::optional<ChainPlace> chain_place(std::string_view line);

bool hash_is_right(const ChainPlace& place);

/// Rest of an entry that a crash left at the end of the log.
struct BrokenTail {
  std::uint64_t bytes = 0;
  std::string sha256;
  friend bool operator==(const BrokenTail&, const BrokenTail&) = default;
};

BrokenTail broken_tail(std::string_view text);

/// The entry that stands after a broken tail.
std::string recovered_line(TimePoint time, const BrokenTail& tail, const AuditHead& previous);

/// What an entry of the action "recovered" says; nullopt for every other line.
std::optional<BrokenTail> recovered_tail(std::string_view line);

}  // namespace certherd::journal
