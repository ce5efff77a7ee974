#pragma once

#include <certherd/base/result.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace certherd::os {

/// A YAML value with its place. Scalars keep the text as written: what it means is decided by whoever knows the key, so
/// nothing is turned into a number, a date or a boolean behind the author's back. Aliases are resolved; merge keys
/// ("<<") are applied (own keys win over merged ones, as the YAML merge type says); cycles and expansion bombs are
/// Faults.
struct YamlNode {
  enum class Kind { null, scalar, sequence, map };
  struct Entry;

  Kind kind = Kind::null;
  SourceMark mark;
  std::string text;             ///< scalar
  bool quoted = false;          ///< scalar: written in quotes or as a block, so certainly a string
  std::vector<YamlNode> items;  ///< sequence
  std::vector<Entry> entries;   ///< map, in the order written, keys unique

  bool is_map() const { return kind == Kind::map; }
  bool is_scalar() const { return kind == Kind::scalar; }
  bool is_sequence() const { return kind == Kind::sequence; }
  bool is_null() const { return kind == Kind::null; }
  const YamlNode* find(std::string_view key) const;  ///< map: the value of a key, or nullptr
};

struct YamlNode::Entry {
  std::string key;
  SourceMark mark;  ///< of the key
  YamlNode value;
};

/// A YAML file: the tree and its faults.
struct YamlFile {
  YamlNode root;              ///< null when the file is empty or broken
  std::vector<Fault> faults;  ///< syntax error, duplicate keys, non-scalar keys, several documents …
};

/// Reads a file. Not readable: one Fault without a mark.
YamlFile read_yaml(const std::string& path);
/// The same from text, for tests; `name` stands in the marks.
YamlFile parse_yaml(std::string_view text, const std::string& name);

}  // namespace certherd::os
