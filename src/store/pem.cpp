#include <certherd/os/file.hpp>
#include <certherd/store/pem.hpp>

#include "x509.hpp"

namespace certherd::store {

Result<CertificateFacts> read_facts(std::string_view pem, const std::string& name) {
  auto certificates = parse_certificates(pem, name, PublicKeys::left_encoded);
  if (!certificates) return certificates.fault();
  if (certificates->empty()) return Fault{name + " holds no certificate", {}, {}};
  return facts_of(certificates->front().get());
}

Result<CertificateFacts> read_facts_file(const std::filesystem::path& file) {
  const auto pem = os::read_file(file);
  if (!pem) return pem.fault();
  return read_facts(*pem, file.string());
}

Result<PemSet> read_pem_set(const std::filesystem::path& directory) {
  PemSet pems;
  const std::pair<const char*, std::string*> files[] = {{"cert.pem", &pems.cert},
                                                        {"chain.pem", &pems.chain},
                                                        {"fullchain.pem", &pems.fullchain},
                                                        {"privkey.pem", &pems.privkey}};
  for (const auto& [name, text] : files) {
    auto content = os::read_file(directory / name);
    if (!content) return content.fault();
    *text = *std::move(content);
  }
  return pems;
}

}  // namespace certherd::store
