#pragma once

#include <certherd/service/control.hpp>
#include <certherd/service/service.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace certherd::api {

/// The certificate that a path is about the revocation of: /v1/certificates/NAME/revoke.
std::optional<std::string> revocation_of(std::string_view path);

/// POST there: {"reason": WORD, "output": true} → lines as service/revoke.hpp has them, the last of which says what
/// came of it. A stream, since certbot and a Run that has to end first may take minutes, and since only those have a
/// thread to themselves. A client that goes away changes nothing. Throws Refused before the first line: no such
/// certificate, nothing published, a reason that certbot does not know.
void revoke_and_watch(service::Service& service, const std::string& name, const service::Request& request,
                      service::Stream& out);

}  // namespace certherd::api
