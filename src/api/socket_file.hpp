#pragma once

#include <certherd/base/result.hpp>
#include <certherd/os/fd.hpp>

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace certherd::api {

/// A listening Unix socket with its file, which goes when the object goes, unless another has taken its place.
class SocketFile {
public:
  /// See start_control_server(). The descriptor does not block and is not inherited.
  static Result<SocketFile> listen(const std::filesystem::path& path, mode_t mode, const std::string& group);
  SocketFile(SocketFile&& other) noexcept = default;
  SocketFile& operator=(SocketFile&& other) = delete;
  ~SocketFile() { close(); }

  int fd() const { return fd_.get(); }
  void close();

private:
  SocketFile(os::Fd fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}

  os::Fd fd_;
  std::filesystem::path path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace certherd::api
