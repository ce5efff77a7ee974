#include "section.hpp"

#include <certherd/base/text.hpp>

#include <algorithm>

namespace certherd::config {
namespace fs = std::filesystem;
using os::YamlNode;

namespace {

std::string kind_name(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "nothing";
    case YamlNode::Kind::scalar:
      return "a single value";
    case YamlNode::Kind::sequence:
      return "a list";
    case YamlNode::Kind::map:
      return "a map";
  }
  return {};
}

std::string quoted(const std::string& text) {
  return "'" + printable(bounded(text, 80)) + "'";
}

/// Why a scalar is no plain whole number, in the author's terms: YAML readers disagree on all of these.
std::string number_trouble(const std::string& text) {
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (digits && text.size() > 1 && text[0] == '0') return "has a leading zero, which YAML 1.1 reads as octal";
  if (text.starts_with("0x") || text.starts_with("0o") || text.starts_with("0b")) return "is not written in decimal";
  const bool has_digit = std::any_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (has_digit && text.find_first_not_of("0123456789+-._eE:") == std::string::npos)
    return "is a number in a form that YAML readers take differently";
  return "is not a number";
}

}  // namespace

Fault unknown_word(const std::string& what, const std::string& word, const std::vector<std::string>& candidates,
                   const SourceMark& mark) {
  Fault fault{quoted(word) + " is not " + what, {}, mark};
  if (const auto meant = closest(word, candidates)) {
    fault.fix = "did you mean '" + *meant + "'?";
  } else if (!candidates.empty() && candidates.size() <= 16) {
    fault.fix = "known: " + join(candidates, ", ");
  }
  return fault;
}

fs::path resolve_path(const std::string& text, const SourceMark& mark) {
  return fs::absolute(fs::path(mark.file.text()).parent_path() / text).lexically_normal();
}

Section::Section(const YamlNode& node, std::string what, Faults& faults)
    : node_(node), what_(std::move(what)), faults_(faults) {
  if (!node.is_map()) fault(node.mark, what_ + " must be a map of keys and values, and this is " + kind_name(node));
}

const YamlNode* Section::get(const std::string& key) {
  known_.push_back(key);
  return node_.find(key);
}

bool Section::is_scalar(const YamlNode& node, const std::string& key) {
  if (node.is_scalar()) return true;
  fault(node.mark, "'" + key + "' of " + what_ + " must be a single value, and this is " + kind_name(node));
  return false;
}

const YamlNode* Section::scalar(const std::string& key) {
  const YamlNode* node = get(key);
  return node && is_scalar(*node, key) ? node : nullptr;
}

std::optional<std::string> Section::text(const std::string& key) {
  const YamlNode* node = scalar(key);
  if (!node) return std::nullopt;
  if (node->text.empty()) {
    fault(node->mark, "'" + key + "' of " + what_ + " is empty");
    return std::nullopt;
  }
  if (node->text.find('\0') != std::string::npos) {
    fault(node->mark, "'" + key + "' of " + what_ + " holds a NUL character");
    return std::nullopt;
  }
  return node->text;
}

std::optional<bool> Section::boolean(const std::string& key) {
  const YamlNode* node = scalar(key);
  if (!node) return std::nullopt;
  const std::string word = to_lower(node->text);
  if (word == "true" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "no" || word == "off") return false;
  fault(node->mark, "'" + key + "' of " + what_ + " is true or false, and this is " + quoted(node->text));
  return std::nullopt;
}

std::optional<long long> Section::integer(const std::string& key, long long least, long long most) {
  const YamlNode* node = scalar(key);
  if (!node) return std::nullopt;
  const std::string range = std::to_string(least) + " to " + std::to_string(most);
  const auto number = parse_number(node->text);
  if (!number) {
    fault(node->mark, "'" + key + "' of " + what_ + ": " + quoted(node->text) + " " + number_trouble(node->text),
          "write a whole number from " + range + " in plain decimal");
    return std::nullopt;
  }
  if (*number < least || *number > most) {
    fault(node->mark, "'" + key + "' of " + what_ + " is " + node->text + "; it can be " + range);
    return std::nullopt;
  }
  return number;
}

std::optional<Seconds> Section::duration(const std::string& key) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto parsed = parse_duration(*value);
  if (parsed && parsed->count() > 0) return *parsed;
  const SourceMark mark = node_.find(key)->mark;
  if (parsed)
    fault(mark, "'" + key + "' of " + what_ + " must be longer than zero");
  else
    fault(mark, "'" + key + "' of " + what_ + ": " + parsed.fault().message, parsed.fault().fix);
  return std::nullopt;
}

