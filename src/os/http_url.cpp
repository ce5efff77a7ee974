#include <certherd/base/text.hpp>
#include <certherd/os/http.hpp>

#include "http_url.hpp"

#include <Poco/Exception.h>

#include <algorithm>

namespace certherd::os {

std::optional<HttpUrl> parse_http_url(const std::string& url) {
  const bool clean = std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!clean) return std::nullopt;
  HttpUrl target;
  try {
    target.uri = Poco::URI(url);
  } catch (const Poco::Exception&) {
    return std::nullopt;
  }
  target.tls = target.uri.getScheme() == "https";
  if ((!target.tls && target.uri.getScheme() != "http") || target.uri.getHost().empty()) return std::nullopt;
  const auto start = url.find_first_of("/?#", url.find("://") + 3);
  target.path_and_query = start == std::string::npos ? "" : url.substr(start, url.find('#', start) - start);
  if (!target.path_and_query.starts_with('/')) target.path_and_query.insert(0, "/");
  return target;
}

std::string public_part(const std::string& url) {
  const auto target = parse_http_url(url);
  if (!target) return "the URL";
  std::string host = target->uri.getHost();
  if (contains(host, ":")) host = "[" + host + "]";
  const auto port = target->uri.getSpecifiedPort();
  return target->uri.getScheme() + "://" + host + (port == 0 ? "" : ":" + std::to_string(port)) + "/…";
}

}  // namespace certherd::os
