// Reaches the writer and the reader of credentials files from tests/e2e/test_credentials_quoting.py.
//   quote_probe write: a JSON object of texts on stdin, the credentials file on stdout
//   quote_probe read:  a JSON array of credentials files on stdin, an array of what certbot would see on stdout

#include <certherd/providers/configobj.hpp>

#include <boost/json.hpp>

#include <iostream>
#include <iterator>
#include <map>
#include <string>

namespace {

using namespace certherd::providers;

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
  const std::string input(std::istreambuf_iterator<char>(std::cin), {});
  const std::string verb = argc == 2 ? argv[1] : "";
  if (verb == "write") return write(input);
  if (verb == "read") return read(input);
  std::cerr << "usage: quote_probe write|read\n";
  return 2;
}
