#include <certherd/providers/configobj.hpp>

#include <ostream>

#include <doctest/doctest.h>

using namespace certherd;
using namespace certherd::providers;

TEST_SUITE("providers/configobj_write") {
  TEST_CASE("values are quoted by what they hold") {
    const auto text = write_configobj({{"a", "plain"},
                                       {"b", "with, comma # and hash"},
                                       {"c", "say \"hi\""},
                                       {"d", "it's \"both\""},
                                       {"e", "two\nlines"},
                                       {"f", ""}});
    REQUIRE(text);
    CHECK(*text ==
          "a = \"plain\"\nb = \"with, comma # and hash\"\nc = 'say \"hi\"'\nd = \"\"\"it's \"both\"\"\"\"\n"
          "e = \"\"\"two\nlines\"\"\"\nf = \"\"\n");
  }

  TEST_CASE("what no quotes can carry becomes a reference into [DEFAULT]") {
    const auto text = write_configobj({{"a", "%(x)s"}});
    REQUIRE(text);
    CHECK(*text ==
          "a = \"%(certherd_percent)s(x)s\"\n"
          "[DEFAULT]\ncertherd_percent = %\ncertherd_return = \"\r\"\ncertherd_quote = '\"'\n");
  }

  TEST_CASE("everything comes back from our own reader") {
    const std::map<std::string, std::string> values = {
        {"a", " spaces "},   {"b", "100%"},         {"c", "%(b)s"},       {"d", "\"\"\" and '''"},
        {"e", "cr\r\nlf\n"}, {"f", "ends in \" '"}, {"g", "pässwörd\t"},  {"h", "# , ="},
        {"i", "'"},          {"j", "\""},           {"k", "\n\"\"\"'''"}, {"l", ""}};
    const auto text = write_configobj(values);
    REQUIRE(text);
    const auto file = read_configobj(*text);
    CHECK(file.faults.empty());
    for (const auto& [key, value] : values) CHECK(file.values.at(key).text == value);
  }

  TEST_CASE("a NUL byte cannot be written, and the value is not told") {
    const auto text = write_configobj({{"dns_x_token", std::string("sec\0ret", 7)}});
    REQUIRE_FALSE(text);
    CHECK(text.fault().text() == "the value of 'dns_x_token' holds a NUL byte, which no credentials file can carry");
  }

  TEST_CASE("text that is not UTF-8 cannot be written") {
    for (const std::string bytes :
         {"\xff", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\xaf"}) {
      const auto text = write_configobj({{"dns_x_token", bytes}});
      REQUIRE_FALSE(text);
      CHECK(text.fault().text() == "the value of 'dns_x_token' is not UTF-8, and certbot reads nothing else");
    }
  }

  TEST_CASE("a key that is no name cannot be written") {
    const auto text = write_configobj({{"a\nb", "v"}});
    REQUIRE_FALSE(text);
    CHECK(text.fault().text() == "'a\nb' cannot be the name of a credentials key");
  }
}
