#include <certherd/base/text.hpp>
#include <certherd/os/fd.hpp>
#include <certherd/os/file.hpp>
#include <certherd/store/publish.hpp>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "layout.hpp"

namespace certherd::store {
namespace fs = std::filesystem;
namespace {

constexpr uid_t unchanged = static_cast<uid_t>(-1);

struct Owner {
  uid_t user = unchanged;
  gid_t group = unchanged;
  bool given() const { return user != unchanged || group != unchanged; }
};

/// A name or a number, as chown(1) takes it. Numbers need no entry in the user database.
Result<uid_t> find_user(const std::string& name) {
  std::array<char, 16384> buffer;
  passwd entry{};
  passwd* found = nullptr;
  ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found) return found->pw_uid;
  if (const auto number = parse_number(name); number && *number < unchanged) return static_cast<uid_t>(*number);
  return Fault{"there is no user '" + name + "' on this host", "create it or correct the certificate's owner", {}};
}

Result<gid_t> find_group(const std::string& name) {
  std::vector<char> buffer(1 << 20);  // a group's entry lists its members
  group entry{};
  group* found = nullptr;
  ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found) return found->gr_gid;
  if (const auto number = parse_number(name); number && *number < unchanged) return static_cast<gid_t>(*number);
  return Fault{"there is no group '" + name + "' on this host", "create it or correct the certificate's group", {}};
}

Result<Owner> find_owner(const FileAccess& access) {
  Owner owner;
  if (!access.owner.empty()) {
    const auto user = find_user(access.owner);
    if (!user) return user.fault();
    owner.user = *user;
  }
  if (!access.group.empty()) {
    const auto group = find_group(access.group);
    if (!group) return group.fault();
    owner.group = *group;
  }
  return owner;
}

/// The name becomes part of paths that root writes and removes.
Result<void> check_name(const std::string& name) {
  if (!name.empty() && name[0] != '.' && !contains(name, "/") && name.find('\0') == name.npos) return {};
  return Fault{
      "'" + printable(name) + "' cannot be the name of a directory in the store", "rename the certificate", {}};
}

/// What stands at the link's place may be nothing or a link.
Result<void> check_link_place(const fs::path& link) {
  struct stat status {};
  if (::lstat(link.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return os::system_fault("cannot look at", link, errno);
  }
  if (S_ISLNK(status.st_mode)) return {};
  return Fault{link.string() + " is a " + (S_ISDIR(status.st_mode) ? "directory" : "file") +
                   ", not a link made by certherd, and is left alone",
               "move it away; the next run publishes without a new order",
               {}};
}

/// An existing directory keeps the mode that its administrator gave it.
Result<void> ensure_directory(const fs::path& directory) {
  std::error_code error;
  if (fs::is_directory(directory, error)) return {};
  return os::make_directory(directory, 0755);
}

/// Half Generations that a publish which died left.
void clear_leftovers(const fs::path& home) {
  std::vector<fs::path> leftovers;
  std::error_code error;
  for (fs::directory_iterator entry(home, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(".") || !name.ends_with(".new")) continue;
    if (parse_number(std::string_view(name).substr(1, name.size() - 5))) leftovers.push_back(entry->path());
  }
  for (const auto& leftover : leftovers) fs::remove_all(leftover, error);
}

/// Not os::replace_symlink: its temporary name holds the pid, so that what a crash leaves would have to be searched for
/// among ten thousand other links. No certificate's name begins with a dot.
Result<void> switch_link(const fs::path& link, const fs::path& target) {
  const fs::path fresh = link.parent_path() / ("." + link.filename().string() + ".new");
  ::unlink(fresh.c_str());
  if (::symlink(target.c_str(), fresh.c_str()) != 0) return os::system_fault("cannot create the link", link, errno);
  if (::rename(fresh.c_str(), link.c_str()) != 0) {
    const int error = errno;
    ::unlink(fresh.c_str());
    return os::system_fault("cannot replace the link", link, error);
  }
  return os::sync_directory(link.parent_path());
}

Result<void> write_member(const fs::path& file, const std::string& content, mode_t mode, const Owner& owner) {
  if (!owner.given()) return os::create_file(file, content, mode);
  if (auto made = os::create_file(file, content, 0600); !made) return made;
  const os::Fd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return os::system_fault("cannot open", file, errno);
  // The owner first: the wider mode must never be that of the wrong group.
  if (::fchown(fd.get(), owner.user, owner.group) != 0)
    return os::system_fault("cannot change the owner of", file, errno);
  if (::fchmod(fd.get(), mode) != 0) return os::system_fault("cannot set the mode of", file, errno);
  if (::fsync(fd.get()) != 0) return os::system_fault("cannot sync", file, errno);
  return {};
}

Result<void> write_generation(const fs::path& directory, const PemSet& pems, const FileAccess& access,
                              const Owner& owner) {
  if (auto made = os::make_directory(directory, 0755); !made) return made;
  struct Member {
    const char* name;
    const std::string& content;
    mode_t mode;
  };
  for (const auto& [name, content, mode] :
       {Member{"privkey.pem", pems.privkey, access.key_mode}, Member{"cert.pem", pems.cert, access.cert_mode},
        Member{"chain.pem", pems.chain, access.cert_mode}, Member{"fullchain.pem", pems.fullchain, access.cert_mode}})
    if (auto written = write_member(directory / name, content, mode, owner); !written) return written;
  return os::sync_directory(directory);
}

Result<void> rename_synced(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return os::system_fault("cannot rename to", to, errno);
  return os::sync_directory(to.parent_path());
}

/// The Generation as seen from the store, through the directories as they really lie: a store_dir that is itself a link
/// would lead a "../" astray.
Result<fs::path> link_target(const Paths& paths, const fs::path& home, int number) {
  std::error_code error;
  const fs::path store = fs::canonical(paths.store_dir, error);
  if (error) return os::system_fault("cannot resolve", paths.store_dir, error.value());
  const fs::path generations = fs::canonical(home, error);
  if (error) return os::system_fault("cannot resolve", home, error.value());
  return generations.lexically_relative(store) / std::to_string(number);
}

Result<void> prepare(const Paths& paths, const std::string& name) {
  if (auto checked = check_name(name); !checked) return checked;
  for (const auto& directory : {paths.store_dir, paths.generations_dir(), home_of(paths, name)})
    if (auto made = ensure_directory(directory); !made) return made;
  if (auto checked = check_link_place(link_of(paths, name)); !checked) return checked;
  clear_leftovers(home_of(paths, name));
  return {};
}

}  // namespace

