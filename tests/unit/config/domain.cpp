#include <ostream>

#include <doctest/doctest.h>
#include <certherd/config/domain.hpp>

using namespace certherd;
using config::normalise_domain;

namespace {
std::string fault(std::string_view text) {
  const auto domain = normalise_domain(text);
  return domain ? "accepted as " + *domain : domain.fault().message;
}
}  // namespace

TEST_SUITE("config/domain") {
  TEST_CASE("good names become lower case without a trailing dot") {
    CHECK(*normalise_domain("Example.COM.") == "example.com");
    CHECK(*normalise_domain("*.Example.com") == "*.example.com");
    CHECK(*normalise_domain("xn--bcher-kva.example") == "xn--bcher-kva.example");
    CHECK(*normalise_domain("a-1.b.example.com") == "a-1.b.example.com");
  }

  TEST_CASE("each bad name is refused in its own words") {
    CHECK(fault("b\xc3\xbc"
                "cher.example") ==
          "'b\xc3\xbc"
          "cher.example' is an internationalized name in its Unicode form");
    CHECK(fault("under_score.example.com") ==
          "'under_score.example.com' has an underscore, and no CA issues certificates for such names");
    CHECK(fault("*.*.example.com") == "'*.*.example.com' has a '*' that is not its whole first label");
    CHECK(fault("w*.example.com") == "'w*.example.com' has a '*' that is not its whole first label");
    CHECK(fault("a..example.com") == "'a..example.com' has an empty label");
    CHECK(fault("192.0.2.1") == "'192.0.2.1' is an IP address; the DNS-01 challenge proves control of names only");
    CHECK(fault("2001:db8::1") == "'2001:db8::1' is not a domain name");
    CHECK(fault("https://example.com/") == "'https://example.com/' is not a domain name");
    CHECK(fault("localhost") ==
          "'localhost' has a single label; certificates are issued for names below a public suffix");
    CHECK(fault("*.com") == "'*.com' has a single label; certificates are issued for names below a public suffix");
    CHECK(fault("-a.example.com") == "'-a.example.com' has a label that begins or ends with '-'");
    CHECK(fault("a b.example.com") == "'a b.example.com' has characters that a host name cannot have");
    CHECK(fault("") == "a domain is empty");
    CHECK(fault(std::string(64, 'a') + ".example.com") ==
          "'" + std::string(64, 'a') + ".example.com' has a label of 64 characters; DNS allows 63");
  }

  TEST_CASE("a zone may be a single label and is no wildcard") {
    CHECK(*config::normalise_zone("Corp.") == "corp");
    CHECK(*config::normalise_zone("example.com") == "example.com");
    CHECK(config::normalise_zone("*.example.com").fault().message == "'*.example.com' is a wildcard");
    CHECK_FALSE(config::normalise_zone("under_score").ok());
  }

  TEST_CASE("the longest name is the one whose challenge name still fits") {
    const std::string label(59, 'a');
    const std::string fits = label + "." + label + "." + label + "." + std::string(57, 'b');  // 237
    CHECK(fits.size() == 237);
    CHECK(normalise_domain(fits).ok());
    CHECK(normalise_domain("*." + fits).ok());  // the wildcard label is not part of the challenge name
    CHECK(fault(fits + "b").find("is too long: with '_acme-challenge.' before it the name has 254 characters") !=
          std::string::npos);
  }
}
