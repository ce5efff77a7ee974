#pragma once

#include <string>

namespace certherd {

/// The name of a text file, kept once for the whole program: a large configuration has hundreds of thousands of marks
/// in few files. Safe to use from several threads.
class FileName {
public:
  FileName() = default;
  FileName(const std::string& name);
  FileName(const char* name) : FileName(std::string(name)) {}

  const std::string& text() const;
  operator const std::string&() const { return text(); }
  bool empty() const { return !name_; }
  friend bool operator==(const FileName&, const FileName&) = default;

private:
  const std::string* name_ = nullptr;  ///< nullptr: the empty one
};

/// A place in a text file. Lines and columns count from 1; columns count bytes.
struct SourceMark {
  FileName file;
  int line = 0;
  int column = 0;
  friend bool operator==(const SourceMark&, const SourceMark&) = default;
};

/// "file:line:column".
std::string to_string(const SourceMark& mark);

}  // namespace certherd
