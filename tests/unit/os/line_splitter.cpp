#include <ostream>

#include "../../../src/os/line_splitter.hpp"

#include <doctest/doctest.h>

#include <vector>

using certherd::os::LineSplitter;
using Lines = std::vector<std::string>;

namespace {

Lines lines_of(std::size_t limit, const std::vector<std::string>& pieces) {
  Lines lines;
  LineSplitter splitter(limit, [&](std::string_view line) { lines.emplace_back(line); });
  for (const auto& piece : pieces) splitter.feed(piece);
  splitter.finish();
  return lines;
}

}  // namespace

TEST_SUITE("os/line_splitter") {
  TEST_CASE("lines do not depend on how the bytes arrive") {
    CHECK(lines_of(100, {"ab\ncd\n"}) == Lines{"ab", "cd"});
    CHECK(lines_of(100, {"a", "b\nc", "", "d", "\n"}) == Lines{"ab", "cd"});
  }

  TEST_CASE("an empty stream has no line, an empty line is one") {
    CHECK(lines_of(100, {}).empty());
    CHECK(lines_of(100, {"\n\n"}) == Lines{"", ""});
  }

  TEST_CASE("a last line without a newline is delivered once") {
    CHECK(lines_of(100, {"a\n", "b"}) == Lines{"a", "b"});
  }

  TEST_CASE("a line at the limit is whole, one beyond it is cut and marked, the next starts afresh") {
    CHECK(lines_of(4, {"abcd\n"}) == Lines{"abcd"});
    CHECK(lines_of(4, {"abc", "def", "ghi\nxy\n"}) == Lines{"abcd [5 bytes dropped]", "xy"});
    CHECK(lines_of(4, {"abcdefg"}) == Lines{"abcd [3 bytes dropped]"});
  }

  TEST_CASE("bytes that are no text pass unchanged") {
    CHECK(lines_of(100, {std::string("a\0b\r\n", 5)}) == Lines{std::string("a\0b\r", 4)});
  }

  TEST_CASE("a callback that throws loses its line and no other") {
    Lines lines;
    LineSplitter splitter(4, [&](std::string_view line) {
      if (line.starts_with("bad")) throw 1;
      lines.emplace_back(line);
    });
    CHECK_THROWS(splitter.feed("bad-and-long\n"));
    splitter.feed("ok\n");
    CHECK(lines == Lines{"ok"});
  }
}
