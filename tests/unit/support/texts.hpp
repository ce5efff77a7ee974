#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace certherd::test {

/// A list of texts that a failing comparison shows, a line each.
struct Texts : std::vector<std::string> {
  using vector::vector;
  Texts(std::vector<std::string> texts) : vector(std::move(texts)) {}
  friend std::ostream& operator<<(std::ostream& out, const Texts& texts) {
    for (const auto& text : texts) out << "\n    \"" << text << '"';
    return out;
  }
};

}  // namespace certherd::test
