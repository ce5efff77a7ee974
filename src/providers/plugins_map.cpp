#include "entry.hpp"

#include <certherd/base/text.hpp>
#include <certherd/os/file.hpp>
#include <certherd/os/yaml.hpp>
#include <certherd/providers/plugins_map.hpp>

#include <algorithm>
#include <cctype>
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
  std::sort(files.begin(), files.end());
  return files;
}

void load_file(const fs::path& file, LoadedPluginsMap& loaded) {
  const SourceMark whole{file.string(), 1, 1};
  const std::string id = file.stem().string();
  if (!is_id(id)) {
    loaded.faults.push_back({"the name of a provider consists of a-z, 0-9 and '-', so '" +
                                 printable(file.filename().string()) + "' cannot be an entry of the plugins-map",
                             "rename the file", whole});
    return;
  }
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

LoadedPluginsMap load_plugins_map(const std::vector<fs::path>& directories) {
  LoadedPluginsMap loaded;
  for (const auto& directory : directories) {
    for (const auto& file : files_of(directory, loaded.faults)) {
      if (file.extension() == ".yaml")
        load_file(file, loaded);
      else if (file.extension() == ".yml")
        loaded.faults.push_back(
            {"entries of the plugins-map end in .yaml", "rename the file", SourceMark{file.string(), 1, 1}});
    }
  }
  return loaded;
}

}  // namespace certherd::providers
