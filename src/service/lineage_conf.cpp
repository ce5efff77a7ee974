#include "lineage_conf.hpp"

#include <certherd/base/text.hpp>
#include <certherd/providers/configobj.hpp>

namespace certherd::service {

std::string LineageConf::option(const std::string& key) const {
  const auto found = options.find(key);
  return found == options.end() ? std::string() : found->second;
}

Result<LineageConf> parse_lineage_conf(std::string_view text, const std::string& name) {
  auto file = providers::read_configobj(text);
  if (!file.faults.empty())
    return Fault{"its renewal file cannot be read as certbot would read it: " + file.faults.front().message, "", {}};
  if (printable(text) != text)
    return Fault{"its renewal file holds bytes that are no text", "look for control characters and broken UTF-8", {}};
  LineageConf conf;
  conf.name = name;
  for (auto& [key, value] : file.values) conf.paths.emplace(key, std::move(value.text));
  for (auto& entry : file.section_keys)
    if (entry.section == "renewalparams" && entry.value.text != "None")
      conf.options.emplace(std::move(entry.key), std::move(entry.value.text));
  if (conf.options.empty())
    return Fault{"its renewal file has no [renewalparams]: certbot could not renew it either", "", {}};
  return conf;
}

}  // namespace certherd::service
