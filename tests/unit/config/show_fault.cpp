#include <ostream>

#include <certherd/config/load.hpp>

#include <doctest/doctest.h>
#include <support/temp_dir.hpp>

using namespace certherd;

TEST_SUITE("config/show_fault") {
  TEST_CASE("the line, a caret below the place, and the fix") {
    test::TempDir dir;
    const auto file = dir.write("c.yaml", "agree_tos: true\nemial: a@example.com\n").string();
    CHECK(config::show_fault({"'emial' is not a key", "did you mean 'email'?", SourceMark{file, 2, 1}}) ==
          file + ":2:1: 'emial' is not a key\n    emial: a@example.com\n    ^\n    did you mean 'email'?");
  }

  TEST_CASE("a secret on the line stays hidden, the caret where it was") {
    test::TempDir dir;
    const auto file =
        dir.write("c.yaml", "a: {dns_x_api_tokn: abcdefgh, dns_x_secret: hunter2, key_type: rsa}\n").string();
    CHECK(config::show_fault({"m", "", SourceMark{file, 1, 54}}) ==
          file + ":1:54: m\n    a: {dns_x_api_tokn: abcdefgh, dns_x_secret: *******, key_type: rsa}\n    " +
              std::string(53, ' ') + "^");
  }

  TEST_CASE("without a place there is only the message") {
    CHECK(config::show_fault({"cannot read x", "", {}}) == "cannot read x");
  }
}
