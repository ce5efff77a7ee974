#include "entry_questions.hpp"

#include <certherd/base/text.hpp>
#include <certherd/providers/zone_list.hpp>

#include <algorithm>
#include <cctype>

namespace certherd::providers {
namespace {

bool is_path(const std::string& text) {
  const auto parts = split(text, '.');
  return std::all_of(parts.begin(), parts.end(), [](std::string part) {
    if (part.ends_with("[]")) part.resize(part.size() - 2);
    return std::all_of(part.begin(), part.end(),
                       [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
  });
}

bool is_key(const Provider& provider, const std::string& name) {
  return std::any_of(provider.keys.begin(), provider.keys.end(),
                     [&](const CredentialKey& key) { return !key.pattern && key.name == name; });
}

/// A token in plain text goes nowhere but to this host itself.
bool keeps_secrets(const std::string& url) {
  const auto has_host = [&](std::string_view scheme) { return url.starts_with(scheme) && url.size() > scheme.size(); };
  return has_host("https://") || has_host("http://127.0.0.1:") || has_host("http://[::1]:");
}

/// One way to ask.
class ZoneListEntry {
public:
  ZoneListEntry(const os::YamlNode& node, const Provider& provider, std::vector<Fault>& faults)
      : reader_(&node, "zone_list", faults), provider_(provider), faults_(faults) {}

  ZoneList read() {
    ZoneList list;
    list.url = reader_.text("url");
    if (list.url.find("://") == std::string::npos || !keeps_secrets(list.url))
      fault("'zone_list.url' must begin with https://, not '" + list.url + "'", "url");
    check_placeholders(list.url, "url", true);
    list.headers = reader_.text_map("headers");
    for (const auto& [name, value] : list.headers) check_placeholders(value, "headers", false);
    list.names = reader_.text("names");
    if (list.names.find("[]") == std::string::npos || !is_path(list.names))
      fault(
          "'zone_list.names' must be a path to the names in the answer such as result[].name, not '" + list.names + "'",
          "names");
    list.pages = reader_.text("pages");
    if (!is_path(list.pages) || list.pages.find("[]") != std::string::npos)
      fault("'zone_list.pages' must be a path to a number such as meta.pages, not '" + list.pages + "'", "pages");
    if (!list.pages.empty() && list.url.find("{page}") == std::string::npos)
      fault("'zone_list.pages' has no meaning without {page} in 'zone_list.url'", "pages");
    read_denials(list);
    reader_.finish();
    return list;
  }

private:
  void read_denials(ZoneList& list) {
    const auto texts = reader_.texts("denials");
    if (reader_.has("denials")) list.denials.clear();
    for (const auto& text : texts) {
      const auto status = parse_number(text);
      if (status && *status >= 400 && *status <= 499)
        list.denials.push_back(static_cast<int>(*status));
      else
        fault("'zone_list.denials' must hold HTTP statuses from 400 to 499, not '" + text + "'", "denials");
    }
  }
  void check_placeholders(const std::string& text, const std::string& key, bool pages) {
    const std::string wrong = "}' in 'zone_list." + key + "' names no key of the credentials";
    for (const auto& name : placeholders(text)) {
      if ((pages && name == "page") || is_key(provider_, name)) continue;
      std::string message = "'{";
      fault(message.append(name).append(wrong).append(pages ? ", and is not {page}" : ""), key);
    }
  }
  void fault(std::string message, const std::string& key) {
    faults_.push_back({std::move(message), {}, reader_.mark(key)});
  }

  EntryReader reader_;
  const Provider& provider_;
  std::vector<Fault>& faults_;
};

std::optional<UpdateKeys> read_update(const os::YamlNode* node, const Provider& provider, std::vector<Fault>& faults) {
  if (!node) return std::nullopt;
  EntryReader reader(node, "dynamic_update", faults);
  const auto key = [&](const std::string& what) {
    std::string name = reader.text(what);
    if (!is_key(provider, name))
      faults.push_back({"'dynamic_update." + what + "' must name a key of the credentials", {}, reader.mark(what)});
    return name;
  };
  UpdateKeys keys;
  keys.server = key("server");
  keys.port = key("port");
  keys.key_name = key("key_name");
  keys.secret = key("secret");
  keys.algorithm = key("algorithm");
  reader.finish();
  return keys;
}

}  // namespace

void read_questions(EntryReader& reader, Provider& provider, std::vector<Fault>& faults) {
  for (const auto& node : reader.maps("zone_list"))
    provider.zone_lists.push_back(ZoneListEntry(*node, provider, faults).read());
  provider.update_keys = read_update(reader.map("dynamic_update"), provider, faults);
}

}  // namespace certherd::providers
