#pragma once

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace certherd::os {

struct HttpRequest {
  std::string method = "GET";
  std::string url;  ///< http or https
  std::map<std::string, std::string> headers;
  std::string body;
  std::optional<std::filesystem::path> ca_bundle;  ///< trusted besides the system's anchors
  Seconds timeout{30};                             ///< of the whole exchange
  std::size_t response_limit = 64 * 1024;          ///< bytes kept of the body
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

/// One blocking HTTP exchange; call it through offload(). The server's certificate and name are verified. Redirects are
/// returned, not followed. The Fault names the host and what failed (name resolution, connection, TLS, timeout), never
/// the path or query of the URL, which may hold a token.
Result<HttpResponse> http_exchange(const HttpRequest& request);

/// "https://host:port/…" of a URL whose path and query may be secret.
std::string public_part(const std::string& url);

}  // namespace certherd::os
