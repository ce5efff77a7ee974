#include <certherd/store/anchors.hpp>

#include <ostream>

#include <doctest/doctest.h>

#include <openssl/x509_vfy.h>

#include <algorithm>

#include "../support/files.hpp"
#include "../support/temp_dir.hpp"
#include "../support/texts.hpp"
#include "pem_maker.hpp"

using namespace certherd;
using namespace certherd::test;
namespace fs = std::filesystem;

namespace {

struct AnchorBench {
  TempDir dir;
  fs::path root = dir.path() / "trust";
  fs::path bundle = dir.path() / "bundle.pem";

  AnchorBench() {
    fs::create_directory(root);
    write_file(bundle, maker().root_pem + maker().middle_pem);
  }
  fs::path made() const { return store::anchor_directory(root, bundle).or_throw(); }
  std::string fault() const {
    const auto made = store::anchor_directory(root, bundle);
    return made ? "" : made.fault().text();
  }
  static std::vector<std::string> names(const fs::path& directory) {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(directory)) all.push_back(entry.path().filename().string());
    std::sort(all.begin(), all.end());
    return all;
  }
};

template <auto free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};

/// OpenSSL's verdict on a certificate when it has nothing but the directory.
std::string verdict(const std::string& pem, const fs::path& directory) {
  const std::unique_ptr<BIO, Freed<BIO_free_all>> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const std::unique_ptr<X509, Freed<X509_free>> leaf(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  const std::unique_ptr<X509_STORE, Freed<X509_STORE_free>> trusted(X509_STORE_new());
  const std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  if (X509_STORE_load_path(trusted.get(), directory.c_str()) != 1) return "no directory";
  X509_STORE_CTX_init(context.get(), trusted.get(), leaf.get(), nullptr);
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), std::chrono::system_clock::to_time_t(now));
  X509_verify_cert(context.get());
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

}  // namespace

TEST_SUITE("store/anchors") {
  TEST_CASE("OpenSSL finds in it what the bundle has, and no more") {
    AnchorBench bench;
    const auto directory = bench.made();
    CHECK(directory.parent_path() == bench.root);
    CHECK(bench.names(directory).size() == 2);
    CHECK(verdict(maker().set().cert, directory) == "ok");
    const PemMaker other(now);  // of the same names with other keys
    CHECK(verdict(other.set().cert, directory) != "ok");
    write_file(bench.bundle, maker().middle_pem);
    CHECK(verdict(maker().set().cert, bench.made()) == "unable to get issuer certificate");
  }

  TEST_CASE("several of one name stand beside each other") {
    AnchorBench bench;
    // A root that was issued again.
    const Wish again{"Root", "", 7, now - std::chrono::days(10), now + std::chrono::days(2000), true};
    write_file(bench.bundle, "# a remark\n" + certificate_pem(again, maker().root.key, maker().root) +
                                 maker().root_pem + maker().middle_pem);
    const auto directory = bench.made();
    const auto names = bench.names(directory);
    REQUIRE(names.size() == 3);
    CHECK(std::count_if(names.begin(), names.end(), [](const auto& name) { return name.ends_with(".1"); }) == 1);
    CHECK(verdict(maker().set().cert, directory) == "ok");
  }

  TEST_CASE("the same bundle has the same directory, another has another, and the first stays") {
    AnchorBench bench;
    const auto first = bench.made();
    write_file(bench.dir.path() / "copy.pem", content(bench.bundle));
    CHECK(store::anchor_directory(bench.root, bench.dir.path() / "copy.pem").or_throw() == first);
    write_file(bench.bundle, maker().root_pem);
    CHECK(bench.made() != first);
    CHECK(bench.names(first).size() == 2);
    CHECK(bench.names(bench.root).size() == 2);
  }

  TEST_CASE("what a crash has left half done is done again") {
    AnchorBench bench;
    const auto directory = bench.made();
    fs::rename(directory, directory.string() + ".new");
    fs::remove(*fs::directory_iterator(directory.string() + ".new"));
    CHECK(bench.made() == directory);
    CHECK(bench.names(directory).size() == 2);
    CHECK(Texts(bench.names(bench.root)) == Texts{directory.filename().string()});
  }

  TEST_CASE("one that is torn is made again") {
    AnchorBench bench;
    const auto directory = bench.made();
    const auto names = bench.names(directory);
    SUBCASE("a file is gone") {
      fs::remove(directory / names[0]);
    }
    SUBCASE("a file is empty") {
      write_file(directory / names[0], "");
    }
    SUBCASE("a file is another's") {
      write_file(directory / names[0], PemMaker(now).root_pem);
    }
    SUBCASE("there is one more") {
      write_file(directory / "0123abcd.0", PemMaker(now).root_pem);
    }
    CHECK(bench.made() == directory);
    CHECK(Texts(bench.names(directory)) == Texts(names));
    CHECK(verdict(maker().set().cert, directory) == "ok");
  }

  TEST_CASE("a bundle with anything else in it has none") {
    AnchorBench bench;
    const std::string good = maker().root_pem;
    const std::string name = bench.bundle.string();
    write_file(bench.bundle, "");
    CHECK(bench.fault() == name + " holds no certificate");
    write_file(bench.bundle, "words\n");
    CHECK(bench.fault() == name + " holds no certificate");
    write_file(bench.bundle, good + good.substr(0, good.size() / 2));
    CHECK(bench.fault().starts_with("certificate 2 of " + name + " is cut off or damaged"));
    write_file(bench.bundle, good + "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    CHECK(bench.fault() == name + " holds something besides whole certificates");
    fs::remove(bench.bundle);
    CHECK(bench.fault().starts_with("cannot read " + name));
    CHECK(bench.names(bench.root).empty());
  }

  TEST_CASE("where it cannot be written nothing is left") {
    AnchorBench bench;
    const auto directory = bench.made();
    fs::remove_all(directory);
    write_file(directory, "in the way");
    CHECK(bench.fault() == "cannot create " + directory.string() + ": Not a directory");
    CHECK(Texts(bench.names(bench.root)) == Texts{directory.filename().string()});
  }

  TEST_CASE("a week without use") {
    AnchorBench bench;
    const auto old = bench.made();
    write_file(bench.bundle, maker().root_pem);
    const auto used = bench.made();
    write_file(bench.root / "other", "");
    const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(24 * 8);
    for (const auto& path : {old, used, bench.root / "other"}) fs::last_write_time(path, long_ago);
    CHECK(bench.made() == used);
    store::sweep_anchor_directories(bench.root);
    CHECK(Texts(bench.names(bench.root)) == Texts{used.filename().string(), "other"});
    store::sweep_anchor_directories(bench.root / "missing");
  }
}
