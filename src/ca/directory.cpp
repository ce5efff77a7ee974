#include <certherd/base/text.hpp>
#include <certherd/ca/directory.hpp>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "ask.hpp"

namespace certherd::ca {
namespace {

const std::string the_directory = "the ACME directory";

void read_meta(const boost::json::object& meta, Directory& directory) {
  if (const auto* identities = meta.if_contains("caaIdentities"); identities && identities->is_array())
    for (const auto& identity : identities->as_array())
      if (identity.is_string())
        directory.caa_identities.push_back(to_lower(printable(std::string(identity.as_string()))));
  if (const auto* profiles = meta.if_contains("profiles"); profiles && profiles->is_object())
    for (const auto& [name, words] : profiles->as_object())
      directory.profiles[printable(std::string(name))] =
          words.is_string() ? printable(std::string(words.as_string())) : std::string();
}

}  // namespace

std::optional<std::string> Directory::url(const std::string& resource) const {
  const auto found = urls.find(resource);
  return found == urls.end() ? std::nullopt : std::optional(found->second);
}

Result<Directory> parse_directory(std::string_view body) {
  const auto object = parse_object(body, the_directory);
  if (!object) return object.fault();
  Directory directory;
  for (const auto& [name, value] : *object) {
    if (value.is_string()) directory.urls[std::string(name)] = std::string(value.as_string());
  }
  if (!directory.url("newOrder"))
    return Fault{the_directory + " names no newOrder resource",
                 "check that the CA's server is the URL of its ACME directory",
                 {}};
  if (const auto* meta = object->if_contains("meta"); meta && meta->is_object())
    read_meta(meta->as_object(), directory);
  return directory;
}

Result<Directory> fetch_directory(const Ca& ca, Seconds patience) {
  const auto response = ask(ca, the_directory, ca.server, patience);
  if (!response) return response.fault();
  if (response->status != 200) return status_fault(ca, the_directory, *response);
  auto directory = parse_directory(response->body);
  if (!directory) return Fault{"CA '" + ca.id + "': " + directory.fault().message, directory.fault().fix, {}};
  directory->date = date_of(*response);
  return directory;
}

}  // namespace certherd::ca
