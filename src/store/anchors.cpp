#include <certherd/os/fd.hpp>
#include <certherd/os/file.hpp>
#include <certherd/os/sha256.hpp>
#include <certherd/store/anchors.hpp>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <iomanip>
#include <map>
#include <sstream>
#include <string>

#include "x509.hpp"

namespace certherd::store {
namespace fs = std::filesystem;
namespace {

const std::string prefix = "anchors-";
constexpr std::chrono::hours unused_for{7 * 24};

std::string pem_of(X509* certificate) {
  const OpensslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) throw std::bad_alloc();
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

/// The names of several certificates of one subject end in .0, .1 and so on.
Result<void> write_anchors(const fs::path& directory, const std::vector<X509Ptr>& anchors) {
  std::map<unsigned long, int> seen;
  for (const auto& anchor : anchors) {
    const unsigned long hash = X509_subject_name_hash(anchor.get());
    std::ostringstream name;
    name << std::hex << std::setw(8) << std::setfill('0') << hash << std::dec << '.' << seen[hash]++;
    const fs::path file = directory / name.str();
    const os::Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    const std::string text = pem_of(anchor.get());
    if (!fd) return os::system_fault("cannot create", file, errno);
    const auto written = ::write(fd.get(), text.data(), text.size());
    if (written < 0 || static_cast<std::size_t>(written) != text.size())
      return os::system_fault("cannot write", file, written < 0 ? errno : ENOSPC);
  }
  // One call instead of a sync for each of 140 files.
  const os::Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::syncfs(fd.get()) != 0) return os::system_fault("cannot sync", directory, errno);
  return {};
}

Result<void> make_anchor_directory(const fs::path& directory, const std::vector<X509Ptr>& anchors) {
  fs::path unfinished = directory;
  unfinished += ".new";
  std::error_code error;
  fs::remove_all(unfinished, error);
  if (auto made = os::make_directory(unfinished, 0700); !made) return made;
  auto written = write_anchors(unfinished, anchors);
  if (written && ::rename(unfinished.c_str(), directory.c_str()) != 0)
    written = os::system_fault("cannot create", directory, errno);
  if (!written) {
    fs::remove_all(unfinished, error);
    return written;
  }
  return os::sync_directory(directory.parent_path());
}

}  // namespace

Result<fs::path> anchor_directory(const fs::path& root, const fs::path& bundle) {
  const auto text = os::read_file(bundle);
  if (!text) return text.fault();
  fs::path directory = root / (prefix + os::sha256_hex(*text).substr(0, 32));
  std::error_code error;
  if (fs::is_directory(directory, error)) {
    fs::last_write_time(directory, fs::file_time_type::clock::now(), error);
    return directory;
  }
  const auto anchors = parse_certificates(*text, bundle.string(), PublicKeys::left_encoded);
  if (!anchors) return anchors.fault();
  if (anchors->empty()) return Fault{bundle.string() + " holds no certificate", {}, {}};
  if (auto made = make_anchor_directory(directory, *anchors); !made) return made.fault();
  return directory;
}

void sweep_anchor_directories(const fs::path& root) {
  std::error_code error;
  const auto before = fs::file_time_type::clock::now() - unused_for;
  for (fs::directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (!entry->path().filename().string().starts_with(prefix)) continue;
    if (entry->last_write_time(ignored) < before) fs::remove_all(entry->path(), ignored);
  }
}

}  // namespace certherd::store
