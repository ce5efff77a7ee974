#include <ostream>

#include <doctest/doctest.h>
#include <certherd/cli/terminal.hpp>

#include <sstream>

using namespace certherd;
using namespace certherd::cli;

namespace {

std::string printed(const Table& table, const Terminal& terminal) {
  std::ostringstream out;
  table.print(out, terminal);
  return out.str();
}

}  // namespace

TEST_SUITE("cli/terminal") {
  TEST_CASE("width counts characters, not bytes, and no colours") {
    CHECK(display_width("gr\xc3\xbcn") == 4);
    CHECK(display_width("\x1b[31mred\x1b[0m") == 3);
    CHECK(display_width("") == 0);
  }

  TEST_CASE("a text is filled up or cut to its width") {
    Terminal terminal;
    CHECK(fit(terminal, "ab", 4) == "ab  ");
    CHECK(fit(terminal, "abcdef", 4) == "abc~");
    terminal.utf8 = true;
    CHECK(fit(terminal, "abcdef", 4) == "abc\xe2\x80\xa6");
    CHECK(fit(terminal, "\x1b[31mabcdef\x1b[0m", 4) == "\x1b[31mabc\xe2\x80\xa6\x1b[0m");
  }

  TEST_CASE("colour only where the terminal has it") {
    Terminal terminal;
    CHECK(coloured(terminal, Colour::red, "x") == "x");
    terminal.colour = true;
    CHECK(coloured(terminal, Colour::red, "x") == "\x1b[31mx\x1b[0m");
    CHECK(coloured(terminal, Colour::plain, "x") == "x");
  }

  TEST_CASE("columns are as wide as their widest cell and lines end without spaces") {
    Table table({"NAME", "X"});
    table.add({"example.com", "1"});
    table.add({"b", ""});
    CHECK(printed(table, Terminal{}) == "NAME         X\nexample.com  1\nb\n");
  }

  TEST_CASE("only a terminal that is too narrow has the widest column cut") {
    Table table({"NAME", "DOMAINS"});
    table.add({"a", "one.example.com two.example.com three.example.com"});
    Terminal terminal;
    terminal.width = 30;
    CHECK(printed(table, terminal).find("three.example.com") != std::string::npos);
    terminal.interactive = true;
    CHECK(printed(table, terminal) == "NAME  DOMAINS\na     one.example.com two.exa~\n");
  }
}
