#pragma once

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/model/version.hpp>
#include <certherd/os/yaml.hpp>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::providers {

/// Takes the values of one YAML map by name and type. What is wrong goes to `faults`; the value is then absent. Every
/// name that was asked for counts as known, so finish() can report the rest.
class EntryReader {
public:
  /// `node` may be nullptr (an absent section). `section` is what messages call it, "" for the whole file.
  EntryReader(const os::YamlNode* node, std::string section, std::vector<Fault>& faults);

  const os::YamlNode* map(const std::string& key);
  std::string text(const std::string& key);
  bool flag(const std::string& key);  ///< true or false; absent is false
  std::optional<Seconds> seconds(const std::string& key);
  std::optional<Version> version(const std::string& key);
  /// One of `allowed`; empty when absent.
  std::string choice(const std::string& key, std::span<const std::string> allowed);
  std::vector<std::string> texts(const std::string& key);
  /// A map whose values are texts.
  std::map<std::string, std::string> text_map(const std::string& key);
  /// A list of maps.
  std::vector<const os::YamlNode*> maps(const std::string& key);
  std::vector<std::vector<std::string>> text_lists(const std::string& key);

  bool has(const std::string& key) const { return node_ && node_->find(key); }
  /// The place of a key's value, or of the section when it is absent.
  SourceMark mark(const std::string& key) const;
  void finish();

private:
  const os::YamlNode* take(const std::string& key, os::YamlNode::Kind kind, std::string_view kind_name);
  std::vector<std::string> texts_of(const os::YamlNode& node, const std::string& key);
  std::string name_of(const std::string& key) const { return section_.empty() ? key : section_ + "." + key; }

  const os::YamlNode* node_;
  std::string section_;
  std::vector<Fault>& faults_;
  std::vector<std::string> known_;
};

}  // namespace certherd::providers
