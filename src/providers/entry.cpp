#include "entry.hpp"

#include "entry_questions.hpp"
#include "entry_reader.hpp"

#include <certherd/base/text.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace certherd::providers {
namespace {

using Texts = std::vector<std::string>;

bool made_of(std::string_view text, std::string_view others, bool upper = false) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return std::isdigit(c) || (upper ? std::isupper(c) : std::isalpha(c)) ||
           others.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool is_flag(std::string_view text) {
  return text.starts_with("--") && text.size() > 2 && text[2] != '-' && made_of(text.substr(2), "-");
}

CredentialsKind kind_of(std::string_view text) {
  if (text == "json") return CredentialsKind::json_file;
  if (text == "file") return CredentialsKind::file;
  if (text == "environment") return CredentialsKind::environment;
  if (text == "none") return CredentialsKind::none;
  return CredentialsKind::ini_file;
}

WaitMechanism wait_of(std::string_view text) {
  if (text == "own_poll") return WaitMechanism::own_poll;
  if (text == "own_sleep") return WaitMechanism::own_sleep;
  return WaitMechanism::fixed_sleep;
}

/// One entry being read: the parts share the Provider and the list of faults.
class Entry {
public:
  Entry(Provider& provider, std::vector<Fault>& faults) : provider_(provider), faults_(faults) {}

  void read(const os::YamlNode& root);

private:
  void read_credentials(const os::YamlNode* node);
  void read_keys(const os::YamlNode* node);
  void read_alternatives(EntryReader& reader);
  void read_propagation(const os::YamlNode* node);
  void check_kind(const SourceMark& mark);
  void fault(std::string message, const SourceMark& mark, std::string fix = {}) {
    faults_.push_back({std::move(message), std::move(fix), mark});
  }

  Provider& provider_;
  std::vector<Fault>& faults_;
};

void Entry::read(const os::YamlNode& root) {
  EntryReader reader(&root, "", faults_);
  provider_.title = reader.text("title");
  provider_.authenticator = reader.text("authenticator");
  if (!root.find("authenticator"))
    fault("'authenticator' is missing", root.mark, "write certbot's name of the plugin, as 'certbot plugins' lists it");
  else if (root.find("authenticator")->is_scalar() && !made_of(provider_.authenticator, "-_"))
    fault("'authenticator' cannot be '" + provider_.authenticator + "'", reader.mark("authenticator"));
  if (provider_.title.empty()) provider_.title = provider_.id;

  provider_.debian_package = reader.text("debian_package");
  provider_.pypi_package = reader.text("pypi_package");
  read_credentials(reader.map("credentials"));
  read_propagation(reader.map("propagation"));
  read_questions(reader, provider_, faults_);
  provider_.single_txt = reader.flag("single_txt");
  provider_.follows_cname = reader.flag("follows_cname");
  provider_.own_zone = reader.flag("own_zone");

  EntryReader certbot(reader.map("certbot"), "certbot", faults_);
  provider_.certbot_min = certbot.version("min");
  provider_.certbot_below = certbot.version("below");
  certbot.finish();

  provider_.extra_arguments = reader.texts("extra_arguments");
  if (!provider_.extra_arguments.empty() && !provider_.extra_arguments.front().starts_with("--"))
    fault("'extra_arguments' must begin with an option such as --dns-x-y", reader.mark("extra_arguments"));
  static const Texts confidences = {"high", "medium", "low"};
  provider_.confidence = reader.choice("confidence", confidences);
  provider_.note = reader.text("note");
  reader.finish();
}

void Entry::read_credentials(const os::YamlNode* node) {
  static const Texts kinds = {"ini", "json", "file", "environment", "none"};
  EntryReader reader(node, "credentials", faults_);
  provider_.credentials_kind = kind_of(reader.choice("kind", kinds));
  const bool takes_file =
      provider_.credentials_kind != CredentialsKind::environment && provider_.credentials_kind != CredentialsKind::none;
  provider_.credentials_flag = reader.text("flag");
  if (!takes_file && !provider_.credentials_flag.empty())
    fault("'credentials.flag' has no meaning without a credentials file", reader.mark("flag"));
  // certbot names the options of a plugin after it (certbot/plugins/common.py, option_namespace).
  if (takes_file && provider_.credentials_flag.empty())
    provider_.credentials_flag = "--" + provider_.authenticator + "-credentials";
  if (takes_file && node && node->find("flag") && !is_flag(provider_.credentials_flag))
    fault("'credentials.flag' must be an option such as --dns-x-credentials, not '" + provider_.credentials_flag + "'",
          reader.mark("flag"));
  provider_.credentials_optional = reader.flag("optional");
  read_keys(reader.map("keys"));
  read_alternatives(reader);
  check_kind(reader.mark("keys"));
  reader.finish();
}

void Entry::read_keys(const os::YamlNode* node) {
  if (!node) return;
  for (const auto& entry : node->entries) {
    CredentialKey key;
    key.name = entry.key;
    if (key.name.ends_with('*')) {
      key.pattern = true;
      key.name.pop_back();
    }
    const bool named = key.name.empty() ? key.pattern : made_of(key.name, "_");
    if (!named) fault("'" + entry.key + "' cannot be the name of a credentials key", entry.mark);
    if (!entry.value.is_map() && !entry.value.is_null()) {
      fault("'credentials.keys." + entry.key + "' must be a map", entry.value.mark,
            "write {} when there is nothing to say about the key");
      continue;
    }
    EntryReader reader(entry.value.is_map() ? &entry.value : nullptr, "credentials.keys." + entry.key, faults_);
    key.required = reader.flag("required");
    key.secret = reader.flag("secret");
    key.file = reader.flag("file");
    key.description = reader.text("description");
    reader.finish();
    provider_.keys.push_back(std::move(key));
  }
}

void Entry::read_alternatives(EntryReader& reader) {
  provider_.alternatives = reader.text_lists("one_of");
  Texts names;
  for (const auto& key : provider_.keys) names.push_back(key.name);
  for (const auto& set : provider_.alternatives) {
    for (const auto& name : set) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      const auto meant = closest(name, names);
      fault("'credentials.one_of' names '" + name + "', which is not among the keys", reader.mark("one_of"),
            meant ? "did you mean '" + *meant + "'?" : "");
    }
  }
}

