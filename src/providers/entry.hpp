#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/provider.hpp>
#include <certherd/os/yaml.hpp>

#include <string>
#include <vector>

namespace certherd::providers {

/// Reads and checks one entry of the plugins-map. Meaningless when it added to `faults`.
Provider read_entry(const std::string& id, const os::YamlNode& root, std::vector<Fault>& faults);

}  // namespace certherd::providers
