#pragma once

#include <Poco/URI.h>

#include <optional>
#include <string>

namespace certherd::os {

/// A URL taken apart. The target is kept as it was written: Poco would decode and encode it again, which changes
/// "%2F" in a path.
struct HttpUrl {
  Poco::URI uri;
  std::string path_and_query;
  bool tls = false;
};

/// Nothing: it is no http or https URL.
std::optional<HttpUrl> parse_http_url(const std::string& url);

}  // namespace certherd::os
