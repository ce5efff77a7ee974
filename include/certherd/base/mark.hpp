#pragma once

#include <string>

namespace certherd {

/// A place in a text file. Lines and columns count from 1; columns count bytes.
struct SourceMark {
  std::string file;
  int line = 0;
  int column = 0;
  friend bool operator==(const SourceMark&, const SourceMark&) = default;
};

/// "file:line:column".
std::string to_string(const SourceMark& mark);

}  // namespace certherd
