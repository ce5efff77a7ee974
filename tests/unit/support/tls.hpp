#pragma once

#include <support/temp_dir.hpp>

#include <filesystem>
#include <string>

namespace certherd::test {

/// A certificate authority made for one test, in files: ca.pem, and what it issues.
class Authority {
public:
  explicit Authority(const std::string& name = "Test CA");
  std::filesystem::path bundle() const { return dir_.path() / "ca.pem"; }

  struct Issued {
    std::filesystem::path certificate;
    std::filesystem::path key;
  };
  /// `names` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1". Valid from an hour ago for `days`; a negative number
  /// makes one that has expired.
  Issued issue(const std::string& names, int days = 30);

private:
  TempDir dir_;
  int serial_ = 1;
};

}  // namespace certherd::test
