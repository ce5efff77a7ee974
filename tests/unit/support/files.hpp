#pragma once

#include <support/texts.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace certherd::test {

/// The whole file; "" if there is none.
inline std::string content(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Writes a file, making the directories on the way; gives its path. Without a mode the umask decides.
inline std::filesystem::path write_file(const std::filesystem::path& file, std::string_view content,
                                        std::optional<mode_t> mode = {}) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
  if (mode) std::filesystem::permissions(file, std::filesystem::perms(*mode));
  return file;
}

/// The same for a program that its owner can start.
inline std::filesystem::path write_script(const std::filesystem::path& file, std::string_view content) {
  return write_file(file, content, 0700);
}

inline mode_t mode_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) throw std::system_error(errno, std::generic_category(), file.string());
  return status.st_mode & 07777;
}

/// Names in a directory, sorted; hidden ones too.
inline Texts names_in(const std::filesystem::path& directory) {
  Texts names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace certherd::test
