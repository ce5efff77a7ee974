#include "peer.hpp"

#include <pwd.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <vector>

namespace certherd::api {
namespace {

std::string login_name(uid_t uid) {
  std::vector<char> buffer(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  while (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == ERANGE) buffer.resize(buffer.size() * 2);
  return found ? found->pw_name : std::to_string(uid);
}

}  // namespace

std::optional<Actor> peer_actor(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  // What the kernel says of a socket that has no such peer.
  if (size != sizeof peer || peer.uid == static_cast<uid_t>(-1)) return std::nullopt;
  return Actor{Actor::Kind::user, std::to_string(peer.uid), login_name(peer.uid)};
}

}  // namespace certherd::api
