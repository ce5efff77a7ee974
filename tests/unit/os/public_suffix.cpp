#include <certherd/os/public_suffix.hpp>

#include <ostream>

#include <doctest/doctest.h>

using certherd::os::registered_domain;

TEST_SUITE("os/public_suffix") {
  TEST_CASE("one label more than the public suffix") {
    CHECK(registered_domain("example.com") == "example.com");
    CHECK(registered_domain("a.b.example.com") == "example.com");
    CHECK(registered_domain("www.example.co.uk") == "example.co.uk");
    CHECK(registered_domain("a.b.xn--mgbaam7a8h") == "b.xn--mgbaam7a8h");
  }

  TEST_CASE("a wildcard, case and a trailing dot do not matter") {
    CHECK(registered_domain("*.Example.COM") == "example.com");
    CHECK(registered_domain("*.www.example.com.") == "example.com");
  }

  TEST_CASE("private suffixes count, as Let's Encrypt counts them") {
    CHECK(registered_domain("someone.github.io") == "someone.github.io");
    CHECK(registered_domain("www.someone.github.io") == "someone.github.io");
  }

  TEST_CASE("wildcard rules and their exceptions") {
    CHECK(registered_domain("a.b.c.kawasaki.jp") == "b.c.kawasaki.jp");
    CHECK(registered_domain("a.city.kawasaki.jp") == "city.kawasaki.jp");
  }

  TEST_CASE("a public suffix, a top-level domain that nobody knows, and nothing") {
    CHECK(registered_domain("co.uk") == "co.uk");
    CHECK(registered_domain("*.github.io") == "github.io");
    CHECK(registered_domain("a.b.lab") == "b.lab");
    CHECK(registered_domain("localhost") == "localhost");
    CHECK(registered_domain("") == "");
  }
}
