#include <ostream>

#include <doctest/doctest.h>
#include <certherd/os/yaml.hpp>

using namespace certherd;
using os::parse_yaml;
using os::YamlNode;

namespace {

std::string first_fault(const os::YamlFile& file) {
  if (file.faults.empty()) return "no fault";
  const Fault& fault = file.faults.front();
  return (fault.mark ? to_string(*fault.mark) + ": " : "") + fault.text();
}

}  // namespace

TEST_SUITE("os/yaml") {
  TEST_CASE("scalars keep their text and know whether they were quoted") {
    const auto file = parse_yaml("a: 010\nb: 'yes'\nc: 1e3\nd: ~\ne: ''\n", "t.yaml");
    REQUIRE(file.faults.empty());
    CHECK(file.root.find("a")->text == "010");
    CHECK_FALSE(file.root.find("a")->quoted);
    CHECK(file.root.find("b")->text == "yes");
    CHECK(file.root.find("b")->quoted);
    CHECK(file.root.find("c")->text == "1e3");
    CHECK(file.root.find("d")->is_null());
    CHECK(file.root.find("e")->is_scalar());
    CHECK(file.root.find("missing") == nullptr);
  }

  TEST_CASE("keys and values carry their places") {
    const auto file = parse_yaml("list:\n  - one\n  - {two: 2}\n", "t.yaml");
    REQUIRE(file.faults.empty());
    const YamlNode& map = file.root.find("list")->items[1];
    CHECK(file.root.find("list")->items[0].mark == SourceMark{"t.yaml", 2, 5});
    CHECK(map.entries[0].mark == SourceMark{"t.yaml", 3, 6});
    CHECK(map.entries[0].value.mark == SourceMark{"t.yaml", 3, 11});
  }

  TEST_CASE("a duplicate key is a fault at the second place") {
    const auto file = parse_yaml("a: 1\nb: 2\na: 3\n", "t.yaml");
    CHECK(first_fault(file) ==
          "t.yaml:3:1: the key 'a' stands here a second time; the first is in line 1; keep one of them");
  }

  TEST_CASE("aliases are resolved") {
    const auto file = parse_yaml("a: &x [1, 2]\nb: *x\n", "t.yaml");
    REQUIRE(file.faults.empty());
    CHECK(file.root.find("b")->items.size() == 2);
  }

  TEST_CASE("merge keys bring in what is not there, and own keys win") {
    const auto file =
        parse_yaml("base: &b {a: 1, c: 2}\nother: &o {c: 9, d: 4}\nmap:\n  <<: [*b, *o]\n  a: 7\n", "t.yaml");
    REQUIRE(file.faults.empty());
    const YamlNode& map = *file.root.find("map");
    CHECK(map.find("a")->text == "7");
    CHECK(map.find("c")->text == "2");
    CHECK(map.find("d")->text == "4");
    CHECK(map.find("<<") == nullptr);
  }

  TEST_CASE("a merge of something that is no map is refused by name") {
    CHECK(first_fault(parse_yaml("a: &x 1\nb:\n  <<: *x\n", "t.yaml")) ==
          "t.yaml:1:4: '<<' merges maps, and this is none; write '<<: *anchor' of a map");
  }

  TEST_CASE("an alias inside its own anchor is refused") {
    CHECK(first_fault(parse_yaml("a: &x [1, *x]\n", "t.yaml")) ==
          "t.yaml:1:11: this alias stands inside the node that it names; write the value out");
  }

  TEST_CASE("an expansion bomb is refused") {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; ++i) {
      const std::string from = "*a" + std::to_string(i - 1);
      text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + from;
      for (int j = 0; j < 9; ++j) text += ", " + from;
      text += "]\n";
    }
    CHECK(first_fault(parse_yaml(text, "t.yaml")).find("expand to more than 2 million values") != std::string::npos);
  }

  TEST_CASE("tags are refused") {
    CHECK(first_fault(parse_yaml("a: !!str 1\n", "t.yaml")).find("the tag 'tag:yaml.org,2002:str'") !=
          std::string::npos);
  }

  TEST_CASE("a second document is refused") {
    CHECK(first_fault(parse_yaml("a: 1\n---\nb: 2\n", "t.yaml")).find("a second YAML document") != std::string::npos);
  }

  TEST_CASE("a syntax error has its place") {
    const auto file = parse_yaml("a: 1\nb: [1, 2\nc: 3\n", "t.yaml");
    REQUIRE(file.faults.size() == 1);
    CHECK(file.faults[0].mark->line == 3);
    CHECK(file.faults[0].message.starts_with("this is not valid YAML: "));
  }

  TEST_CASE("a key that is a map or a list is a fault") {
    CHECK(first_fault(parse_yaml("{a: 1}: 2\n", "t.yaml")).find("a key must be a plain word") != std::string::npos);
  }

  TEST_CASE("nothing is an empty tree without a fault") {
    const auto file = parse_yaml("# only a comment\n", "t.yaml");
    CHECK(file.faults.empty());
    CHECK(file.root.is_null());
  }

  TEST_CASE("a missing file is one fault") {
    const auto file = os::read_yaml("/nonexistent/x.yaml");
    CHECK(first_fault(file) == "cannot read /nonexistent/x.yaml: No such file or directory");
  }
}
