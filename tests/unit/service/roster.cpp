#include <certherd/service/roster.hpp>

#include <ostream>

#include <doctest/doctest.h>

#include "../store/sample_store.hpp"

using namespace certherd;
using namespace certherd::test;
namespace fs = std::filesystem;

namespace {

/// So many Certificates that several threads read them, each published but every third.
struct BigStore {
  SampleStore store;
  std::shared_ptr<service::Configuration> configuration = std::make_shared<service::Configuration>();

  explicit BigStore(int count) {
    auto& settings = configuration->settings;
    settings.paths = store.paths;
    fs::create_directories(settings.paths.store_dir);
    const std::string pem = maker().set().cert;
    for (int i = 0; i < count; ++i) {
      Certificate& certificate = settings.certificates.emplace_back(store.certificate);
      certificate.name = "host" + std::to_string(i);
      if (i % 3 == 0) continue;
      const auto home = settings.paths.generations_dir() / certificate.name;
      write_file(home / std::to_string(i) / "cert.pem", pem);
      fs::create_symlink(home / std::to_string(i), settings.paths.store_dir / certificate.name);
    }
  }
};

}  // namespace

TEST_SUITE("service/roster") {
  TEST_CASE("all are read, each as it would be alone") {
    const BigStore big(1501);
    service::Roster roster(big.configuration, nullptr, true);
    service::Roster one_by_one(big.configuration, nullptr, true);
    roster.read_all();
    REQUIRE(roster.entries().size() == 1501);
    int wrong = 0;
    int published = 0;
    for (const auto& [name, entry] : roster.entries()) {
      const auto* alone = one_by_one.find(name);
      const int number = entry.current ? entry.current->number : 0;
      const bool same = entry.read && entry.current.has_value() == alone->current.has_value() &&
                        (!entry.current || (name == "host" + std::to_string(number) &&
                                            entry.current->facts.serial == alone->current->facts.serial));
      wrong += same ? 0 : 1;
      published += number > 0 ? 1 : 0;
    }
    CHECK(wrong == 0);
    CHECK(published == 1000);
  }

  TEST_CASE("few are read too, and none") {
    const BigStore few(2);
    service::Roster roster(few.configuration, nullptr, true);
    roster.read_all();
    CHECK(roster.entries().at("host1").current->number == 1);
    const BigStore none(0);
    service::Roster empty(none.configuration, nullptr, true);
    empty.read_all();
    CHECK(empty.entries().empty());
  }
}
