#include <ostream>

#include "../../../src/hooks/output_tail.hpp"

#include <certherd/base/text.hpp>

#include <doctest/doctest.h>

using certherd::Redactor;
using certherd::hooks::OutputTail;

namespace {
const std::string note = "[output before this was dropped]\n";
}

TEST_SUITE("hooks/output_tail") {
  TEST_CASE("little output is kept whole") {
    OutputTail tail(20);
    CHECK(tail.text({}).empty());
    tail.add("one");
    tail.add("");
    tail.add("two");
    CHECK(tail.text({}) == "one\n\ntwo");
  }

  TEST_CASE("of more the last whole lines are kept, and it says so") {
    OutputTail tail(10);
    for (int i = 0; i < 1000; ++i) tail.add("line" + std::to_string(i));
    CHECK(tail.text({}) == note + "line999");
  }

  TEST_CASE("a line longer than the limit keeps its end, from the start of a character") {
    OutputTail tail(4);
    tail.add("abcdefgh");
    CHECK(tail.text({}) == note + "efgh");
    OutputTail umlauts(3);
    umlauts.add("ääää");
    CHECK(umlauts.text({}) == note + "ä");
  }

  TEST_CASE("secrets are redacted, also those of several lines") {
    Redactor redactor;
    redactor.add("first\nsecond");
    OutputTail tail(100);
    tail.add("key: first");
    tail.add("second.");
    CHECK(tail.text(redactor) == "key: [redacted].");
  }

  TEST_CASE("a secret across the cut does not show its end") {
    Redactor redactor;
    redactor.add("topsecret");
    OutputTail tail(8);
    tail.add("topsecret and");
    CHECK_FALSE(certherd::contains(tail.text(redactor), "secret"));
    CHECK(tail.text(redactor) == note + "ted] and");
  }

  TEST_CASE("control characters become visible") {
    OutputTail tail(100);
    tail.add("\x1b[2J\r");
    CHECK(tail.text({}) == "\\x1b[2J\\x0d");
  }
}
