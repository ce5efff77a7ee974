#include "network_module.hpp"

#include <dlfcn.h>

#include <mutex>

namespace certherd::os {
namespace fs = std::filesystem;
namespace {

Fault unusable(const fs::path& file, const std::string& why) {
  return {"the part of certherd that speaks HTTP, " + file.string() + ", cannot be used: " + why,
          "install certherd again; a service that was upgraded while it runs needs a restart",
          {}};
}

}  // namespace

fs::path network_module_file() {
  // From the program itself and from no variable or search path: what is loaded here runs as root. The program may have
  // been replaced since it was started; its directory is still right then.
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return (program.parent_path() / CERTHERD_NETWORK_MODULE).lexically_normal();
}

Result<const NetworkModule*> load_network_module(const fs::path& file) {
  // Never closed: Poco's threads and OpenSSL's handlers would outlive it. Local: its copies of our functions are its
  // own.
  void* const object = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!object) return unusable(file, ::dlerror());
  const auto* const module = static_cast<const NetworkModule*>(::dlsym(object, network_symbol));
  if (!module) return unusable(file, ::dlerror());
  if (module->interface != network_interface())
    return unusable(file, "it is of certherd " + module->interface + ", this is " + network_interface());
  return module;
}

Result<const NetworkModule*> network_module() {
#ifdef CERTHERD_NETWORK_INSIDE
  return &certherd_network_module;
#else
  static std::mutex mutex;
  static const NetworkModule* loaded = nullptr;
  const std::lock_guard lock(mutex);
  if (loaded) return loaded;
  const auto module = load_network_module(network_module_file());
  if (module) loaded = *module;
  return module;
#endif
}

}  // namespace certherd::os
