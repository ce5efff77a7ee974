#include <certherd/base/words.hpp>
#include <certherd/model/dns_facts.hpp>

namespace certherd {
namespace {

constexpr Words<ServerFacts::State, 5> server_states{{"answers", "lame", "unreachable", "no_address", "not_asked"}};

}  // namespace

std::string_view to_string(ServerFacts::State state) {
  return server_states.of(state);
}

}  // namespace certherd
