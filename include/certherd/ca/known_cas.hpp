#pragma once

#include <certherd/model/settings.hpp>

#include <map>
#include <string>

namespace certherd::ca {

/// letsencrypt, letsencrypt-staging, zerossl, google, sslcom, actalis.
const std::map<std::string, KnownCa>& known_cas();

}  // namespace certherd::ca
