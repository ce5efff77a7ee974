#include <certherd/base/text.hpp>
#include <certherd/os/public_suffix.hpp>

#include <libpsl.h>

#include <memory>

namespace certherd::os {
namespace {

constexpr const char* list_file = "/usr/share/publicsuffix/public_suffix_list.dafsa";

/// Never freed: others may still ask while the program ends. nullptr, which libpsl takes, if there is no list at all.
const psl_ctx_t* list() {
  static const psl_ctx_t* const loaded = [] {
    psl_ctx_t* file = psl_load_file(list_file);
    return file ? file : psl_builtin();
  }();
  return loaded;
}

}  // namespace

std::string registered_domain(std::string_view name) {
  std::string plain = to_lower(name);
  if (plain.starts_with("*.")) plain.erase(0, 2);
  if (plain.ends_with('.')) plain.pop_back();
  const char* domain = psl_registrable_domain(list(), plain.c_str());
  return domain ? domain : plain;
}

}  // namespace certherd::os
