#pragma once

#include "entry_reader.hpp"

#include <certherd/model/provider.hpp>

namespace certherd::providers {

/// Reads what the provider can be asked: `zone_list` and `dynamic_update`. The keys of the credentials are read
/// already.
void read_questions(EntryReader& reader, Provider& provider, std::vector<Fault>& faults);

}  // namespace certherd::providers
