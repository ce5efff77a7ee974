#include <certherd/base/mark.hpp>

#include <ostream>

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using namespace certherd;

TEST_SUITE("base/mark") {
  TEST_CASE("names of files are equal when their texts are") {
    const std::string text = "/etc/certherd/certherd.yaml";
    const FileName name(text);
    CHECK(name == FileName(std::string(text)));
    CHECK(name == text);
    CHECK(name.text() == text);
    CHECK(&name.text() == &FileName(text).text());
    CHECK_FALSE(name == FileName("/etc/certherd/other.yaml"));
    CHECK_FALSE(name.empty());
  }

  TEST_CASE("no name") {
    CHECK(FileName().empty());
    CHECK(FileName() == FileName(""));
    CHECK(FileName().text().empty());
  }

  TEST_CASE("from several threads") {
    std::vector<std::vector<FileName>> made(4);
    std::vector<std::thread> threads;
    for (auto& names : made)
      threads.emplace_back([&names] {
        for (int i = 0; i < 1000; ++i) names.emplace_back("file " + std::to_string(i % 100));
      });
    for (auto& thread : threads) thread.join();
    for (const auto& names : made) CHECK(names == made.front());
  }

  TEST_CASE("a mark in text") {
    CHECK(to_string(SourceMark{"a.yaml", 3, 7}) == "a.yaml:3:7");
    CHECK(to_string(SourceMark{}) == ":0:0");
  }
}
