#include <certherd/base/text.hpp>
#include <certherd/providers/configobj.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

// Follows configobj 5.0's own grammar rule by rule, its oddities included: a quoted text ends at the first quote after
// which the rest of the line still makes sense; an unquoted one ends at the first '#'.

namespace certherd::providers {
namespace {

constexpr std::string_view white = " \t\r\n\v\f\x1c\x1d\x1e\x1f";

bool is_white(char c) {
  return white.find(c) != std::string_view::npos;
}

std::size_t skip_white(std::string_view text, std::size_t at) {
  while (at < text.size() && is_white(text[at])) ++at;
  return at;
}

std::string_view stripped(std::string_view text) {
  const std::size_t first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

std::string unquoted(std::string_view text) {
  const bool quoted = text.size() > 1 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
  return std::string(quoted ? text.substr(1, text.size() - 2) : text);
}

/// "", or "# comment".
bool only_comment(std::string_view text, std::size_t at) {
  at = skip_white(text, at);
  return at == text.size() || text[at] == '#';
}

struct Value {
  std::vector<std::string> parts;
  bool list = false;
  bool cut_at_hash = false;
};

/// The right-hand side of one line: a text, or a list of texts.
class ValueParser {
public:
  explicit ValueParser(std::string_view text) : text_(text), dead_(text.size() + 1, false) {}

  std::optional<Value> parse() {
    if (text_.starts_with(',') && only_comment(text_, 1)) return Value{{}, true, false};
    if (!parse_from(0)) return std::nullopt;
    if (value_.parts.empty()) value_.parts.emplace_back();
    return value_;
  }

private:
  bool parse_from(std::size_t at) {
    if (dead_[at]) return false;
    if (at < text_.size() && (text_[at] == '"' || text_[at] == '\'') ? parse_quoted(at) : parse_plain(at)) return true;
    dead_[at] = true;  // the answer depends on the place alone; asking again would take exponential time
    return false;
  }

  bool parse_quoted(std::size_t at) {
    std::vector<std::size_t> ends;
    for (std::size_t end = text_.find(text_[at], at + 1); end != std::string_view::npos;
         end = text_.find(text_[at], end + 1))
      ends.push_back(end);
    for (const std::size_t end : ends)
      if (parse_list_from(at, end + 1)) return true;
    for (const std::size_t end : ends) {
      if (!only_comment(text_, end + 1)) continue;
      value_.parts.push_back(unquoted(text_.substr(at, end + 1 - at)));
      return true;
    }
    return false;
  }

  bool parse_plain(std::size_t at) {
    const std::size_t stop = at < text_.size() ? text_.find_first_of(",#", at) : std::string_view::npos;
    const std::size_t end = stop == std::string_view::npos ? text_.size() : stop;
    if (end > at && stop != std::string_view::npos && text_[stop] == ',') return parse_list_from(at, end);
    if (end == at) return parse_nothing(at);
    value_.cut_at_hash = stop != std::string_view::npos && !is_white(text_[stop - 1]);
    value_.parts.push_back(unquoted(stripped(text_.substr(at, end - at))));
    return true;
  }

  /// Nothing before the comment or the end: an empty value, or what stands after a list's last comma.
  bool parse_nothing(std::size_t at) { return only_comment(text_, at); }

  /// The item text_[at, end) of a list, its comma, and the rest.
  bool parse_list_from(std::size_t at, std::size_t end) {
    const std::size_t comma = skip_white(text_, end);
    if (comma >= text_.size() || text_[comma] != ',') return false;
    const std::size_t kept = value_.parts.size();
    value_.parts.push_back(unquoted(stripped(text_.substr(at, end - at))));
    if (parse_from(skip_white(text_, comma + 1))) {
      value_.list = true;
      return true;
    }
    value_.parts.resize(kept);
    return false;
  }

  std::string_view text_;
  std::vector<bool> dead_;
  Value value_;
};

struct SectionMarker {
  int opened = 0;
  int closed = 0;
  std::string name;
};

/// "[name]", "[[name]] # comment"; nullopt when the line is none.
std::optional<SectionMarker> section_marker(std::string_view line) {
  std::size_t at = skip_white(line, 0);
  SectionMarker marker;
  while (at < line.size() && line[at] == '[') {
    ++marker.opened;
    at = skip_white(line, at + 1);
  }
  if (marker.opened == 0) return std::nullopt;
  // The name ends where only brackets and a comment follow.
  for (std::size_t end = line.find(']', at); end != std::string_view::npos; end = line.find(']', end + 1)) {
    std::size_t after = end;
    marker.closed = 0;
    while (after < line.size() && line[after] == ']') {
      ++marker.closed;
      after = skip_white(line, after + 1);
    }
    const std::string_view name = stripped(line.substr(at, end - at));
    const bool quote = !name.empty() && (name.front() == '"' || name.front() == '\'');
    const std::string plain = unquoted(name);
    const bool named = quote ? plain != name && !stripped(plain).empty() : !name.empty();
    if (!named || !only_comment(line, after)) continue;
    marker.name = plain;
    return marker;
  }
  return std::nullopt;
}

/// Splits "key = value"; nullopt when the line is no such thing.
std::optional<std::pair<std::string, std::string_view>> key_and_value(std::string_view line) {
  const std::size_t start = skip_white(line, 0);
  if (start >= line.size() || line[start] == '=') return std::nullopt;
  std::size_t equals = std::string_view::npos;
  const char first = line[start];
  if (first == '"' || first == '\'') {
    for (std::size_t end = line.find(first, start + 1); end != std::string_view::npos;
         end = line.find(first, end + 1)) {
      equals = skip_white(line, end + 1);
      if (equals < line.size() && line[equals] == '=') break;
      equals = std::string_view::npos;
    }
  } else {
    equals = line.find('=', start);
  }
  if (equals == std::string_view::npos) return std::nullopt;
  return std::pair(unquoted(stripped(line.substr(start, equals - start))), line.substr(skip_white(line, equals + 1)));
}

class Reader {
public:
  explicit Reader(std::string_view text);
  ConfigObjFile read();

private:
  using Table = std::map<std::string, ConfigObjValue>;

  void read_line();
  void read_section(const SectionMarker& marker);
  void read_value(std::string key, std::string_view text);
  std::optional<ConfigObjValue> read_triple(std::string_view text);
  std::optional<std::string> resolve(const std::string& key, const std::string& text, std::set<std::string>& open,
                                     std::string& lost) const;
  void fault(std::size_t line, const std::string& what) {
    file_.faults.push_back({"line " + std::to_string(line) + ": " + what, "", std::nullopt});
  }

  std::vector<std::string_view> lines_;
  std::size_t at_ = 0;                        ///< the line being read
  std::vector<std::string> path_;             ///< names of the open sections
  std::set<std::vector<std::string>> known_;  ///< sections and keys of sections seen
  Table defaults_;                            ///< of the section [DEFAULT], where references look too
  ConfigObjFile file_;
};

Reader::Reader(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    while (line.ends_with('\r')) line.remove_suffix(1);
    lines_.push_back(line);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
}

ConfigObjFile Reader::read() {
  for (at_ = 0; at_ < lines_.size(); ++at_) read_line();
  for (auto& [key, value] : file_.values) {
    std::set<std::string> open;
    std::string lost;
    if (const auto text = resolve(key, value.text, open, lost))
      value.text = *text;
    else
      value.lost_reference = lost;
  }
  return std::move(file_);
}

void Reader::read_line() {
  const std::string_view line = stripped(lines_[at_]);
  if (line.empty() || line.front() == '#') return;
  if (const auto marker = section_marker(lines_[at_])) return read_section(*marker);
  const auto pair = key_and_value(lines_[at_]);
  if (!pair) return fault(at_ + 1, "neither 'key = value' nor a [section]");
  read_value(pair->first, pair->second);
}

void Reader::read_section(const SectionMarker& marker) {
  if (marker.opened != marker.closed) return fault(at_ + 1, "a section with unequal brackets");
  const auto depth = static_cast<std::size_t>(marker.opened);
  if (depth > path_.size() + 1) return fault(at_ + 1, "a section nested too deep");
  auto path = path_;
  path.resize(depth - 1);
  path.push_back(marker.name);
  const bool taken = depth == 1 && file_.values.contains(marker.name);
  if (taken || !known_.insert(path).second) return fault(at_ + 1, "a section of this name exists already");
  path_ = std::move(path);
}

std::optional<ConfigObjValue> Reader::read_triple(std::string_view text) {
  const std::string_view quotes = text.substr(0, 3);
  const auto closed = [&](std::string_view line, std::size_t from) {
    for (std::size_t end = line.find(quotes, from); end != std::string_view::npos; end = line.find(quotes, end + 1))
      if (only_comment(line, end + 3)) return end;
    return std::string_view::npos;
  };
  ConfigObjValue value;
  value.line = static_cast<int>(at_) + 1;
  if (const std::size_t end = closed(text, 3); end != std::string_view::npos) {
    value.text = text.substr(3, end - 3);
    return value;
  }
  if (text.find(quotes, 3) != std::string_view::npos) return std::nullopt;
  value.text = text.substr(3);
  while (at_ + 1 < lines_.size()) {
    const std::string_view line = lines_[++at_];
    value.text += '\n';
    if (line.find(quotes) == std::string_view::npos) {
      value.text += line;
      continue;
    }
    const std::size_t end = closed(line, 0);
    if (end == std::string_view::npos) return std::nullopt;
    value.text += line.substr(0, end);
    return value;
  }
  return std::nullopt;
}

void Reader::read_value(std::string key, std::string_view text) {
  const std::size_t line = at_ + 1;
  std::optional<ConfigObjValue> value;
  if (text.starts_with("\"\"\"") || text.starts_with("'''")) {
    value = read_triple(text);
    if (!value) return fault(line, "triple quotes without a proper end");
  } else if (auto parsed = ValueParser(text).parse()) {
    value = ConfigObjValue{join(parsed->parts, ", "), static_cast<int>(line), parsed->list, parsed->cut_at_hash, {}};
  } else {
    return fault(line, "a value with unbalanced quotes or stray commas");
  }
  auto place = path_;
  place.push_back(key);
  if (!known_.insert(place).second) return fault(line, "a key that was given before");
  if (path_.empty()) {
    file_.values.emplace(std::move(key), std::move(*value));
    return;
  }
  if (path_.size() == 1 && path_.front() == "DEFAULT") defaults_.emplace(key, *value);
  file_.section_keys.push_back({path_.back(), std::move(key), static_cast<int>(line), std::move(*value)});
}

/// Replaces every "%(name)s". nullopt: one cannot be replaced, its name is then in `lost`.
std::optional<std::string> Reader::resolve(const std::string& key, const std::string& text, std::set<std::string>& open,
                                           std::string& lost) const {
  if (!open.insert(key).second) {
    lost = key;
    return std::nullopt;
  }
  std::string resolved;
  std::size_t at = 0;
  while (true) {
    const std::size_t start = text.find("%(", at);
    if (start == std::string::npos) break;
    const std::size_t end = text.find(')', start + 2);
    if (end == std::string::npos) break;
    if (end + 1 >= text.size() || text[end + 1] != 's') {
      resolved += text.substr(at, start + 1 - at);
      at = start + 1;
      continue;
    }
    const std::string name = text.substr(start + 2, end - start - 2);
    const auto own = file_.values.find(name);
    const auto fallback = defaults_.find(name);
    if (own == file_.values.end() && fallback == defaults_.end()) {
      lost = name;
      return std::nullopt;
    }
    const auto inner = resolve(name, own != file_.values.end() ? own->second.text : fallback->second.text, open, lost);
    if (!inner) return std::nullopt;
    resolved += text.substr(at, start - at) + *inner;
    at = end + 2;
  }
  open.erase(key);
  return resolved + text.substr(at);
}

}  // namespace

ConfigObjFile read_configobj(std::string_view text) {
  return Reader(text).read();
}

}  // namespace certherd::providers
