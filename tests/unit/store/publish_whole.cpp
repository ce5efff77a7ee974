#include <certherd/store/publish.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <ostream>
#include <thread>

#include <doctest/doctest.h>
#include <support/files.hpp>
#include <support/texts.hpp>

#include "sample_store.hpp"

using namespace certherd;
using namespace certherd::test;
namespace fs = std::filesystem;

namespace {

/// A store in memory where the host has that: hundreds of publishes sync too often for a disk.
struct MemoryStore : SampleStore {
  MemoryStore() : SampleStore(fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path()) {}
  /// A number instead of real PEMs: what matters is that all files are of one Generation.
  Result<Generation> publish(int number) const {
    const std::string text = std::to_string(number);
    return store::publish(paths, certificate, {text, text, text, text}, {});
  }
};

}  // namespace

TEST_SUITE("store/publish_whole") {
  TEST_CASE("a reader never sees a key beside the certificate of another Generation") {
    const MemoryStore store;
    REQUIRE(store.publish(0));
    std::atomic<bool> stop = false;
    std::atomic<int> reads = 0;
    std::atomic<int> mixed = 0;
    std::thread reader([&] {
      while (!stop) {
        std::error_code error;
        const fs::path directory = store.paths.store_dir / fs::read_symlink(store.link(), error);
        const std::string cert = content(directory / "cert.pem");
        const std::string key = content(directory / "privkey.pem");
        if (error || cert.empty() || cert != key) ++mixed;
        ++reads;
      }
    });
    int published = 0;
    for (int i = 1; i <= 1000; ++i) {
      published += store.publish(i).ok();
      if (i % 50 != 0) continue;
      // When two more reads are done, the reader has resolved the link anew and needs nothing older than that.
      for (const int seen = reads; reads < seen + 2;) std::this_thread::yield();
      const auto tomorrow = std::chrono::system_clock::now() + std::chrono::hours(25);
      if (!store::prune(store.paths, "example.com", tomorrow)) ++mixed;
    }
    stop = true;
    reader.join();
    CHECK(published == 1000);
    CHECK(mixed == 0);
    CHECK(reads > 0);
  }

  TEST_CASE("a publish that is killed leaves a whole Generation, and the next one works") {
    const MemoryStore store;
    REQUIRE(store.publish(0));
    for (int round = 1; round <= 40; ++round) {
      const pid_t child = ::fork();
      if (child == 0) {
        for (int i = 0;; ++i) (void)store.publish(i);
      }
      ::usleep(static_cast<useconds_t>(300 + round * 97));
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
      const std::string cert = content(store.link() / "cert.pem");
      CHECK_FALSE(cert.empty());
      for (const auto* name : {"chain.pem", "fullchain.pem", "privkey.pem"})
        CHECK(content(store.link() / name) == cert);
      REQUIRE(store.publish(round));
      CHECK(content(store.link() / "privkey.pem") == std::to_string(round));
      for (const auto& name : names_in(store.home())) CHECK_FALSE(name.starts_with("."));
      CHECK(names_in(store.paths.store_dir) == Texts{"example.com"});
    }
  }
}