void Entry::check_kind(const SourceMark& mark) {
  switch (provider_.credentials_kind) {
    case CredentialsKind::json_file:
    case CredentialsKind::file:
      if (provider_.keys.size() > 1) fault("a credentials file of kind json or file has at most one key", mark);
      break;
    case CredentialsKind::environment:
      for (const auto& key : provider_.keys)
        if (!made_of(key.name, "_", true))
          fault("'" + key.name + "' cannot be the name of an environment variable", mark);
      break;
    case CredentialsKind::none:
      if (!provider_.keys.empty()) fault("credentials of kind none have no keys", mark);
      break;
    case CredentialsKind::ini_file:
      break;
  }
}

void Entry::read_propagation(const os::YamlNode* node) {
  static const Texts waits = {"fixed_sleep", "own_poll", "own_sleep"};
  EntryReader reader(node, "propagation", faults_);
  provider_.propagation_flag = reader.text("flag");
  if (provider_.propagation_flag.empty())
    provider_.propagation_flag = "--" + provider_.authenticator + "-propagation-seconds";
  else if (provider_.propagation_flag == "none")
    provider_.propagation_flag.clear();
  else if (!is_flag(provider_.propagation_flag))
    fault("'propagation.flag' must be an option such as --dns-x-propagation-seconds or none, not '" +
              provider_.propagation_flag + "'",
          reader.mark("flag"));
  provider_.propagation_flag_until = reader.version("flag_until");
  provider_.default_seconds = reader.seconds("default_seconds");
  provider_.recommended_seconds = reader.seconds("recommended_seconds");
  provider_.wait = wait_of(reader.choice("wait", waits));
  reader.finish();
}

}  // namespace

Provider read_entry(const std::string& id, const os::YamlNode& root, std::vector<Fault>& faults) {
  Provider provider;
  provider.id = id;
  provider.mark = root.mark;
  const std::size_t before = faults.size();
  Entry(provider, faults).read(root);
  const bool waits = !provider.propagation_flag.empty() && provider.wait == WaitMechanism::fixed_sleep;
  if (faults.size() == before && waits && !provider.default_seconds && !provider.recommended_seconds)
    faults.push_back({"'propagation.default_seconds' is missing",
                      "write the plugin's own default, or recommended_seconds when it is not known", root.mark});
  return provider;
}

}  // namespace certherd::providers
