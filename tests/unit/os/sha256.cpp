#include <certherd/os/sha256.hpp>

#include <ostream>

#include <doctest/doctest.h>

using namespace certherd;

TEST_SUITE("os/sha256") {
  TEST_CASE("the examples of FIPS 180-2") {
    CHECK(os::sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(os::sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  }
}
