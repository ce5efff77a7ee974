#pragma once

#include <support/files.hpp>

#include <stdlib.h>

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace certherd::test {

/// A directory of its own for each test case, removed with everything in it.
class TempDir {
public:
  explicit TempDir(const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
    std::string name = (parent / "certherd-test-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp failed: " + name);
    path_ = name;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

  /// write_file() of a name below the directory.
  std::filesystem::path write(const std::string& name, std::string_view content,
                              std::optional<mode_t> mode = {}) const {
    return write_file(path_ / name, content, mode);
  }

private:
  std::filesystem::path path_;
};

}  // namespace certherd::test
