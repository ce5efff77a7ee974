#include "examination.hpp"

#include <certherd/base/text.hpp>
#include <certherd/os/file.hpp>
#include <certherd/os/value_source.hpp>
#include <certherd/providers/configobj.hpp>

#include <sys/stat.h>
#include <boost/json.hpp>

#include <algorithm>
#include <cerrno>

namespace certherd::providers {
namespace fs = std::filesystem;
namespace {

std::string key_prefix(const Provider& provider) {
  std::string prefix = provider.authenticator + "_";
  std::replace(prefix.begin(), prefix.end(), '-', '_');
  return prefix;
}

std::string place_in(const fs::path& file, int line) {
  return file.string() + " line " + std::to_string(line) + ": ";
}

/// The plugins-map's description of a key; of an exact name before that of a pattern.
const CredentialKey* find_key(const Provider& provider, std::string_view name) {
  for (const auto& key : provider.keys)
    if (!key.pattern && key.name == name) return &key;
  for (const auto& key : provider.keys)
    if (key.pattern && name.starts_with(key.name)) return &key;
  return nullptr;
}

/// One account being examined: the steps share the findings.
class Examiner {
public:
  Examiner(const Account& account, const Provider& provider) : account_(account), provider_(provider) {}

  Examination examine();

private:
  void examine_own_file(const fs::path& file);
  void examine_ini(const fs::path& file, const std::string& text);
  void examine_ini_value(const fs::path& file, const std::string& key, const ConfigObjValue& value);
  void examine_sources();
  void examine_keys();
  void examine_unknown(const std::string& name, const SourceMark& mark, const std::string& place, bool in_file);
  void examine_alternatives();
  void examine_document(const std::string& text);
  void examine_second_file(const std::string& key, const std::string& value);
  void collect_secrets();
  std::optional<mode_t> mode_of_file(const fs::path& file, const std::string& what, const SourceMark& mark);
  bool is_private(mode_t mode, const fs::path& file, const std::string& what, const SourceMark& mark);
  std::optional<std::string> read_private(const fs::path& file, const std::string& what, const SourceMark& mark);

  bool given(const std::string& name) const {
    const auto found = values().find(name);
    return found != values().end() && !found->second.empty();
  }
  bool given(const CredentialKey& key) const {
    if (!key.pattern) return given(key.name);
    return std::any_of(values().begin(), values().end(), [&](const auto& value) {
      return find_key(provider_, value.first) == &key && !value.second.empty();
    });
  }
  std::map<std::string, std::string>& values() { return found_.credentials.values; }
  const std::map<std::string, std::string>& values() const { return found_.credentials.values; }
  /// Whether a key's value is known to be wrong already, so that its absence needs no second Fault.
  bool broken(const std::string& name) const {
    return std::find(broken_.begin(), broken_.end(), name) != broken_.end();
  }
  const SourceMark& mark_of(const std::string& key) const {
    const auto source = account_.credentials.find(key);
    return source == account_.credentials.end() ? account_.mark : source->second.mark;
  }
  void fault(std::string message, const SourceMark& mark, std::string fix = {}) {
    found_.check.faults.push_back({"account " + account_.id + ": " + std::move(message), std::move(fix), mark});
  }
  void warn(std::string message, const SourceMark& mark, std::string fix = {}) {
    found_.check.warnings.push_back({"account " + account_.id + ": " + std::move(message), std::move(fix), mark});
  }

  const Account& account_;
  const Provider& provider_;
  Examination found_;
  std::string place_;  ///< where the keys stand, for messages
  std::vector<std::string> unknown_;
  std::vector<std::string> broken_;
};

std::optional<mode_t> Examiner::mode_of_file(const fs::path& file, const std::string& what, const SourceMark& mark) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    const Fault reason = os::system_fault("cannot read " + what, file, errno);
    fault(reason.message, mark, reason.fix);
    return std::nullopt;
  }
  if (!S_ISREG(status.st_mode)) {
    fault(what + " " + file.string() + (S_ISDIR(status.st_mode) ? " is a directory" : " is no regular file"), mark,
          "name the file itself");
    return std::nullopt;
  }
  return status.st_mode;
}

/// Whether other users are kept out; of the group that is only advised.
bool Examiner::is_private(mode_t mode, const fs::path& file, const std::string& what, const SourceMark& mark) {
  const bool open = (mode & S_IRWXO) != 0;
  if (open)
    fault(what + " " + file.string() + " is open to every user of this host", mark,
          "chmod 600 it, and replace the secrets in it if others may have read them");
  else if (mode & S_IRWXG)
    warn(what + " " + file.string() + " is open to its group", mark, "chmod 600 it unless that is intended");
  return !open;
}

