#pragma once

// Poco's network libraries and what they bring with them take longer to load than most verbs take for all the rest, and
// most verbs never speak HTTP. What needs them is a shared object of its own, loaded at its first use. It has its own
// copy of what it uses of the library, and is built together with the program.

#include <certherd/base/result.hpp>
#include <certherd/os/http.hpp>

#include <filesystem>
#include <string>

namespace certherd::os {

/// What the module offers.
struct NetworkModule {
  std::string interface;  ///< network_interface() when it was built
  Result<HttpResponse> (*http_exchange)(const HttpRequest&) = nullptr;
};

/// Tells a module of this build from one that an upgrade under a running service has left or put there.
inline std::string network_interface() {
  std::string sizes;
  for (const std::size_t size : {sizeof(NetworkModule), sizeof(HttpRequest), sizeof(HttpResponse), sizeof(Fault)})
    sizes += "/" + std::to_string(size);
  return CERTHERD_VERSION + sizes;
}

/// The name of the NetworkModule in the shared object.
inline constexpr const char* network_symbol = "certherd_network_module";

/// Where it is, found from where the program is: in the build tree as after installation.
std::filesystem::path network_module_file();

/// Loads a module for good. Fault: it is missing, damaged or of another build.
Result<const NetworkModule*> load_network_module(const std::filesystem::path& file);

/// The module of this program, loaded once; safe to call from several threads.
Result<const NetworkModule*> network_module();

}  // namespace certherd::os

extern "C" __attribute__((visibility("default"))) const certherd::os::NetworkModule certherd_network_module;
