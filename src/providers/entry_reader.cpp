#include "entry_reader.hpp"

#include <certherd/base/text.hpp>

#include <algorithm>

namespace certherd::providers {
using os::YamlNode;

EntryReader::EntryReader(const YamlNode* node, std::string section, std::vector<Fault>& faults)
    : node_(node), section_(std::move(section)), faults_(faults) {}

const YamlNode* EntryReader::take(const std::string& key, YamlNode::Kind kind, std::string_view kind_name) {
  known_.push_back(key);
  const YamlNode* value = node_ ? node_->find(key) : nullptr;
  if (!value) return nullptr;
  if (value->kind == kind) return value;
  faults_.push_back({"'" + name_of(key) + "' must be " + std::string(kind_name), "", value->mark});
  return nullptr;
}

const YamlNode* EntryReader::map(const std::string& key) {
  return take(key, YamlNode::Kind::map, "a map");
}

std::string EntryReader::text(const std::string& key) {
  const YamlNode* value = take(key, YamlNode::Kind::scalar, "a text");
  return value ? value->text : std::string();
}

bool EntryReader::flag(const std::string& key) {
  const YamlNode* value = take(key, YamlNode::Kind::scalar, "true or false");
  if (!value || value->text == "false") return false;
  if (value->text != "true")
    faults_.push_back({"'" + name_of(key) + "' must be true or false, not '" + value->text + "'", "", value->mark});
  return value->text == "true";
}

std::optional<Seconds> EntryReader::seconds(const std::string& key) {
  const YamlNode* value = take(key, YamlNode::Kind::scalar, "a number of seconds");
  if (!value) return std::nullopt;
  constexpr long long longest = 24 * 3600;
  const auto number = parse_number(value->text);
  if (number && *number <= longest) return Seconds(*number);
  faults_.push_back(
      {"'" + name_of(key) + "' must be a number of seconds up to a day, not '" + value->text + "'", "", value->mark});
  return std::nullopt;
}

std::optional<Version> EntryReader::version(const std::string& key) {
  const YamlNode* value = take(key, YamlNode::Kind::scalar, "a version such as 2.1.0");
  if (!value) return std::nullopt;
  const auto version = parse_version(value->text);
  if (!version)
    faults_.push_back(
        {"'" + name_of(key) + "' must be a version such as 2.1.0, not '" + value->text + "'", "", value->mark});
  return version;
}

std::string EntryReader::choice(const std::string& key, std::span<const std::string> allowed) {
  const YamlNode* value = take(key, YamlNode::Kind::scalar, "one of " + join(allowed, ", "));
  if (!value) return {};
  if (std::find(allowed.begin(), allowed.end(), value->text) != allowed.end()) return value->text;
  const auto meant = closest(value->text, allowed);
  faults_.push_back({"'" + name_of(key) + "' cannot be '" + value->text + "'; it is one of " + join(allowed, ", "),
                     meant ? "did you mean '" + *meant + "'?" : "", value->mark});
  return {};
}

std::vector<std::string> EntryReader::texts_of(const YamlNode& node, const std::string& key) {
  std::vector<std::string> texts;
  for (const auto& item : node.items) {
    if (item.is_scalar())
      texts.push_back(item.text);
    else
      faults_.push_back({"'" + name_of(key) + "' must hold texts only", "", item.mark});
  }
  return texts;
}

std::vector<std::string> EntryReader::texts(const std::string& key) {
  const YamlNode* value = take(key, YamlNode::Kind::sequence, "a list of texts");
  return value ? texts_of(*value, key) : std::vector<std::string>();
}

std::map<std::string, std::string> EntryReader::text_map(const std::string& key) {
  std::map<std::string, std::string> texts;
  const YamlNode* value = take(key, YamlNode::Kind::map, "a map of texts");
  if (!value) return texts;
  for (const auto& entry : value->entries) {
    if (entry.value.is_scalar())
      texts[entry.key] = entry.value.text;
    else
      faults_.push_back({"'" + name_of(key) + "' must hold texts only", "", entry.mark});
  }
  return texts;
}

std::vector<const YamlNode*> EntryReader::maps(const std::string& key) {
  std::vector<const YamlNode*> maps;
  const YamlNode* value = take(key, YamlNode::Kind::sequence, "a list of maps");
  if (!value) return maps;
  for (const auto& item : value->items) {
    if (item.is_map())
      maps.push_back(&item);
    else
      faults_.push_back({"'" + name_of(key) + "' must be a list of maps", "", item.mark});
  }
  return maps;
}

std::vector<std::vector<std::string>> EntryReader::text_lists(const std::string& key) {
  std::vector<std::vector<std::string>> lists;
  const YamlNode* value = take(key, YamlNode::Kind::sequence, "a list of lists of key names");
  if (!value) return lists;
  for (const auto& item : value->items) {
    if (item.is_sequence())
      lists.push_back(texts_of(item, key));
    else
      faults_.push_back({"'" + name_of(key) + "' must be a list of lists of key names", "", item.mark});
  }
  return lists;
}

SourceMark EntryReader::mark(const std::string& key) const {
  if (!node_) return {};
  const YamlNode* value = node_->find(key);
  return value ? value->mark : node_->mark;
}

void EntryReader::finish() {
  if (!node_) return;
  for (const auto& entry : node_->entries) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    const auto meant = closest(entry.key, known_);
    faults_.push_back(
        {"unknown key '" + name_of(entry.key) + "'", meant ? "did you mean '" + *meant + "'?" : "", entry.mark});
  }
}

}  // namespace certherd::providers
