#pragma once

#include <certherd/base/time.hpp>

#include <string>
#include <vector>

namespace certherd {

/// What an X.509 certificate says, as far as certherd needs it.
struct CertificateFacts {
  std::vector<std::string> domains;  ///< dNSName entries, lower case, in the certificate's order
  std::string serial;                ///< hexadecimal, lower case, no leading zero byte
  std::string issuer;                ///< common name, or the whole name where there is none
  std::string key;                   ///< "ecdsa secp256r1", "rsa 2048"
  std::string ari_id;  ///< RFC 9773 §4.1: base64url(AKI keyIdentifier) "." base64url(serial); empty: none
  TimePoint not_before;
  TimePoint not_after;
};

/// One published set of PEM files.
struct Generation {
  std::string certificate;
  int number = 0;
  std::string directory;  ///< generations/<name>/<n>; a path object of ten thousand takes 5 MB more
  CertificateFacts facts;
};

}  // namespace certherd
