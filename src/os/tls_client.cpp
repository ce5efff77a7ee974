#include "tls_client.hpp"

#include <certherd/os/file.hpp>

#include <Poco/Net/IPAddress.h>
#include <Poco/Net/NetSSL.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <mutex>

namespace certherd::os {
namespace {

// The handshake runs in the caller's thread, and Poco keeps the SSL object to itself.
thread_local std::string distrust;

int note_distrust(int trusted, X509_STORE_CTX* store) {
  if (trusted == 0 && distrust.empty()) {
    distrust = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
  }
  return trusted;
}

void expect_name(SSL_CTX* context, const std::string& host) {
  X509_VERIFY_PARAM* parameters = SSL_CTX_get0_param(context);
  Poco::Net::IPAddress address;
  if (Poco::Net::IPAddress::tryParse(host, address)) {
    X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str());
  } else {
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size());
  }
}

}  // namespace

Result<Poco::Net::Context::Ptr> tls_client_context(const std::string& host,
                                                   const std::optional<std::filesystem::path>& ca_bundle) {
  using Poco::Net::Context;
  static std::once_flag initialized;
  std::call_once(initialized, [] { Poco::Net::initializeSSL(); });

  distrust.clear();
  Context::Ptr context = new Context(Context::TLS_CLIENT_USE, "", Context::VERIFY_RELAXED, 9, true, "DEFAULT");
  context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
  // Poco's own check after the handshake lets every certificate pass for a name that resolves to loopback.
  context->enableExtendedCertificateVerification(false);
  SSL_CTX_set_verify(context->sslContext(), SSL_VERIFY_PEER, note_distrust);
  expect_name(context->sslContext(), host);
  if (ca_bundle) {
    if (auto readable = read_file(*ca_bundle); !readable) return readable.fault();
    if (SSL_CTX_load_verify_file(context->sslContext(), ca_bundle->c_str()) != 1) {
      ERR_clear_error();
      return Fault{ca_bundle->string() + " holds no PEM certificate", "give the CA's certificate in PEM form", {}};
    }
  }
  return context;
}

std::string tls_distrust() {
  return distrust;
}

}  // namespace certherd::os
