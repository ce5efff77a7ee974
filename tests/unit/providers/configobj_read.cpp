#include <certherd/providers/configobj.hpp>

#include <ostream>

#include <doctest/doctest.h>
#include <support/texts.hpp>

// What certbot really makes of a file is compared in tests/e2e/test_credentials_quoting.py; these cases are quick.

using namespace certherd::providers;
using certherd::test::Texts;

namespace {

std::string text_of(const std::string& line) {
  const auto file = read_configobj("k = " + line + "\n");
  REQUIRE(file.faults.empty());
  return file.values.at("k").text;
}

Texts faults_in(const std::string& text) {
  Texts texts;
  for (const auto& fault : read_configobj(text).faults) texts.push_back(fault.message);
  return texts;
}

}  // namespace

TEST_SUITE("providers/configobj_read") {
  TEST_CASE("plain and quoted values, with comments after them") {
    CHECK(text_of("abc") == "abc");
    CHECK(text_of("  abc   # mine") == "abc");
    CHECK(text_of("'a # b' # c") == "a # b");
    CHECK(text_of("\"a, b\"") == "a, b");
    CHECK(text_of("a = b") == "a = b");
    CHECK(text_of("") == "");
    CHECK(text_of("\"\"") == "");
    CHECK(text_of("a 'b' c") == "a 'b' c");
  }

  TEST_CASE("triple quotes span lines and keep them") {
    CHECK(text_of("'''a\n  b # c\n''' # d") == "a\n  b # c\n");
    CHECK(text_of("\"\"\"one 'line' with \"both\" quotes\"\"\"") == "one 'line' with \"both\" quotes");
  }

  TEST_CASE("a '#' without a space before it cuts the value, which is told") {
    const auto file = read_configobj("a = to#ken\nb = token # comment\nc = 'to#ken'\n");
    CHECK(file.values.at("a").text == "to");
    CHECK(file.values.at("a").cut_at_hash);
    CHECK_FALSE(file.values.at("b").cut_at_hash);
    CHECK_FALSE(file.values.at("c").cut_at_hash);
  }

  TEST_CASE("a comma makes a list") {
    const auto file = read_configobj("a = x, y\nb = x,\nc = ,\nd = 'x, y'\n");
    CHECK(file.values.at("a").list);
    CHECK(file.values.at("a").text == "x, y");
    CHECK(file.values.at("b").list);
    CHECK(file.values.at("c").list);
    CHECK_FALSE(file.values.at("d").list);
  }

  TEST_CASE("references are resolved from the top and from [DEFAULT]") {
    const auto file = read_configobj("a = 1%(b)s%(c)s\nb = 2\nd = 50% of it\n[DEFAULT]\nc = 3\n");
    CHECK(file.values.at("a").text == "123");
    CHECK(file.values.at("d").text == "50% of it");
    CHECK_FALSE(file.values.at("a").lost_reference);
  }

  TEST_CASE("references to nothing and to themselves are told") {
    const auto file = read_configobj("a = x%(none)sy\nb = %(c)s\nc = %(b)s\n");
    CHECK(file.values.at("a").lost_reference == "none");
    CHECK(file.values.at("b").lost_reference == "b");
  }

  TEST_CASE("keys in sections are not values, and their places are known") {
    const auto file = read_configobj("a = 1\n[one]\nb = 2\n[[two]]\nc = 3\n");
    CHECK(file.values.size() == 1);
    REQUIRE(file.section_keys.size() == 2);
    CHECK(file.section_keys[0].section == "one");
    CHECK(file.section_keys[0].key == "b");
    CHECK(file.section_keys[0].line == 3);
    CHECK(file.section_keys[1].section == "two");
  }

  TEST_CASE("a byte order mark and carriage returns are no part of keys and values") {
    const auto file = read_configobj("\xef\xbb\xbfk = v\r\nj = w\r\n");
    CHECK(file.values.at("k").text == "v");
    CHECK(file.values.at("j").text == "w");
    CHECK(file.values.at("j").line == 2);
  }

  TEST_CASE("syntax errors are told by line, all of them, and without a word of the file") {
    CHECK(
        faults_in("just words\nk = 'open\nk2 = a,,b\nk3 = 1\nk3 = 2\n[a\n[s]\n[s]\n[[[deep]]]\n[x]]\nk4 = '''open\n") ==
        Texts{"line 1: neither 'key = value' nor a [section]", "line 2: a value with unbalanced quotes or stray commas",
              "line 3: a value with unbalanced quotes or stray commas", "line 5: a key that was given before",
              "line 6: neither 'key = value' nor a [section]", "line 8: a section of this name exists already",
              "line 9: a section nested too deep", "line 10: a section with unequal brackets",
              "line 11: triple quotes without a proper end"});
  }

  TEST_CASE("many quotes do not take forever") {
    std::string line = "k = ";
    for (int i = 0; i < 2000; ++i) line += "\"a\",";
    CHECK(faults_in(line + "x\"y,,\n").size() == 1);
  }
}
