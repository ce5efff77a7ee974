#include <ostream>

#include "../../../src/os/network_module.hpp"

#include <certherd/base/text.hpp>

#include <doctest/doctest.h>
#include <support/temp_dir.hpp>

#include <fstream>

using namespace certherd;

TEST_SUITE("os/network_module") {
  TEST_CASE("the module of this build lies where the program looks for it") {
    const std::filesystem::path built = CERTHERD_NETWORK_FILE;
    CHECK(std::filesystem::weakly_canonical(os::network_module_file()) == std::filesystem::weakly_canonical(built));
  }

  TEST_CASE("the module of this build is loaded and does its work") {
    const auto module = os::load_network_module(CERTHERD_NETWORK_FILE);
    REQUIRE(module);
    os::HttpRequest request;
    request.url = "ftp://files.example";
    const auto answer = (*module)->http_exchange(request);
    REQUIRE(!answer);
    CHECK(contains(answer.fault().message, "is not an http or https URL"));
  }

  TEST_CASE("a module that is missing is told with its path and what to do") {
    const test::TempDir directory;
    const auto file = directory.path() / "certherd_network.so";
    const auto module = os::load_network_module(file);
    REQUIRE(!module);
    CHECK(contains(module.fault().message, file.string()));
    CHECK(contains(module.fault().message, "No such file"));
    CHECK(contains(module.fault().fix, "install certherd again"));
  }

  TEST_CASE("a module that is no shared object is refused") {
    const test::TempDir directory;
    const auto file = directory.path() / "certherd_network.so";
    std::ofstream(file) << "half a download";
    CHECK(!os::load_network_module(file));
  }

  TEST_CASE("a shared object that is no module of certherd is refused") {
    const auto module = os::load_network_module("libm.so.6");
    REQUIRE(!module);
    CHECK(contains(module.fault().message, os::network_symbol));
  }

  TEST_CASE("a module of another build is refused: its functions may take other things") {
    const auto module = os::load_network_module(CERTHERD_OTHER_NETWORK_FILE);
    REQUIRE(!module);
    CHECK(contains(module.fault().message, "it is of certherd 0.0.0/1, this is " CERTHERD_VERSION));
    CHECK(contains(module.fault().fix, "restart"));
  }
}
