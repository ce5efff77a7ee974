#pragma once

// Names on disk that publishing and reading share.

#include <certherd/model/settings.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace certherd::store {

inline std::filesystem::path link_of(const Paths& paths, const std::string& certificate) {
  return paths.store_dir / certificate;
}

inline std::filesystem::path home_of(const Paths& paths, const std::string& certificate) {
  return paths.generations_dir() / certificate;
}

/// Numbers of the whole Generations of a Certificate, rising. None when there are none or they cannot be listed.
std::vector<int> generation_numbers(const std::filesystem::path& home);

/// The number of the Generation that the link points to; 0: no link, or not to a Generation of this Certificate.
int linked_number(const Paths& paths, const std::string& certificate);

}  // namespace certherd::store
