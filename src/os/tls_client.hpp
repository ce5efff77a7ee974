#pragma once

#include <certherd/base/result.hpp>

#include <Poco/Net/Context.h>

#include <filesystem>
#include <optional>
#include <string>

namespace certherd::os {

/// A context for one connection to `host` (a name or an address): trusts the system's anchors and those of the bundle,
/// requires TLS 1.2, and makes OpenSSL itself check chain and name during the handshake. Fault: the bundle cannot be
/// read.
Result<Poco::Net::Context::Ptr> tls_client_context(const std::string& host,
                                                   const std::optional<std::filesystem::path>& ca_bundle);

/// Why the last handshake on this thread found the server's certificate not trusted, in OpenSSL's words; empty: it did
/// not get that far or the certificate is good. Reset by tls_client_context.
std::string tls_distrust();

}  // namespace certherd::os
