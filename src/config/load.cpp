#include "entries.hpp"

#include <certherd/base/text.hpp>
#include <certherd/config/load.hpp>

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <list>

namespace certherd::config {
namespace fs = std::filesystem;
using os::YamlNode;

namespace {

/// A file that takes part: its tree must outlive the reading of all, since certificates come last.
struct Source {
  YamlNode root;
  bool main = false;
};

std::vector<std::string> expand(const std::string& pattern, const SourceMark& mark, Faults& faults) {
  const std::string absolute = resolve_path(pattern, mark).string();
  glob_t found{};
  const int code = ::glob(absolute.c_str(), 0, nullptr, &found);
  std::vector<std::string> files(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  const bool is_pattern = pattern.find_first_of("*?[") != std::string::npos;
  if (code == GLOB_NOMATCH && !is_pattern)
    faults.push_back({"the included file " + absolute + " does not exist", "", mark});
  else if (code != 0 && code != GLOB_NOMATCH)
    faults.push_back({"the include " + absolute + " cannot be read", "", mark});
  return files;
}

void read_paths(Section& section, Paths& paths) {
  const bool default_store = !section.get("store_dir");
  paths.state_dir = section.path("state_dir").value_or(paths.state_dir);
  if (default_store) paths.store_dir = paths.state_dir / "certificates";
  paths.store_dir = section.path("store_dir").value_or(paths.store_dir);
  paths.runtime_dir = section.path("runtime_dir").value_or(paths.runtime_dir);
  paths.audit_log = section.path("audit_log").value_or(paths.audit_log);
}

const std::vector<std::string> engine_words{"auto", "plain", "warm"};  // as EngineChoice has them

void read_certbot(const YamlNode* node, CertbotSettings& certbot, Faults& faults) {
  if (!node) return;
  Section section(*node, "'certbot'", faults);
  if (!section.usable()) return;
  certbot.executable = section.path("path").value_or(certbot.executable);
  certbot.timeout = section.duration("timeout").value_or(certbot.timeout);
  certbot.grace = section.duration("grace").value_or(certbot.grace);
  if (const auto engine = section.choice("engine", engine_words)) certbot.engine = static_cast<EngineChoice>(*engine);
  section.finish();
}

class Loader {
public:
  Loader(const ProviderLookup& providers, const std::map<std::string, KnownCa>& known_cas)
      : loading_{providers, known_cas, {}, {}, {}, {}, {}} {
    loading_.default_ca = "letsencrypt";
    for (const auto& [id, known] : known_cas) {
      Ca ca;
      ca.id = id;
      ca.server = known.server;
      ca.rate_limits = known.rate_limits;
      loading_.out.settings.cas[id] = std::move(ca);
    }
  }

  LoadedConfig load(const fs::path& file, const std::vector<fs::path>& further) {
    loading_.out.settings.file = fs::absolute(file).lexically_normal();
    read_main(loading_.out.settings.file);
    for (const auto& included : further) read_included(fs::absolute(included).lexically_normal().string());
    for (auto& source : sources_) read_definitions(source);
    finish_definitions();
    for (auto& source : sources_)
      if (const YamlNode* node = source.root.find("certificates")) read_certificates(*node, loading_);
    warn_of_unreachable_store();
    sort_by_place(loading_.out.faults);
    sort_by_place(loading_.out.warnings);
    return std::move(loading_.out);
  }

private:
  Source& read_source_file(const fs::path& file, bool main) {
    auto yaml = os::read_yaml(file.string());
    std::move(yaml.faults.begin(), yaml.faults.end(), std::back_inserter(loading_.out.faults));
    return sources_.emplace_back(Source{std::move(yaml.root), main});
  }

  void read_main(const fs::path& file) {
    Faults& faults = loading_.out.faults;
    Source& source = read_source_file(file, true);
    if (!source.root.is_map()) {
      // Without a tree the reader's own fault (no such file, syntax) says it all.
      if (faults.empty())
        faults.push_back(
            {"the configuration is empty", "README.md shows a first one", SourceMark{file.string(), 1, 1}});
      return;
    }
    Settings& settings = loading_.out.settings;
    Section section(source.root, "the configuration", faults);
    settings.email = section.text("email").value_or("");
    settings.agree_tos = section.boolean("agree_tos").value_or(false);
    if (!settings.agree_tos)
      section.fault(
          section.get("agree_tos") ? section.get("agree_tos")->mark : section.mark(),
          "'agree_tos' is not true: no CA issues certificates to those who do not agree to its terms of service",
          "read them and write agree_tos: true");
    if (const auto ca = section.text("ca")) {
      loading_.default_ca = *ca;
      loading_.default_ca_mark = section.get("ca")->mark;
    }
    read_paths(section, settings.paths);
    read_dns(section.get("dns"), settings.dns, faults);
    read_propagation(section.get("propagation"), settings.propagation, faults);
    read_preflight(section, settings);
    read_certbot(section.get("certbot"), settings.certbot, faults);
    read_service(section, settings);
    if (const YamlNode* files = section.get("files")) read_files(*files, loading_.default_files, loading_);
    for (const char* key : {"cas", "accounts", "hooks", "certificates"}) section.get(key);
    const auto includes = section.texts("include");
    const SourceMark include_mark = includes ? section.get("include")->mark : SourceMark{};
    section.finish();
    for (const auto& pattern : includes.value_or(std::vector<std::string>{}))
      for (const auto& included : expand(pattern, include_mark, faults)) read_included(included);
  }

  void read_included(const std::string& file) {
    Source& source = read_source_file(file, false);
    if (source.root.is_null()) return;
    Section section(source.root, "an included file", loading_.out.faults);
    for (const char* key : {"cas", "accounts", "hooks", "certificates"}) section.get(key);
    section.finish();
  }

  void read_definitions(const Source& source) {
    if (const YamlNode* node = source.root.find("cas")) read_cas(*node, loading_);
    if (const YamlNode* node = source.root.find("accounts")) read_accounts(*node, loading_);
    if (const YamlNode* node = source.root.find("hooks")) read_hooks(*node, loading_);
  }

  void finish_definitions() {
    Settings& settings = loading_.out.settings;
    for (auto& [id, ca] : settings.cas)
      if (ca.email.empty()) ca.email = settings.email;
    if (settings.cas.contains(loading_.default_ca)) return;
    std::vector<std::string> ids;
    for (const auto& [id, unused] : settings.cas) ids.push_back(id);
    loading_.out.faults.push_back(unknown_word("a CA", loading_.default_ca, ids, loading_.default_ca_mark));
  }

  /// A group that may read the files is of no use while it cannot enter the state directory (0700).
  void warn_of_unreachable_store() {
    const Settings& settings = loading_.out.settings;
    const auto inside = settings.paths.store_dir.lexically_relative(settings.paths.state_dir).string();
    if (inside.starts_with("..")) return;
    for (const auto& certificate : settings.certificates) {
      if (certificate.files.group.empty() && certificate.files.owner.empty()) continue;
      loading_.out.warnings.push_back({"'files' gives " + certificate.name + " an owner or group that cannot enter " +
                                           settings.paths.state_dir.string() + ", which is closed to others",
                                       "set 'store_dir' to a directory outside of it", certificate.mark});
      return;
    }
  }

  static void sort_by_place(Faults& faults) {
    std::stable_sort(faults.begin(), faults.end(), [](const Fault& a, const Fault& b) {
      using Place = std::tuple<std::string_view, int, int>;
      const auto place = [](const Fault& fault) {
        return fault.mark ? Place(fault.mark->file.text(), fault.mark->line, fault.mark->column) : Place();
      };
      return place(a) < place(b);
    });
  }

  Loading loading_;
  std::list<Source> sources_;
};

}  // namespace

ProviderLookup::ProviderLookup(const PluginsMap& map)
    : find([&map](const std::string& id) {
        const auto found = map.find(id);
        return found == map.end() ? nullptr : &found->second;
      }),
      ids([&map] {
        std::vector<std::string> ids;
        for (const auto& [id, unused] : map) ids.push_back(id);
        return ids;
      }) {}

LoadedConfig load_config(const fs::path& file, const ProviderLookup& providers,
                         const std::map<std::string, KnownCa>& known_cas, const std::vector<fs::path>& further) {
  return Loader(providers, known_cas).load(file, further);
}

}  // namespace certherd::config
