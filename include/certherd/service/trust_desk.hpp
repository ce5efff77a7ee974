#pragma once

#include <certherd/base/result.hpp>
#include <certherd/certbot/command.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/os/file.hpp>

#include <map>
#include <string>
#include <utility>

namespace certherd::service {

/// Whom certbot trusts, prepared once for as long as the files that say so stay the same.
class TrustDesk {
public:
  /// For a private CA a file with its anchors and the public ones, since the plugin talks to its provider through the
  /// same trust; and each bundle that certbot may load as a directory too. Fault: the ca_bundle cannot be used. Throws
  /// Failed when our own file cannot be written.
  Result<certbot::Trust> of(const Paths& paths, const Ca& ca);

private:
  /// The system's anchors and the CA's own.
  using Sources = std::pair<os::FileStamp, os::FileStamp>;
  static Sources sources_of(const Ca& ca);
  struct Known {
    Sources sources;
    os::FileStamp written;  ///< of what was made of them
    certbot::Trust trust;
    bool holds(const Sources& now) const;
  };

  std::map<std::string, Known> known_;  ///< by the CA's id
  bool swept_ = false;
};

}  // namespace certherd::service