/// Reads a secret file the way certbot will. What is open to others is read all the same, so that everything that is
/// wrong with it is reported at once.
std::optional<std::string> Examiner::read_private(const fs::path& file, const std::string& what,
                                                  const SourceMark& mark) {
  const auto mode = mode_of_file(file, what, mark);
  if (!mode) return std::nullopt;
  (void)is_private(*mode, file, what, mark);
  auto content = os::read_file(file);
  if (content) return std::move(content).value();
  fault(content.fault().message, mark, content.fault().fix);
  return std::nullopt;
}

Examination Examiner::examine() {
  const bool nothing = !account_.credentials_file && account_.credentials.empty();
  switch (provider_.credentials_kind) {
    case CredentialsKind::none:
      if (!nothing) fault("provider " + provider_.id + " takes no credentials", account_.mark, "remove them");
      return std::move(found_);
    case CredentialsKind::environment:
      if (account_.credentials_file)
        fault("provider " + provider_.id + " takes its credentials from environment variables, not from a file",
              account_.mark, "give them under 'credentials'");
      break;
    default:
      if (nothing && !provider_.credentials_optional)
        fault("there are no credentials", account_.mark, "set 'credentials_file' or 'credentials'");
      if (nothing) return std::move(found_);
  }
  if (account_.credentials_file && provider_.credentials_kind != CredentialsKind::environment)
    examine_own_file(*account_.credentials_file);
  else
    examine_sources();
  collect_secrets();
  return std::move(found_);
}

void Examiner::examine_own_file(const fs::path& file) {
  found_.credentials.file = file;
  place_ = "in " + file.string();
  const auto text = read_private(file, "the credentials file", account_.mark);
  if (!text) return;
  if (provider_.credentials_kind == CredentialsKind::ini_file)
    examine_ini(file, *text);
  else
    examine_document(*text);
}

void Examiner::examine_ini(const fs::path& file, const std::string& text) {
  const ConfigObjFile parsed = read_configobj(text);
  for (const auto& syntax : parsed.faults)
    fault(file.string() + " " + syntax.message, account_.mark, "put values with special characters in quotes");
  for (const auto& [key, value] : parsed.values) examine_ini_value(file, key, value);
  for (const auto& key : parsed.section_keys)
    if (find_key(provider_, key.key))
      warn(place_in(file, key.line) + "certbot does not look into [" + printable(key.section) + "], where '" + key.key +
               "' stands",
           account_.mark, "move it above the first section");
  if (parsed.faults.empty()) examine_keys();
}

void Examiner::examine_ini_value(const fs::path& file, const std::string& key, const ConfigObjValue& value) {
  values()[key] = value.text;
  const std::string at = place_in(file, value.line);
  if (value.lost_reference) {
    fault(at + "certbot takes '%(…)s' in the value for a reference to another key, and there is no such key",
          account_.mark, "give this value under 'credentials' in the configuration, where nothing needs quoting");
    broken_.push_back(key);
  } else if (value.list && find_key(provider_, key)) {
    fault(at + "the comma makes the value of '" + key + "' a list", account_.mark, "put the value in quotes");
    broken_.push_back(key);
  } else if (value.cut_at_hash) {
    warn(at + "the value ends at the '#'", account_.mark,
         "put the value in quotes if the '#' belongs to it, or a space before it if not");
  }
  if (!find_key(provider_, key)) examine_unknown(key, account_.mark, at, true);
}

void Examiner::examine_sources() {
  place_ = "under 'credentials'";
  for (const auto& [key, source] : account_.credentials) {
    const CredentialKey* known = find_key(provider_, key);
    if (!known) examine_unknown(key, source.mark, "", false);
    const bool secret = !known || known->secret;
    if (secret && source.kind == ValueSource::Kind::file) {
      const std::string what = "the file of '" + key + "',";
      const auto mode = mode_of_file(source.text, what, source.mark);
      if (!mode || !is_private(*mode, source.text, what, source.mark)) {
        broken_.push_back(key);
        continue;
      }
    }
    auto value = os::read_value(source, secret);
    if (!value) {
      fault("'" + key + "': " + value.fault().message, source.mark, value.fault().fix);
      broken_.push_back(key);
    } else {
      values()[key] = std::move(value).value();
    }
  }
  const bool document =
      provider_.credentials_kind == CredentialsKind::json_file || provider_.credentials_kind == CredentialsKind::file;
  if (document && values().size() == 1) examine_document(values().begin()->second);
  examine_keys();
}

