#include <ostream>

#include <doctest/doctest.h>
#include <certherd/providers/plugins_map.hpp>

#include <algorithm>

#include <support/temp_dir.hpp>

using namespace certherd;
using providers::PluginsMapReader;
using test::TempDir;

namespace {

using certherd::test::Texts;

const std::string good = "authenticator: dns-x\npropagation: {default_seconds: 10}\n";
const std::string bad = "autenticator: dns-x\n";

Texts messages(const std::vector<Fault>& faults) {
  Texts texts;
  for (const auto& fault : faults) texts.push_back(fault.message);
  return texts;
}

}  // namespace

TEST_SUITE("providers/plugins_map_reader") {
  TEST_CASE("only the entries that were asked for are read") {
    const TempDir directory;
    directory.write("asked.yaml", good);
    directory.write("faulty.yaml", bad);
    PluginsMapReader reader({directory.path()});
    REQUIRE(reader.find("asked"));
    CHECK(reader.find("asked")->authenticator == "dns-x");
    const auto loaded = reader.take();
    CHECK(loaded.providers.size() == 1);
    CHECK(messages(loaded.faults) == Texts{});
  }

  TEST_CASE("all ids are known without reading the entries") {
    const TempDir directory;
    directory.write("b.yaml", good);
    directory.write("a.yaml", good);
    CHECK(PluginsMapReader({directory.path()}).ids() == Texts{"a", "b"});
  }

  TEST_CASE("an id stands once in the list, however many directories have it") {
    const TempDir first;
    const TempDir second;
    first.write("a.yaml", good);
    second.write("a.yaml", good);
    CHECK(PluginsMapReader({first.path(), second.path()}).ids() == Texts{"a"});
  }

  TEST_CASE("what is not there is not found") {
    const TempDir directory;
    PluginsMapReader reader({directory.path()});
    CHECK_FALSE(reader.find("a"));
    CHECK(messages(reader.take().faults) == Texts{});
  }

  TEST_CASE("a faulty entry is not found, told once, and no longer among the ids") {
    const TempDir directory;
    directory.write("a.yaml", bad);
    directory.write("b.yaml", good);
    PluginsMapReader reader({directory.path()});
    CHECK_FALSE(reader.find("a"));
    CHECK_FALSE(reader.find("a"));
    CHECK(reader.ids() == Texts{"b"});
    const auto told = messages(reader.take().faults);
    CHECK(std::count(told.begin(), told.end(), "unknown key 'autenticator'") == 1);
  }

  TEST_CASE("a later directory's entry replaces the earlier one") {
    const TempDir first;
    const TempDir second;
    first.write("a.yaml", good);
    second.write("a.yaml", "title: own\n" + good);
    PluginsMapReader reader({first.path(), second.path()});
    REQUIRE(reader.find("a"));
    CHECK(reader.find("a")->title == "own");
  }

  TEST_CASE("files that cannot be entries are told before any entry is asked for") {
    const TempDir directory;
    directory.write("Upper.yaml", good);
    directory.write("other.yml", good);
    CHECK(messages(PluginsMapReader({directory.path()}).take().faults) ==
          Texts{"the name of a provider consists of a-z, 0-9 and '-', so 'Upper.yaml' cannot be an entry of the "
                "plugins-map",
                "entries of the plugins-map end in .yaml"});
  }
}
