#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/generation.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace certherd::store {

/// One set of PEM texts, as certbot's lineages and our Generations hold them.
struct PemSet {
  std::string cert;       ///< the certificate alone
  std::string chain;      ///< those above it, each issued by the next; may be empty (issued by a root directly)
  std::string fullchain;  ///< cert and chain
  std::string privkey;
};

/// What the first certificate of a PEM text says. `name` stands in the Fault: "<name> holds no certificate".
Result<CertificateFacts> read_facts(std::string_view pem, const std::string& name = "the PEM text");

/// The same from a file.
Result<CertificateFacts> read_facts_file(const std::filesystem::path& file);

/// Reads {cert,chain,fullchain,privkey}.pem of a certbot lineage (live/NAME) or of a Generation. Only reads: whether
/// they belong together is for verify() to say.
Result<PemSet> read_pem_set(const std::filesystem::path& directory);

}  // namespace certherd::store