Result<Generation> publish(const Paths& paths, const Certificate& certificate, const PemSet& pems,
                           const CertificateFacts& facts) {
  const std::string& name = certificate.name;
  const auto owner = find_owner(certificate.files);
  if (!owner) return owner.fault();
  if (auto prepared = prepare(paths, name); !prepared) return prepared.fault();

  const fs::path home = home_of(paths, name);
  const auto numbers = generation_numbers(home);
  Generation generation{name, numbers.empty() ? 1 : numbers.back() + 1, {}, facts};
  generation.directory = (home / std::to_string(generation.number)).string();
  const fs::path fresh = home / ("." + std::to_string(generation.number) + ".new");

  const auto target = link_target(paths, home, generation.number);
  if (!target) return target.fault();
  auto done = write_generation(fresh, pems, certificate.files, *owner);
  if (done) done = rename_synced(fresh, generation.directory);
  if (done) done = switch_link(link_of(paths, name), *target);
  if (done) return generation;

  std::error_code ignored;
  fs::remove_all(fresh, ignored);
  // Syncing the store may fail after the link has moved: then this Generation is the current one.
  if (linked_number(paths, name) != generation.number) fs::remove_all(generation.directory, ignored);
  return done.fault();
}

Result<void> prune(const Paths& paths, const std::string& certificate, TimePoint now) {
  const fs::path home = home_of(paths, certificate);
  const auto numbers = generation_numbers(home);
  const int linked = linked_number(paths, certificate);
  Result<void> result;
  for (std::size_t i = 0; i + generations_kept < numbers.size(); ++i) {
    if (numbers[i] == linked) continue;
    // It was superseded when the next one was written.
    struct stat next {};
    const fs::path successor = home / std::to_string(numbers[i + 1]);
    if (::stat(successor.c_str(), &next) != 0) {
      result = os::system_fault("cannot look at", successor, errno);
      continue;
    }
    if (TimePoint(Seconds(next.st_mtim.tv_sec)) + superseded_kept > now) continue;
    std::error_code error;
    const fs::path old = home / std::to_string(numbers[i]);
    fs::remove_all(old, error);
    if (error) result = os::system_fault("cannot remove the old Generation", old, error.value());
  }
  return result;
}

}  // namespace certherd::store
