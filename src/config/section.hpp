#pragma once

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/os/yaml.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace certherd::config {

using Faults = std::vector<Fault>;

/// "'word' is not a <what>" with the candidate that was probably meant.
Fault unknown_word(const std::string& what, const std::string& word, const std::vector<std::string>& candidates,
                   const SourceMark& mark);

/// Reads one map of the configuration. Every accessor notes the key as known, gives nullopt where it is absent or wrong
/// (then with a fault), and finish() reports the keys that nobody asked for. So the accessors are the schema.
class Section {
public:
  /// `what` names the map in messages: "account 'main'", "the configuration".
  Section(const os::YamlNode& node, std::string what, Faults& faults);

  bool usable() const { return node_.is_map(); }
  const SourceMark& mark() const { return node_.mark; }
  const std::string& what() const { return what_; }
  Faults& faults() { return faults_; }

  /// The value of a key, null values included.
  const os::YamlNode* get(const std::string& key);
  std::optional<std::string> text(const std::string& key);
  std::optional<bool> boolean(const std::string& key);
  std::optional<long long> integer(const std::string& key, long long least, long long most);
  std::optional<Seconds> duration(const std::string& key);
  /// A whole number of seconds or a duration: propagation_seconds has its unit in the name.
  std::optional<Seconds> seconds(const std::string& key, long long most);
  /// The same or the word `auto`, which sets `automatic`.
  std::optional<Seconds> seconds_or_auto(const std::string& key, long long most, bool& automatic);
  std::optional<std::filesystem::path> path(const std::string& key);
  std::optional<std::vector<std::string>> texts(const std::string& key);
  std::optional<unsigned> mode(const std::string& key);
  std::optional<ValueSource> source(const std::string& key);
  /// One of several words, given by its index.
  std::optional<std::size_t> choice(const std::string& key, const std::vector<std::string>& words);

  void require(const std::string& key);  ///< a fault when it is absent
  void fault(const SourceMark& mark, std::string message, std::string fix = {});
  void finish();

private:
  /// Of the key or one of its items: whether it is a single value, with a fault if not.
  bool is_scalar(const os::YamlNode& node, const std::string& key);
  /// The key's node if it is there and a single value.
  const os::YamlNode* scalar(const std::string& key);

  const os::YamlNode& node_;
  std::string what_;
  Faults& faults_;
  std::vector<std::string> known_;
};

/// A value or {file:}, {env:}, {systemd_credential:}.
std::optional<ValueSource> read_source(const os::YamlNode& node, const std::string& what, Faults& faults);

/// Paths are relative to the file they stand in.
std::filesystem::path resolve_path(const std::string& text, const SourceMark& mark);

}  // namespace certherd::config
