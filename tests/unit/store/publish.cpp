#include <certherd/store/current.hpp>
#include <certherd/store/publish.hpp>

#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <iterator>
#include <ostream>
#include <thread>

#include <doctest/doctest.h>

#include "../support/temp_dir.hpp"
#include "../support/texts.hpp"
#include "pem_maker.hpp"

using namespace certherd;
using certherd::test::PemMaker;
using certherd::test::TempDir;
using certherd::test::Texts;
namespace fs = std::filesystem;

namespace {

const TimePoint now = *parse_utc("2026-11-23T12:00:00Z");

const PemMaker& maker() {
  static const PemMaker one(now);
  return one;
}

/// A state directory, and one certificate that is published into it.
struct Store {
  Store() {
    paths.state_dir = dir.path() / "state";
    paths.store_dir = paths.state_dir / "certificates";
    certificate.name = "example.com";
    certificate.domains = {"example.com", "*.example.com"};
  }

  Result<Generation> publish(const store::PemSet& pems) const {
    return store::publish(paths, certificate, pems, *store::read_facts(pems.cert));
  }
  Result<Generation> publish() const { return publish(maker().set()); }
  fs::path link() const { return paths.store_dir / certificate.name; }
  fs::path home() const { return paths.generations_dir() / certificate.name; }

