#pragma once

// What a log entry looks like in the journal and in a file.

#include <certherd/os/log.hpp>

#include <string>
#include <vector>

namespace certherd::os {

/// Whether the descriptor is the stream to the journal that JOURNAL_STREAM ("device:inode") names. Null: no.
bool is_journal_stream(int descriptor, const char* journal_stream);

/// The fields of a journal entry, each "NAME=value" (systemd.journal-fields(7)). Our names are upper case; values may
/// hold newlines.
std::vector<std::string> journal_fields(LogLevel level, std::string_view text, const LogFields& fields);

/// "text (certificate=… run=…)": what of the fields the text does not say itself.
std::string text_with_fields(std::string_view text, const LogFields& fields);

}  // namespace certherd::os
