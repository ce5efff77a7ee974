#include <ostream>

#include <certherd/base/words.hpp>

#include <doctest/doctest.h>

using namespace certherd;

namespace {

enum class Light { red, amber, green };
constexpr Words<Light, 3> lights{{"red", "amber", "green"}};

}  // namespace

TEST_SUITE("base/words") {
  TEST_CASE("each value has its word and is found by it") {
    CHECK(lights.of(Light::red) == "red");
    CHECK(lights.of(Light::green) == "green");
    CHECK(lights.parse("red") == Light::red);
    CHECK(lights.parse("green") == Light::green);
  }

  TEST_CASE("a word is taken exactly or not at all") {
    for (const char* text : {"", "gree", "greens", "Green", " green"}) {
      CAPTURE(text);
      CHECK_FALSE(lights.parse(text).has_value());
    }
  }
}