void Examiner::examine_unknown(const std::string& name, const SourceMark& mark, const std::string& place,
                               bool in_file) {
  unknown_.push_back(name);
  std::vector<std::string> names;
  for (const auto& key : provider_.keys)
    if (!key.pattern) names.push_back(key.name);
  const bool ini = provider_.credentials_kind == CredentialsKind::ini_file;
  const std::string prefix = key_prefix(provider_);
  const auto meant = closest(name, names);
  // A file that holds nothing but a token ending in '=' makes the token a key, so only what is surely a name is shown.
  const bool shown = !in_file || meant || name.starts_with("dns_") || contains(name, prefix);
  std::string message =
      place + (shown ? "'" + printable(name) + "'" : std::string("this")) + " is not a key of provider " + provider_.id;
  std::string fix;
  if (const auto colon = name.find(':');
      ini && colon != std::string::npos && name.substr(colon + 1).starts_with(prefix)) {
    fix = "write '" + name.substr(colon + 1) + "': certbot 2.0 ended the form with a colon";
  } else if (meant) {
    fix = "did you mean '" + *meant + "'?";
  } else if (ini && !name.starts_with(prefix)) {
    fix = "the keys of " + provider_.authenticator + " begin with '" + prefix + "'";
  }
  if (in_file)
    warn(std::move(message), mark, std::move(fix));
  else
    fault(std::move(message), mark, std::move(fix));
}

void Examiner::examine_keys() {
  for (const auto& key : provider_.keys) {
    if (!key.required || given(key) || broken(key.name)) continue;
    const std::string shown = key.name + (key.pattern ? "*" : "");
    const bool empty = !key.pattern && values().contains(key.name);
    const auto meant = closest(key.name, unknown_);
    fault("'" + shown + "' is " + (empty ? "empty " : "missing ") + place_, account_.mark,
          meant ? "rename '" + printable(*meant) + "' if that was meant" : key.description);
  }
  examine_alternatives();
  for (const auto& [name, value] : values()) {
    const CredentialKey* key = find_key(provider_, name);
    if (key && key->file && !value.empty() && !broken(name)) examine_second_file(name, value);
  }
}

void Examiner::examine_alternatives() {
  if (provider_.alternatives.empty()) return;
  std::vector<std::string> sets;
  const std::vector<std::string>* whole = nullptr;
  for (const auto& set : provider_.alternatives) {
    sets.push_back(join(set, " with "));
    const bool complete =
        std::all_of(set.begin(), set.end(), [&](const auto& name) { return given(name) || broken(name); });
    // Of two complete sets one may contain the other; the larger one is meant.
    if (complete && (!whole || set.size() > whole->size())) whole = &set;
  }
  if (!whole) {
    fault("one of these must be given whole " + place_ + ": " + join(sets, "; "), account_.mark);
    return;
  }
  for (const auto& set : provider_.alternatives) {
    for (const auto& name : set) {
      if (!given(name) || std::find(whole->begin(), whole->end(), name) != whole->end()) continue;
      fault("'" + name + "' cannot stand beside " + join(*whole, " and "), mark_of(name),
            "keep one way to log in: " + join(sets, "; "));
      return;
    }
  }
}

void Examiner::examine_document(const std::string& text) {
  auto& secrets = found_.credentials.secrets;
  for (auto& secret : secrets_in_document(text)) secrets.push_back(std::move(secret));
  if (provider_.credentials_kind != CredentialsKind::json_file) return;
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse(text, error);
  if (error)
    fault("the JSON document " + place_ + " is invalid: " + error.message(), account_.mark,
          "use the file as the provider made it");
  else if (!parsed.is_object())
    fault("the JSON document " + place_ + " is not an object", account_.mark, "use the file as the provider made it");
}

void Examiner::examine_second_file(const std::string& key, const std::string& value) {
  const fs::path file = value;
  if (!file.is_absolute()) {
    fault("'" + key + "' " + place_ + " is a relative path, and certbot does not run where that file lies",
          mark_of(key), "write the whole path");
    return;
  }
  const auto text = read_private(file, "the file of '" + key + "',", mark_of(key));
  if (!text) return;
  for (auto& secret : secrets_in_document(*text)) found_.credentials.secrets.push_back(std::move(secret));
}

/// Keys nobody knows are hidden too: a misspelt name holds a real token.
void Examiner::collect_secrets() {
  auto& secrets = found_.credentials.secrets;
  for (const auto& [name, value] : values()) {
    const CredentialKey* key = find_key(provider_, name);
    if (!value.empty() && (!key || key->secret)) secrets.push_back(value);
  }
  std::sort(secrets.begin(), secrets.end());
  secrets.erase(std::unique(secrets.begin(), secrets.end()), secrets.end());
}

}  // namespace

Examination examine(const Account& account, const Provider& provider) {
  return Examiner(account, provider).examine();
}

}  // namespace certherd::providers
