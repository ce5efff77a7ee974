#include "line_splitter.hpp"

#include <algorithm>
#include <utility>

namespace certherd::os {

LineSplitter::LineSplitter(std::size_t limit, std::function<void(std::string_view)> line)
    : limit_(limit), line_(std::move(line)) {}

void LineSplitter::feed(std::string_view bytes) {
  for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    append(bytes.substr(0, end));
    deliver();
    bytes.remove_prefix(end + 1);
  }
  append(bytes);
}

void LineSplitter::finish() {
  if (!kept_.empty() || dropped_ > 0) deliver();
}

void LineSplitter::append(std::string_view part) {
  const std::size_t fits = std::min(part.size(), limit_ - kept_.size());
  kept_ += part.substr(0, fits);
  dropped_ += part.size() - fits;
}

void LineSplitter::deliver() {
  if (dropped_ > 0) kept_ += " [" + std::to_string(dropped_) + " bytes dropped]";
  // The state is clean again before the callback, which may throw.
  const std::string line = std::exchange(kept_, {});
  dropped_ = 0;
  line_(line);
}

}  // namespace certherd::os
