#pragma once

#include <certherd/model/run.hpp>

#include <optional>

namespace certherd::api {

/// The user at the other end of a Unix socket as the kernel noted it when it connected (SO_PEERCRED, unix(7)), with the
/// login name, or the uid again where it has none. May ask the name service. nullopt: the kernel does not tell.
std::optional<Actor> peer_actor(int socket);

}  // namespace certherd::api
