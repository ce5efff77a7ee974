#include <certherd/os/http.hpp>

#include "network_module.hpp"

namespace certherd::os {

Result<HttpResponse> http_exchange(const HttpRequest& request) {
  const auto module = network_module();
  if (!module) return module.fault();
  return (*module)->http_exchange(request);
}

}  // namespace certherd::os
