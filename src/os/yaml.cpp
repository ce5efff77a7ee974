#include <certherd/os/file.hpp>
#include <certherd/os/yaml.hpp>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <unordered_set>

namespace certherd::os {
namespace {

/// Aliases multiply what is in the file; a few lines can stand for more nodes than memory holds.
constexpr std::size_t expansion_limit = 2'000'000;
constexpr std::size_t depth_limit = 100;

std::size_t count_nodes(const YamlNode& node) {
  std::size_t count = 1;
  for (const auto& item : node.items) count += count_nodes(item);
  for (const auto& entry : node.entries) count += count_nodes(entry.value);
  return count;
}

/// Ends the parse; the fault is already written down.
struct Abort {};

/// Builds the tree from yaml-cpp's events. The Node API of 0.7 loses what is needed here: duplicate keys pass silently,
/// keys have no mark of their own, aliases and merge keys cannot be seen.
class TreeBuilder : public YAML::EventHandler {
public:
  TreeBuilder(FileName file, YamlFile& out) : file_(file), out_(out) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    fault(mark, "a second YAML document begins here", "keep one document in each file");
    throw Abort{};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    leaf(mark, anchor, YamlNode::Kind::null, {}, false);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    const bool quoted = tag == "!";
    const bool null =
        !quoted && (value == "~" || value == "null" || value == "Null" || value == "NULL" || value.empty());
    leaf(mark, anchor, null ? YamlNode::Kind::null : YamlNode::Kind::scalar, value, quoted);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      fault(mark, "this alias stands inside the node that it names", "write the value out");
      throw Abort{};
    }
    nodes_ += count_nodes(found->second);
    if (nodes_ > expansion_limit) {
      fault(mark, "the aliases of this file expand to more than 2 million values", "write fewer aliases of aliases");
      throw Abort{};
    }
    add(YamlNode(found->second), 0, source(mark));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(mark, anchor, YamlNode::Kind::sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(mark, anchor, YamlNode::Kind::map);
  }
  void OnMapEnd() override {
    apply_merges(stack_.back().node);
    close();
  }

private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor;
    std::optional<YamlNode::Entry> key;     ///< map: the key whose value comes next
    std::unordered_set<std::string> index;  ///< map: its keys, once they are many
    std::size_t indexed = 0;

    bool has(const std::string& wanted) {
      constexpr std::size_t few = 16;
      if (node.entries.size() < few) return node.find(wanted) != nullptr;
      for (; indexed < node.entries.size(); ++indexed) index.insert(node.entries[indexed].key);
      return index.contains(wanted);
    }
  };

  SourceMark source(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

  void fault(const YAML::Mark& mark, std::string message, std::string fix) {
    out_.faults.push_back({std::move(message), std::move(fix), source(mark)});
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      fault(mark, "the tag '" + tag + "' is not used here", "remove it; the type follows from the key");
  }

  void leaf(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind, const std::string& text, bool quoted) {
    YamlNode node;
    node.kind = kind;
    node.mark = source(mark);
    node.text = text;
    node.quoted = quoted;
    ++nodes_;
    add(std::move(node), anchor, source(mark));
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind) {
    if (stack_.size() >= depth_limit) {
      fault(mark, "the values are nested more than 100 deep", "");
      throw Abort{};
    }
    Open opened;
    opened.node.kind = kind;
    opened.node.mark = source(mark);
    opened.anchor = anchor;
    ++nodes_;
    stack_.push_back(std::move(opened));
  }

  void close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    const SourceMark mark = done.node.mark;
    add(std::move(done.node), done.anchor, mark);
  }

  void add(YamlNode node, YAML::anchor_t anchor, const SourceMark& place) {
    if (anchor) anchors_[anchor] = node;
    if (stack_.empty()) {
      out_.root = std::move(node);
      return;
    }
    Open& parent = stack_.back();
    if (parent.node.is_sequence()) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      take_key(parent, node, place);
    } else {
      parent.key->value = std::move(node);
      parent.node.entries.push_back(std::move(*parent.key));
      parent.key.reset();
    }
  }

  void take_key(Open& parent, const YamlNode& node, const SourceMark& place) {
    YamlNode::Entry entry;
    entry.mark = place;
    entry.key = node.text;
    if (!node.is_scalar())
      out_.faults.push_back({"a key must be a plain word", "write 'key: value'", place});
    else if (entry.key != "<<" && parent.has(entry.key))
      out_.faults.push_back({"the key '" + entry.key + "' stands here a second time; the first is in line " +
                                 std::to_string(first_of(parent.node, entry.key).line),
                             "keep one of them", place});
    parent.key = std::move(entry);
  }

  static SourceMark first_of(const YamlNode& map, const std::string& key) {
    return std::find_if(map.entries.begin(), map.entries.end(), [&](const auto& entry) { return entry.key == key; })
        ->mark;
  }

  /// "<<: *other" brings in the keys of other maps that the map does not have itself
  /// (https://yaml.org/type/merge.html).
  void apply_merges(YamlNode& map) {
    std::vector<YamlNode> merged;
    std::erase_if(map.entries, [&](YamlNode::Entry& entry) {
      if (entry.key != "<<") return false;
      if (entry.value.is_sequence()) {
        for (auto& item : entry.value.items) merged.push_back(std::move(item));
      } else {
        merged.push_back(std::move(entry.value));
      }
      return true;
    });
    for (auto& from : merged) {
      if (!from.is_map()) {
        out_.faults.push_back({"'<<' merges maps, and this is none", "write '<<: *anchor' of a map", from.mark});
        continue;
      }
      for (auto& entry : from.entries)
        if (!map.find(entry.key)) map.entries.push_back(std::move(entry));
    }
  }

  FileName file_;
  YamlFile& out_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &found->value;
}

YamlFile parse_yaml(std::string_view text, const std::string& name) {
  YamlFile file;
  file.root.mark = {name, 1, 1};
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder(name, file);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    SourceMark mark{name, error.mark.line + 1, error.mark.column + 1};
    if (error.mark.is_null()) mark = {name, 1, 1};
    file.faults.push_back({"this is not valid YAML: " + error.msg, "", mark});
  } catch (const Abort&) {
  }
  return file;
}

YamlFile read_yaml(const std::string& path) {
  const auto text = read_file(path);
  if (text) return parse_yaml(*text, path);
  YamlFile file;
  file.faults.push_back(text.fault());
  return file;
}

}  // namespace certherd::os
