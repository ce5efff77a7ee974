#include <certherd/base/mark.hpp>

namespace certherd {

std::string to_string(const SourceMark& mark) {
  return mark.file + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

}  // namespace certherd
