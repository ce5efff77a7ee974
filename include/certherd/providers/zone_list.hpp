#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/provider.hpp>
#include <certherd/model/scope_answer.hpp>
#include <certherd/os/http.hpp>
#include <certherd/providers/credentials.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::providers {

/// What stands in braces in a text of a ZoneList, in its order.
std::vector<std::string> placeholders(std::string_view text);

/// The first way to ask for which all credentials are given; nullptr: none.
const ZoneList* usable_zone_list(const Provider& provider, const Credentials& credentials);

/// The request for one page. Credentials are percent-encoded in the URL (RFC 3986 §2.1). Fault: one of them holds a
/// control character, which would break the header.
Result<os::HttpRequest> zone_list_request(const ZoneList& list, const Credentials& credentials, int page);

/// What one page of the answer says.
struct ZonePage {
  std::vector<std::string> names;  ///< lower case, no dot at the end
  std::optional<long long> pages;  ///< how many there are; absent: not said
};

/// Fault: no JSON, or names do not stand where they should.
Result<ZonePage> read_zone_page(const ZoneList& list, std::string_view body);

/// How a request is answered: os::http_exchange.
using Exchange = std::function<Result<os::HttpResponse>(const os::HttpRequest&)>;

/// Asks page by page for the zones that credentials reach, until `deadline`. Blocks; call it through offload(). What
/// is neither a list nor a denial says nothing.
ScopeAnswer ask_for_zones(const Provider& provider, const ZoneList& list, const Credentials& credentials,
                          std::chrono::steady_clock::time_point deadline, const Exchange& exchange);

}  // namespace certherd::providers