std::optional<Seconds> Section::seconds(const std::string& key, long long most) {
  const YamlNode* node = node_.find(key);
  if (node && node->is_scalar()) {
    const auto as_duration = parse_duration(node->text);
    if (as_duration && as_duration->count() <= most) {
      get(key);
      return *as_duration;
    }
  }
  const auto number = integer(key, 0, most);
  return number ? std::optional(Seconds(*number)) : std::nullopt;
}

std::optional<Seconds> Section::seconds_or_auto(const std::string& key, long long most, bool& automatic) {
  const YamlNode* node = node_.find(key);
  automatic = node && node->is_scalar() && node->text == "auto";
  if (!automatic) return seconds(key, most);
  get(key);
  return std::nullopt;
}

std::optional<fs::path> Section::path(const std::string& key) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  return resolve_path(*value, node_.find(key)->mark);
}

std::optional<std::vector<std::string>> Section::texts(const std::string& key) {
  const YamlNode* node = get(key);
  if (!node) return std::nullopt;
  if (!node->is_sequence()) {
    fault(node->mark, "'" + key + "' of " + what_ + " must be a list, and this is " + kind_name(*node),
          "write it in brackets: " + key + ": [...]");
    return std::nullopt;
  }
  std::vector<std::string> values;
  for (const auto& item : node->items) {
    if (!is_scalar(item, key)) return std::nullopt;
    values.push_back(item.text);
  }
  return values;
}

std::optional<unsigned> Section::mode(const std::string& key) {
  const YamlNode* node = scalar(key);
  if (!node) return std::nullopt;
  // Modes are octal by nature, so here, and only here, 0640 means what it says.
  const bool octal = (node->text.size() == 3 || (node->text.size() == 4 && node->text.front() == '0')) &&
                     node->text.find_first_not_of("01234567") == std::string::npos;
  if (!octal) {
    fault(node->mark, "'" + key + "' of " + what_ + ": " + quoted(node->text) + " is not a file mode",
          "write three octal digits, maybe with a zero before them: 0640");
    return std::nullopt;
  }
  return static_cast<unsigned>(std::stoul(node->text, nullptr, 8));
}

std::optional<ValueSource> Section::source(const std::string& key) {
  const YamlNode* node = get(key);
  if (!node) return std::nullopt;
  return read_source(*node, "'" + key + "' of " + what_, faults_);
}

std::optional<std::size_t> Section::choice(const std::string& key, const std::vector<std::string>& words) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *value);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  faults_.push_back(unknown_word("a value of '" + key + "'", *value, words, node_.find(key)->mark));
  return std::nullopt;
}

void Section::require(const std::string& key) {
  if (usable() && !node_.find(key)) fault(node_.mark, what_ + " needs the key '" + key + "'");
}

void Section::fault(const SourceMark& mark, std::string message, std::string fix) {
  faults_.push_back({std::move(message), std::move(fix), mark});
}

void Section::finish() {
  for (const auto& entry : node_.entries)
    if (std::find(known_.begin(), known_.end(), entry.key) == known_.end())
      faults_.push_back(unknown_word("a key of " + what_, entry.key, known_, entry.mark));
}

std::optional<ValueSource> read_source(const YamlNode& node, const std::string& what, Faults& faults) {
  using Kind = ValueSource::Kind;
  if (node.is_scalar() && !node.text.empty()) return ValueSource{Kind::literal, node.text, node.mark};
  if (!node.is_map()) {
    faults.push_back(
        {what + " needs a value or a source, and this is " + (node.is_scalar() ? "empty" : kind_name(node)),
         "write a value, {file: PATH}, {env: NAME} or {systemd_credential: NAME}", node.mark});
    return std::nullopt;
  }
  const std::size_t before = faults.size();
  Section section(node, what, faults);
  const auto file = section.text("file");
  const auto env = section.text("env");
  const auto credential = section.text("systemd_credential");
  section.finish();
  if (faults.size() > before) return std::nullopt;
  if (node.entries.size() != 1) {
    faults.push_back({what + " needs exactly one of file, env and systemd_credential", "", node.mark});
    return std::nullopt;
  }
  const SourceMark mark = node.entries.front().value.mark;
  if (file) return ValueSource{Kind::file, resolve_path(*file, mark).string(), mark};
  if (env) return ValueSource{Kind::env, *env, mark};
  return ValueSource{Kind::systemd_credential, *credential, mark};
}

}  // namespace certherd::config
