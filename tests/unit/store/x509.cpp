#include <certherd/store/pem.hpp>

#include <ostream>

#include <doctest/doctest.h>

#include "pem_maker.hpp"

using namespace certherd;
using certherd::test::now;
using certherd::test::PemMaker;

namespace {

/// RFC 9773, appendix A.
const std::string rfc_example =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt\n"
    "cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS\n"
    "BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu\n"
    "7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf\n"
    "qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B\n"
    "yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb\n"
    "+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK\n"
    "-----END CERTIFICATE-----\n";

}  // namespace

TEST_SUITE("store/x509") {
  TEST_CASE("the identifier for renewal information, as in the example of RFC 9773") {
    const auto facts = store::read_facts(rfc_example);
    REQUIRE(facts);
    CHECK(facts->ari_id == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    CHECK(facts->serial == "87654321");
  }

  TEST_CASE("a certificate that does not say by which key it was issued has no such identifier") {
    const PemMaker maker(now);
    const auto facts = store::read_facts(maker.set().cert);
    REQUIRE(facts);
    CHECK(facts->ari_id == "");
  }
}
