#include "entry.hpp"

#include <certherd/base/text.hpp>
#include <certherd/os/file.hpp>
#include <certherd/os/yaml.hpp>
#include <certherd/providers/plugins_map.hpp>

#include <algorithm>
#include <cctype>
#include <optional>
#include <system_error>

namespace certherd::providers {
namespace fs = std::filesystem;
namespace {

bool is_id(std::string_view text) {
  return !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::islower(c) || std::isdigit(c) || c == '-';
  });
}

/// The directory's files in the order of their names, hidden ones left out: editors keep their copies there.
std::vector<fs::path> files_of(const fs::path& directory, std::vector<Fault>& faults) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
    if (!entry->path().filename().string().starts_with('.')) files.push_back(entry->path());
  if (error && error != std::errc::no_such_file_or_directory)
    faults.push_back(os::system_fault("cannot read the plugins-map in", directory, error.value()));
  // As text: paths are compared element by element, which takes longer than reading the directory.
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.native() < b.native(); });
  return files;
}

/// The id that a file's name gives; nullopt when it is no entry, with a fault when it was probably meant to be one.
std::optional<std::string> id_of(const fs::path& file, std::vector<Fault>& faults) {
  const SourceMark whole{file.string(), 1, 1};
  if (file.extension() == ".yml")
    faults.push_back({"entries of the plugins-map end in .yaml", "rename the file", whole});
  if (file.extension() != ".yaml") return std::nullopt;
  if (is_id(file.stem().string())) return file.stem().string();
  faults.push_back({"the name of a provider consists of a-z, 0-9 and '-', so '" + printable(file.filename().string()) +
                        "' cannot be an entry of the plugins-map",
                    "rename the file", whole});
  return std::nullopt;
}

void load_file(const std::string& id, const fs::path& file, LoadedPluginsMap& loaded) {
  const SourceMark whole{file.string(), 1, 1};
  os::YamlFile yaml = os::read_yaml(file.string());
  const std::size_t before = loaded.faults.size();
  for (auto& fault : yaml.faults) {
    if (!fault.mark) fault.mark = whole;
    loaded.faults.push_back(std::move(fault));
  }
  if (yaml.root.is_map()) {
    Provider provider = read_entry(id, yaml.root, loaded.faults);
    if (loaded.faults.size() == before) loaded.providers.insert_or_assign(id, std::move(provider));
  } else if (loaded.faults.size() == before) {
    loaded.faults.push_back({"an entry of the plugins-map must be a map", "", whole});
  }
}

}  // namespace

PluginsMapReader::PluginsMapReader(const std::vector<fs::path>& directories) {
  for (const auto& directory : directories)
    for (const auto& file : files_of(directory, loaded_.faults))
      if (const auto id = id_of(file, loaded_.faults)) files_.emplace(*id, file);
}

const Provider* PluginsMapReader::find(const std::string& id) {
  if (read_.insert(id).second) {
    const auto [begin, end] = files_.equal_range(id);
    for (auto file = begin; file != end; ++file) load_file(id, file->second, loaded_);
  }
  const auto found = loaded_.providers.find(id);
  return found == loaded_.providers.end() ? nullptr : &found->second;
}

std::vector<std::string> PluginsMapReader::ids() const {
  std::vector<std::string> ids;
  for (auto file = files_.begin(); file != files_.end(); file = files_.upper_bound(file->first))
    if (!read_.contains(file->first) || loaded_.providers.contains(file->first)) ids.push_back(file->first);
  return ids;
}

LoadedPluginsMap load_plugins_map(const std::vector<fs::path>& directories) {
  PluginsMapReader reader(directories);
  for (const auto& id : reader.ids()) reader.find(id);
  return reader.take();
}

}  // namespace certherd::providers
