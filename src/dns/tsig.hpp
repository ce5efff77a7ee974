#pragma once

// Signing by hand: ldns 1.8 writes "hmac-shac384", knows no HMAC-SHA224 and leaks what it read for each signature.

#include <certherd/base/result.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace certherd::dns {

/// What a signature is made with.
struct Signing {
  std::string key_name;   ///< on the wire, lower case
  std::string algorithm;  ///< "hmac-sha512"
  std::string secret;     ///< as it was given, base64
  std::chrono::sys_seconds when;
};

/// The message with a TSIG record at its end (RFC 8945 §4.2, §4.3.3). `message` has an id and no TSIG record yet.
/// Fault: the secret is no base64, or the algorithm is none of HMAC-MD5, SHA1, SHA224, SHA256, SHA384, SHA512.
Result<std::string> sign(std::string message, const Signing& signing);

}  // namespace certherd::dns
