#include <certherd/os/file.hpp>
#include <certherd/os/sha256.hpp>
#include <certherd/store/anchors.hpp>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
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

/// PEM texts by the names that OpenSSL looks for: those of several certificates of one subject end in .0, .1 and so on.
using Files = std::map<std::string, std::string>;

Files files_of(const std::vector<X509Ptr>& anchors) {
  Files files;
  std::map<unsigned long, int> seen;
  for (const auto& anchor : anchors) {
    const unsigned long hash = X509_subject_name_hash(anchor.get());
    std::ostringstream name;
    name << std::hex << std::setw(8) << std::setfill('0') << hash << std::dec << '.' << seen[hash]++;
    files[name.str()] = pem_of(anchor.get());
  }
  return files;
}

/// These files and no others.
bool holds(const fs::path& directory, const Files& files) {
  std::error_code error;
  std::size_t count = 0;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) ++count;
  return !error && count == files.size() && std::all_of(files.begin(), files.end(), [&](const auto& file) {
    const auto text = os::read_file(directory / file.first);
    return text && *text == file.second;
  });
}

Result<void> make_anchor_directory(const fs::path& directory, const Files& files) {
  fs::path unfinished = directory;
  unfinished += ".new";
  std::error_code error;
  fs::remove_all(unfinished, error);
  if (auto made = os::make_directory(unfinished, 0700); !made) return made;
  Result<void> written;
  for (const auto& [name, text] : files)
    if (!(std::ofstream(unfinished / name, std::ios::binary) << text << std::flush))
      written = os::system_fault("cannot write", unfinished / name, errno);
  if (fs::is_directory(directory, error)) fs::remove_all(directory, error);
  if (written && ::rename(unfinished.c_str(), directory.c_str()) != 0)
    written = os::system_fault("cannot create", directory, errno);
  if (!written) fs::remove_all(unfinished, error);
  return written;
}

}  // namespace

Result<fs::path> anchor_directory(const fs::path& root, const fs::path& bundle) {
  const auto text = os::read_file(bundle);
  if (!text) return text.fault();
  fs::path directory = root / (prefix + os::sha256_hex(*text).substr(0, 32));
  const auto anchors = parse_certificates(*text, bundle.string(), PublicKeys::left_encoded);
  if (!anchors) return anchors.fault();
  if (anchors->empty()) return Fault{bundle.string() + " holds no certificate", {}, {}};
  // Nothing of this is synced to disk: it is looked at instead.
  if (const Files files = files_of(*anchors); !holds(directory, files))
    if (auto made = make_anchor_directory(directory, files); !made) return made.fault();
  std::error_code error;
  fs::last_write_time(directory, fs::file_time_type::clock::now(), error);
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
