#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace certherd::os {

/// Cuts a stream of bytes into lines while holding at most one line of `limit` bytes. What a longer line has beyond
/// the limit is dropped and counted: "the first bytes [123 bytes dropped]".
class LineSplitter {
public:
  LineSplitter(std::size_t limit, std::function<void(std::string_view)> line);
  void feed(std::string_view bytes);
  /// The stream has ended: delivers a last line that had no newline.
  void finish();

private:
  void append(std::string_view part);
  void deliver();

  std::size_t limit_;
  std::function<void(std::string_view)> line_;
  std::string kept_;
  std::size_t dropped_ = 0;
};

}  // namespace certherd::os
