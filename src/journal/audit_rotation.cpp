#include "audit_rotation.hpp"

#include <certherd/os/fd.hpp>
#include <certherd/os/file.hpp>

#include <Poco/Exception.h>
#include <Poco/InflatingStream.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <map>

#include "audit_file.hpp"
#include "audit_line.hpp"

namespace certherd::journal {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view gzip_suffix = ".gz";

/// ".1", "-20261124", "-20261124-1732400000", ".2026-11-24", and the ".backup" that logrotate makes of a file in its
/// way: digits and separators.
bool is_rotation_suffix(std::string_view suffix) {
  if (suffix.ends_with(".backup")) suffix.remove_suffix(7);
  if (suffix.size() < 2 || (suffix[0] != '.' && suffix[0] != '-')) return false;
  return std::all_of(suffix.begin() + 1, suffix.end(), [](unsigned char c) { return std::isdigit(c) || c == '-'; });
}

Result<void> read_lines(std::istream& stream, const fs::path& path,
                        const std::function<bool(const std::string& line, bool whole)>& line) {
  std::string text;
  while (std::getline(stream, text))
    if (!line(text, !stream.eof())) return {};
  if (stream.bad()) return os::system_fault("cannot read the audit log", path, EIO);
  return {};
}

/// The length of what a gzip file holds, modulo 2^32, as its last four bytes say it (RFC 1952 §2.3.1).
std::optional<std::uint32_t> told_length(std::istream& file) {
  std::array<unsigned char, 4> bytes{};
  file.clear();
  file.seekg(-4, std::ios::end);
  if (!file.read(reinterpret_cast<char*>(bytes.data()), bytes.size())) return std::nullopt;
  std::uint32_t length = 0;
  for (std::size_t i = 4; i-- > 0;) length = length << 8 | bytes[i];
  return length;
}

/// Poco's stream throws where a compressed file is damaged, which getline() would hide, and not always where it is cut
/// off: the length tells.
Result<void> read_compressed(std::istream& file, const fs::path& path,
                             const std::function<bool(const std::string& line, bool whole)>& line) {
  const Fault damaged{"the rotated audit log " + path.string() + " is not a whole gzip file",
                      "restore it from a backup; what it held cannot be checked",
                      {}};
  try {
    Poco::InflatingInputStream stream(file, Poco::InflatingStreamBuf::STREAM_GZIP);
    stream.exceptions(std::ios::badbit);
    bool stopped = false;
    std::uint32_t length = 0;
    auto read = read_lines(stream, path, [&](const std::string& text, bool whole) {
      length += static_cast<std::uint32_t>(text.size()) + (whole ? 1 : 0);
      stopped = !line(text, whole);
      return !stopped;
    });
    if (read && !stopped && told_length(file) != length) return damaged;
    return read;
  } catch (const Poco::Exception&) {
    return damaged;
  } catch (const std::ios_base::failure&) {
    return damaged;
  }
}

/// The files beside the log that are named as rotated ones, by name.
Result<std::vector<RotatedFile>> beside(const fs::path& log) {
  std::map<std::string, RotatedFile> found;  // by name without ".gz": the plain file of two takes the place
  std::error_code error;
  const std::string name = log.filename().string();
  const fs::path directory = log.has_parent_path() ? log.parent_path() : fs::path(".");
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    std::string other = entry->path().filename().string();
    if (!other.starts_with(name) || other.size() == name.size()) continue;
    const bool compressed = other.ends_with(gzip_suffix);
    if (compressed) other.resize(other.size() - gzip_suffix.size());
    std::error_code ignored;
    if (!is_rotation_suffix(std::string_view(other).substr(std::min(name.size(), other.size())))) continue;
    if (!entry->is_regular_file(ignored)) continue;
    if (compressed && found.contains(other)) continue;
    found[other] = {entry->path(), compressed, 0};
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return os::system_fault("cannot look into the directory", directory, error.value());
  std::vector<RotatedFile> files;
  files.reserve(found.size());
  for (auto& [ignored, file] : found) files.push_back(std::move(file));
  return files;
}

}  // namespace

Result<void> lines_of(const RotatedFile& file, const std::function<bool(const std::string& line, bool whole)>& line) {
  std::ifstream stream(file.path, std::ios::binary);
  if (!stream) return os::system_fault("cannot read the rotated audit log", file.path, errno);
  return file.compressed ? read_compressed(stream, file.path, line) : read_lines(stream, file.path, line);
}

Result<std::vector<RotatedFile>> rotated_files(const fs::path& log) {
  auto files = beside(log);
  if (!files) return files.fault();
  std::erase_if(*files, [](const RotatedFile& file) {
    std::error_code ignored;
    return fs::file_size(file.path, ignored) == 0;
  });
  for (auto& file : *files) {
    const auto read = lines_of(file, [&](const std::string& line, bool) {
      const auto place = chain_place(line);
      if (place) file.first = place->seq;
      return !place;
    });
    if (!read) return read.fault();
  }
  // 0 wraps around to the greatest number.
  std::stable_sort(files->begin(), files->end(),
                   [](const RotatedFile& a, const RotatedFile& b) { return a.first - 1 < b.first - 1; });
  return files;
}

Result<FileEnd> read_end(int fd, const fs::path& path) {
  FileEnd end;
  auto walked = lines_backwards(fd, path, [&](std::string_view line, bool whole) {
    if (!whole) {
      end.broken = line;
      return true;
    }
    const auto place = chain_place(line);
    if (!place || !hash_is_right(*place)) return true;
    end.last = {place->seq, std::string(place->hash)};
    return false;
  });
  if (!walked) return walked.fault();
  return end;
}

bool is_at(int fd, const fs::path& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

bool await_older(const fs::path& log, int own) {
  const auto named = beside(log);
  if (!named) return true;
  std::vector<os::Fd> older;
  for (const auto& file : *named)
    if (!file.compressed) older.emplace_back(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
  // As long as ours is the log, none of them is younger: waiting goes from younger to older files, never in a circle.
  if (!is_at(own, log)) return false;
  for (const auto& fd : older)
    if (fd) (void)::flock(fd.get(), LOCK_SH);
  return true;
}

std::optional<FileEnd> rotated_end(const fs::path& log) {
  auto files = rotated_files(log);
  if (!files) return std::nullopt;
  while (!files->empty() && files->back().first == 0) files->pop_back();
  if (files->empty()) return std::nullopt;
  const RotatedFile& newest = files->back();
  if (!newest.compressed) {
    const os::Fd fd(::open(newest.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return std::nullopt;
    auto end = read_end(fd.get(), newest.path);
    return end ? std::optional(std::move(*end)) : std::nullopt;
  }
  FileEnd end;
  const auto read = lines_of(newest, [&](const std::string& line, bool whole) {
    if (!whole) end.broken = line;
    const auto place = whole ? chain_place(line) : std::nullopt;
    if (place && hash_is_right(*place)) end.last = {place->seq, std::string(place->hash)};
    return true;
  });
  return read ? std::optional(std::move(end)) : std::nullopt;
}

}  // namespace certherd::journal
