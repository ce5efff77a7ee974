#include <certherd/service/trust_desk.hpp>

#include <ostream>

#include <doctest/doctest.h>
#include <certherd/base/text.hpp>

#include <iterator>

#include "../store/pem_maker.hpp"
#include "../support/files.hpp"
#include "../support/temp_dir.hpp"

using namespace certherd;
using namespace certherd::test;
namespace fs = std::filesystem;

namespace {

const fs::path of_the_system = "/etc/ssl/certs/ca-certificates.crt";

struct TrustBench {
  TempDir dir;
  Paths paths;
  Ca ca;
  service::TrustDesk desk;

  TrustBench() {
    paths.state_dir = dir.path() / "state";
    fs::create_directory(paths.state_dir);
    ca.id = "own";
    ca.ca_bundle = dir.write("own.pem", maker().root_pem);
  }
  certbot::Trust trust() { return desk.of(paths, ca).or_throw(); }
};

std::size_t files_in(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

}  // namespace

TEST_SUITE("service/trust_desk") {
  TEST_CASE("a public CA: the system's anchors, as a directory") {
    TrustBench bench;
    bench.ca.ca_bundle.reset();
    const auto trust = bench.trust();
    CHECK(trust.bundle.empty());
    REQUIRE(trust.directories.size() == (fs::exists(of_the_system) ? 1 : 0));
    if (!trust.directories.empty()) CHECK(trust.directories[0].first == of_the_system);
  }

  TEST_CASE("a private CA: its anchors and the system's") {
    TrustBench bench;
    const auto trust = bench.trust();
    CHECK(trust.bundle == bench.paths.state_dir / "trust/own.pem");
    CHECK(content(trust.bundle).starts_with(maker().root_pem));
    const auto& [bundle, directory] = trust.directories.back();
    CHECK(bundle == trust.bundle);
    if (fs::exists(of_the_system)) CHECK(files_in(directory) == files_in(trust.directories.front().second) + 1);
  }

  TEST_CASE("nothing is written again while nothing changes") {
    TrustBench bench;
    const auto trust = bench.trust();
    const auto& [bundle, directory] = trust.directories.back();
    const auto before = fs::file_time_type() + std::chrono::hours(1);
    for (const auto& [file, copies] : trust.directories) fs::last_write_time(copies, before);
    CHECK(bench.trust().directories == trust.directories);
    CHECK(fs::last_write_time(directory) == before);
  }

  TEST_CASE("what has changed or gone is made anew") {
    TrustBench bench;
    const auto first = bench.trust();
    SUBCASE("the CA's anchors") {
      write_file(*bench.ca.ca_bundle, maker().root_pem + maker().middle_pem);
      const auto second = bench.trust();
      CHECK(contains(content(second.bundle), maker().middle_pem));
      CHECK(second.directories.back().second != first.directories.back().second);
      CHECK(fs::exists(first.directories.back().second));
    }
    SUBCASE("our own file") {
      fs::remove(first.bundle);
      CHECK(bench.trust().bundle == first.bundle);
      CHECK(fs::exists(first.bundle));
    }
    SUBCASE("a directory") {
      fs::remove_all(first.directories.back().second);
      CHECK(bench.trust().directories == first.directories);
      CHECK(files_in(first.directories.back().second) > 0);
    }
    SUBCASE("the configuration") {
      bench.ca.ca_bundle.reset();
      CHECK(bench.trust().bundle.empty());
    }
  }

  TEST_CASE("what no directory can be made of is loaded by certbot itself") {
    TrustBench bench;
    write_file(*bench.ca.ca_bundle, maker().root_pem + "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    const auto trust = bench.trust();
    CHECK(fs::exists(trust.bundle));
    for (const auto& [bundle, directory] : trust.directories) CHECK(bundle == of_the_system);
  }

  TEST_CASE("a bundle that cannot be used") {
    TrustBench bench;
    write_file(*bench.ca.ca_bundle, "nothing\n");
    CHECK(contains(bench.desk.of(bench.paths, bench.ca).fault().text(), "holds no PEM certificate"));
  }
}