  TempDir dir;
  Paths paths;
  Certificate certificate;
};

std::string content(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

unsigned mode_of(const fs::path& file) {
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

/// Names in a directory, sorted; hidden ones too.
Texts names(const fs::path& directory) {
  Texts found;
  for (const auto& entry : fs::directory_iterator(directory)) found.push_back(entry.path().filename().string());
  std::sort(found.begin(), found.end());
  return found;
}

/// A directory in memory where the host has one, otherwise among the temporary files.
struct MemoryDir {
  MemoryDir() {
    std::string name = fs::is_directory("/dev/shm") ? "/dev/shm/certherd-test-XXXXXX" : "/tmp/certherd-test-XXXXXX";
    REQUIRE(::mkdtemp(name.data()));
    path = name;
  }
  ~MemoryDir() { fs::remove_all(path); }
  fs::path path;
};

/// Runs a check in a child, so that what it does to the whole process (limits, user) ends with it. Gives "" or what the
/// child says is wrong.
template <class Check>
std::string in_child(Check check) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string text = check();
    const bool told = ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::_exit(told ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  return text;
}

}  // namespace

TEST_SUITE("store/publish") {
  TEST_CASE("the first Generation") {
    const Store store;
    const auto pems = maker().set();
    const auto generation = store.publish(pems);
    REQUIRE(generation);
    CHECK(generation->number == 1);
    CHECK(generation->certificate == "example.com");
    CHECK(generation->directory == store.home() / "1");
    CHECK(fs::read_symlink(store.link()) == "../generations/example.com/1");
    CHECK(content(store.link() / "cert.pem") == pems.cert);
    CHECK(content(store.link() / "chain.pem") == pems.chain);
    CHECK(content(store.link() / "fullchain.pem") == pems.fullchain);
    CHECK(content(store.link() / "privkey.pem") == pems.privkey);
    CHECK(names(store.home()) == Texts{"1"});
    CHECK(names(store.paths.store_dir) == Texts{"example.com"});
  }

  TEST_CASE("the second one, the first stays") {
    const Store store;
    REQUIRE(store.publish());
    const auto pems = maker().set();
    CHECK(store.publish(pems)->number == 2);
    CHECK(fs::read_symlink(store.link()) == "../generations/example.com/2");
    CHECK(content(store.link() / "cert.pem") == pems.cert);
    CHECK(names(store.home()) == Texts{"1", "2"});
  }

  TEST_CASE("a store elsewhere holds its Generations") {
    Store store;
    store.paths.store_dir = store.dir.path() / "elsewhere";
    REQUIRE(store.publish());
    CHECK(fs::read_symlink(store.link()) == ".generations/example.com/1");
    CHECK(fs::exists(store.link() / "cert.pem"));
  }

  TEST_CASE("a store directory that is a link itself") {
    const Store store;
    fs::create_directories(store.paths.state_dir);
    fs::create_directories(store.dir.path() / "far" / "away");
    fs::create_symlink(store.dir.path() / "far" / "away", store.paths.store_dir);
    REQUIRE(store.publish());
    CHECK(fs::read_symlink(store.link()) == "../../state/generations/example.com/1");
    CHECK(fs::exists(store.link() / "cert.pem"));
    CHECK(store::current(store.paths, "example.com")->number == 1);
  }

  TEST_CASE("modes") {
    Store store;
    const auto old_mask = ::umask(077);
    REQUIRE(store.publish());
    CHECK(mode_of(store.link() / "privkey.pem") == 0600);
    CHECK(mode_of(store.link() / "cert.pem") == 0644);
    CHECK(mode_of(store.link() / "fullchain.pem") == 0644);
    CHECK(mode_of(store.home() / "1") == 0755);
    store.certificate.files.key_mode = 0640;
    store.certificate.files.cert_mode = 0600;
    REQUIRE(store.publish());
    ::umask(old_mask);
    CHECK(mode_of(store.link() / "privkey.pem") == 0640);
    CHECK(mode_of(store.link() / "chain.pem") == 0600);
  }

  TEST_CASE("a directory of the administrator keeps its mode") {
    const Store store;
    fs::create_directories(store.paths.store_dir);
    fs::permissions(store.paths.store_dir, fs::perms(0750));
    REQUIRE(store.publish());
    CHECK(mode_of(store.paths.store_dir) == 0750);
  }

  TEST_CASE("owner and group, by number here") {
    if (::geteuid() != 0) return;  // only root gives files away
    Store store;
    store.certificate.files = {"12345", "54321", 0640, 0644};
    REQUIRE(store.publish());
    struct stat status {};
    REQUIRE(::stat((store.link() / "privkey.pem").c_str(), &status) == 0);
    CHECK(status.st_uid == 12345);
    CHECK(status.st_gid == 54321);
    CHECK((status.st_mode & 07777) == 0640);
  }

  TEST_CASE("a group by its name") {
    Store store;
    const ::group* own = ::getgrgid(::getegid());
    if (!own) return;
    store.certificate.files.group = own->gr_name;
    CHECK(store.publish().ok());
  }

  TEST_CASE("an unknown owner or group: nothing is touched") {
    Store store;
    store.certificate.files.owner = "no-such-user";
    CHECK(store.publish().fault().text() ==
          "there is no user 'no-such-user' on this host; create it or correct the certificate's owner");
    store.certificate.files = {"", "no-such-group", 0600, 0644};
    CHECK(store.publish().fault().text() ==
          "there is no group 'no-such-group' on this host; create it or correct the certificate's group");
    CHECK_FALSE(fs::exists(store.paths.state_dir));
  }

  TEST_CASE("a directory where the link belongs is left alone") {
    const Store store;
    fs::create_directories(store.link());
    std::ofstream(store.link() / "precious") << "data";
    CHECK(store.publish().fault().text() == store.link().string() +
                                                " is a directory, not a link made by certherd, and is left alone; "
                                                "move it away; the next run publishes without a new order");
    CHECK(content(store.link() / "precious") == "data");
    CHECK(names(store.home()) == Texts{});
  }

  TEST_CASE("a file where the link belongs is left alone") {
    const Store store;
    store.dir.write("state/certificates/example.com", "data");
    CHECK(store.publish().fault().text().starts_with(store.link().string() + " is a file, not a link"));
    CHECK(content(store.link()) == "data");
  }

  TEST_CASE("a link that leads nowhere is replaced") {
    const Store store;
    fs::create_directories(store.paths.store_dir);
    fs::create_symlink("../gone", store.link());
    REQUIRE(store.publish());
    CHECK(fs::exists(store.link() / "cert.pem"));
  }

  TEST_CASE("names that would leave the store") {
    Store store;
    for (const std::string name : {"", ".", "..", ".hidden", "a/b", "../x"}) {
      CAPTURE(name);
      store.certificate.name = name;
      CHECK(store.publish().fault().text() ==
            "'" + name + "' cannot be the name of a directory in the store; rename the certificate");
    }
    CHECK_FALSE(fs::exists(store.paths.state_dir));
  }

  TEST_CASE("what a publish that died left is cleared, and nothing else") {
    const Store store;
    REQUIRE(store.publish());
    store.dir.write("state/generations/example.com/.2.new/privkey.pem", "half");
    store.dir.write("state/generations/example.com/notes.new", "the administrator's");
    fs::create_symlink("x", store.paths.store_dir / ".example.com.new");
    fs::create_symlink("x", store.paths.store_dir / ".example.com.au.new");
    REQUIRE(store.publish());
    CHECK(names(store.home()) == Texts{"1", "2", "notes.new"});
    CHECK(names(store.paths.store_dir) == Texts{".example.com.au.new", "example.com"});
  }

  TEST_CASE("a whole Generation that never became current keeps its number") {
    const Store store;
    REQUIRE(store.publish());
    fs::copy(store.home() / "1", store.home() / "2");
    CHECK(store.publish()->number == 3);
    CHECK(fs::read_symlink(store.link()) == "../generations/example.com/3");
  }

  TEST_CASE("a store that cannot be made") {
    Store store;
    store.dir.write("file", "");
    store.paths.store_dir = store.dir.path() / "file" / "certificates";
    const auto generation = store.publish();
    REQUIRE_FALSE(generation);
    CHECK(generation.fault().message ==
          "cannot create the directory " + (store.dir.path() / "file").string() + ": Not a directory");
  }

  TEST_CASE("writing fails midway: the old Generation stays, nothing is left of the new one") {
    const Store store;
    const auto pems = maker().set();
    REQUIRE(store.publish(pems));
    auto large = maker().set();
    large.fullchain += std::string(64 * 1024, '\n');
    const std::string told = in_child([&]() -> std::string {
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{16 * 1024, 16 * 1024};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      const auto generation = store.publish(large);
      return generation ? "no fault" : generation.fault().text();
    });
    CHECK(told == "cannot write " + (store.home() / ".2.new" / "fullchain.pem").string() + ": File too large");
    CHECK(content(store.link() / "cert.pem") == pems.cert);
    CHECK(names(store.home()) == Texts{"1"});
    CHECK(names(store.paths.store_dir) == Texts{"example.com"});
  }

  TEST_CASE("a store that may not be written: the old Generation stays") {
    const Store store;
    REQUIRE(store.publish());
    fs::permissions(store.dir.path(), fs::perms(0755));
    fs::permissions(store.paths.state_dir, fs::perms(0755));
    const bool root = ::geteuid() == 0;
    if (!root) fs::permissions(store.paths.store_dir, fs::perms(0555));
    if (root) fs::permissions(store.home(), fs::perms(0777));
    const std::string told = in_child([&]() -> std::string {
      // Modes do not bind root; to somebody else the store's 0755 is read-only.
      if (root && ::setuid(65534) != 0) return "cannot become nobody";
      const auto generation = store.publish();
      return generation ? "no fault" : generation.fault().text();
    });
    if (!root) fs::permissions(store.paths.store_dir, fs::perms(0755));
    CHECK(told == "cannot create the link " + store.link().string() +
                      ": Permission denied; check the owner and the mode, or run as the user that owns it");
    CHECK(fs::read_symlink(store.link()) == "../generations/example.com/1");
    CHECK(names(store.home()) == Texts{"1"});
  }

  TEST_CASE("a reader never sees a key beside the certificate of another Generation") {
    Store store;
    const MemoryDir memory;  // 1,000 publishes sync 10,000 times: too slow for a disk
    store.paths.state_dir = memory.path;
    store.paths.store_dir = memory.path / "certificates";
    // Texts instead of real PEMs: what matters is that both files are of one Generation.
    const auto pems = [](int number) {
      const std::string text = std::to_string(number);
      return store::PemSet{text, text, text, text};
    };
    REQUIRE(store::publish(store.paths, store.certificate, pems(0), {}));
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
      published += store::publish(store.paths, store.certificate, pems(i), {}).ok();
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
    Store store;
    const MemoryDir memory;
    store.paths.state_dir = memory.path;
    store.paths.store_dir = memory.path / "certificates";
    const auto pems = [](int number) {
      const std::string text = std::to_string(number);
      return store::PemSet{text, text, text, text};
    };
    REQUIRE(store::publish(store.paths, store.certificate, pems(0), {}));
    for (int round = 1; round <= 40; ++round) {
      const pid_t child = ::fork();
      if (child == 0) {
        for (int i = 0;; ++i) (void)store::publish(store.paths, store.certificate, pems(i), {});
      }
      ::usleep(static_cast<useconds_t>(300 + round * 97));
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
      const std::string cert = content(store.link() / "cert.pem");
      CHECK_FALSE(cert.empty());
      for (const auto* name : {"chain.pem", "fullchain.pem", "privkey.pem"})
        CHECK(content(store.link() / name) == cert);
      REQUIRE(store::publish(store.paths, store.certificate, pems(round), {}));
      CHECK(content(store.link() / "privkey.pem") == std::to_string(round));
      for (const auto& name : names(store.home())) CHECK_FALSE(name.starts_with("."));
      CHECK(names(store.paths.store_dir) == Texts{"example.com"});
    }
  }

  TEST_CASE("pruning keeps the newest five") {
    const Store store;
    for (int i = 0; i < 8; ++i) REQUIRE(store.publish());
    const auto later = std::chrono::system_clock::now() + std::chrono::hours(25);
    REQUIRE(store::prune(store.paths, "example.com", later).ok());
    CHECK(names(store.home()) == Texts{"4", "5", "6", "7", "8"});
  }

  TEST_CASE("pruning keeps what was superseded less than a day ago") {
    const Store store;
    for (int i = 0; i < 8; ++i) REQUIRE(store.publish());
    REQUIRE(store::prune(store.paths, "example.com", std::chrono::system_clock::now() + std::chrono::hours(23)).ok());
    CHECK(names(store.home()).size() == 8);
  }

  TEST_CASE("pruning keeps the current Generation, however old") {
    const Store store;
    for (int i = 0; i < 8; ++i) REQUIRE(store.publish());
    fs::remove(store.link());
    fs::create_symlink("../generations/example.com/2", store.link());
    REQUIRE(store::prune(store.paths, "example.com", std::chrono::system_clock::now() + std::chrono::hours(25)).ok());
    CHECK(names(store.home()) == Texts{"2", "4", "5", "6", "7", "8"});
  }

  TEST_CASE("pruning where nothing was published") {
    CHECK(store::prune(Store().paths, "example.com", now).ok());
  }
}
