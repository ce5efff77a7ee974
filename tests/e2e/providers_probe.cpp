// Reaches the room providers from tests/e2e/test_credentials_quoting.py and test_plugins_map.py.
//   providers_probe map DIR: the plugins-map in DIR as a JSON object
//   providers_probe write: a JSON object of texts on stdin, the credentials file on stdout
//   providers_probe read:  a JSON array of credentials files on stdin, an array of what certbot would see on stdout

#include <certherd/providers/configobj.hpp>
#include <certherd/providers/plugins_map.hpp>

#include <boost/json.hpp>

#include <iostream>
#include <iterator>
#include <map>
#include <string>

namespace {

using namespace certherd::providers;

int map(const std::string& directory) {
  const auto loaded = load_plugins_map({directory});
  for (const auto& fault : loaded.faults) std::cerr << certherd::to_string(*fault.mark) << ": " << fault.text() << "\n";
  if (!loaded.faults.empty()) return 1;
  boost::json::object entries;
  for (const auto& [id, provider] : loaded.providers) {
    boost::json::value seconds;
    if (provider.default_seconds) seconds = provider.default_seconds->count();
    entries[id] = boost::json::object{{"authenticator", provider.authenticator},
                                      {"debian_package", provider.debian_package},
                                      {"credentials_flag", provider.credentials_flag},
                                      {"propagation_flag", provider.propagation_flag},
                                      {"default_seconds", seconds}};
  }
  std::cout << entries << "\n";
  return 0;
}

int write(const std::string& input) {
  const boost::json::value parsed = boost::json::parse(input);
  std::map<std::string, std::string> values;
  for (const auto& [key, value] : parsed.as_object()) values.emplace(std::string(key), std::string(value.as_string()));
  const auto text = write_configobj(values);
  if (!text) {
    std::cerr << text.fault().text() << "\n";
    return 1;
  }
  std::cout << *text;
  return 0;
}

boost::json::object seen(const std::string& text) {
  const auto file = read_configobj(text);
  boost::json::object values;
  for (const auto& [key, value] : file.values)
    values[key] = boost::json::object{
        {"text", value.text}, {"list", value.list}, {"lost_reference", value.lost_reference.has_value()}};
  boost::json::array faults;
  for (const auto& fault : file.faults) faults.emplace_back(fault.message);
  return {{"values", values}, {"faults", faults}};
}

int read(const std::string& input) {
  const boost::json::value parsed = boost::json::parse(input);
  boost::json::array answers;
  for (const auto& text : parsed.as_array()) answers.push_back(seen(std::string(text.as_string())));
  std::cout << answers << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "map" && argc == 3) return map(argv[2]);
  const std::string input(std::istreambuf_iterator<char>(std::cin), {});
  if (verb == "write") return write(input);
  if (verb == "read") return read(input);
  std::cerr << "usage: providers_probe map DIR|write|read\n";
  return 2;
}
