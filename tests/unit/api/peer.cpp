#include <ostream>

#include "../../../src/api/peer.hpp"

#include <certherd/os/fd.hpp>

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace certherd;

TEST_SUITE("api/peer") {
  TEST_CASE("the other end of a Unix socket is its user") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const os::Fd one(ends[0]);
    const os::Fd other(ends[1]);
    const auto actor = api::peer_actor(one.get());
    REQUIRE(actor);
    CHECK(to_string(*actor) == "user:" + std::to_string(::getuid()) + ":" + ::getpwuid(::getuid())->pw_name);
  }

  TEST_CASE("of a socket that has no such peer nothing is told") {
    const os::Fd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const os::Fd lonely(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK_FALSE(api::peer_actor(tcp.get()));
    CHECK_FALSE(api::peer_actor(lonely.get()));
    CHECK_FALSE(api::peer_actor(-1));
  }
}
