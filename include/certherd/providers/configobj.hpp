#pragma once

#include <certherd/base/result.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::providers {

/// One value at the top of a ConfigObj file, as certbot hands it to the plugin.
struct ConfigObjValue {
  std::string text;          ///< without quotes, references resolved; of a list: its parts joined by ", "
  int line = 0;              ///< of the key, from 1
  bool list = false;         ///< an unquoted comma made it a list, which no plugin expects
  bool cut_at_hash = false;  ///< an unquoted value was ended by a '#' that follows it without a space
  std::optional<std::string> lost_reference;  ///< the name of a "%(name)s" that resolves to nothing: certbot dies of it
};

/// A key inside a [section]; in a credentials file certbot never looks at it.
struct SectionKey {
  std::string section;
  std::string key;
  int line = 0;
  ConfigObjValue value;  ///< its references are not resolved
};

/// What certbot sees of such a file: credentials, or renewal/NAME.conf.
struct ConfigObjFile {
  std::map<std::string, ConfigObjValue> values;
  std::vector<SectionKey> section_keys;
  std::vector<Fault> faults;  ///< syntax errors, "line N: …", without a mark and without any text of the file
};

/// Reads the dialect of Python's configobj 5.0 with the options of certbot's CredentialsConfiguration (2.1 to 5.x): all
/// defaults, so lists and ConfigParser interpolation are on.
ConfigObjFile read_configobj(std::string_view text);

/// Writes a file from which certbot reads exactly these values. Only keys that certbot could not look up, a NUL byte
/// and text that is not UTF-8 cannot be written; the Fault names the key, never the value.
Result<std::string> write_configobj(const std::map<std::string, std::string>& values);

}  // namespace certherd::providers
