#include <ostream>

#include <doctest/doctest.h>
#include <certherd/base/redaction.hpp>
#include <certherd/base/text.hpp>

using namespace certherd;

TEST_SUITE("base/text") {
  TEST_CASE("splitting and joining are inverse") {
    CHECK(split("a,,b", ',') == std::vector<std::string>{"a", "", "b"});
    CHECK(split("", ',') == std::vector<std::string>{""});
    const std::vector<std::string> parts{"a", "", "b"};
    CHECK(join(parts, ",") == "a,,b");
    CHECK(join({}, ",").empty());
    CHECK(trim(" \t a b \n") == "a b");
    CHECK(trim(" \n").empty());
  }

  TEST_CASE("numbers are plain decimal") {
    CHECK(parse_number("0") == 0);
    CHECK(parse_number("120") == 120);
    for (const char* text : {"", "-1", "+1", "010", "1e3", "0x10", "1.0", " 1", "1234567890123456789"})
      CHECK_MESSAGE(!parse_number(text), text);
  }

  TEST_CASE("the nearest candidate is found, a far one is not") {
    const std::vector<std::string> providers{"cloudflare", "route53", "ovh"};
    CHECK(closest("cloudfare", providers) == "cloudflare");
    CHECK(closest("Route-53", providers) == "route53");
    CHECK_FALSE(closest("namecheap", providers));
    CHECK_FALSE(closest("", providers));
  }

  TEST_CASE("text from outside cannot break a line or a terminal") {
    CHECK(printable("a\x1b[31mb\r\n\tc") == "a\\x1b[31mb\\x0d\n\tc");
    CHECK(printable("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
    CHECK(printable("\xff\xc3") == "\\xff\\xc3");
    CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");           // overlong
    CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // surrogate
    CHECK(printable("\xc2\x9b"
                    "m") == "\\xc2\\x9bm");  // C1 control sequence introducer
  }

  TEST_CASE("bounded text is cut between characters and says so") {
    CHECK(bounded("abc", 3) == "abc");
    CHECK(bounded("gr\xc3\xbcn", 3) == "gr [3 bytes more]");
  }
}

TEST_SUITE("base/redaction") {
  TEST_CASE("every form of a secret that a log can hold is hidden") {
    Redactor redact;
    redact.add("s3cr/t\"x");
    CHECK(redact("key=s3cr/t\"x end") == "key=[redacted] end");
    CHECK(redact("GET /update?token=s3cr%2Ft%22x HTTP/1.1") == "GET /update?token=[redacted] HTTP/1.1");
    CHECK(redact("s3cr%2ft%22x") == "[redacted]");
    CHECK(redact(R"({"token": "s3cr/t\"x"})") == R"({"token": "[redacted]"})");
    CHECK(redact("czNjci90Ing=") == "[redacted]");
  }

  TEST_CASE("a secret that holds another leaves no rest") {
    Redactor redact;
    redact.add("abcd");
    redact.add("abcdef");
    CHECK(redact("abcdef abcd") == "[redacted] [redacted]");
  }

  TEST_CASE("values too short to be secrets are left alone") {
    Redactor redact;
    redact.add("1");
    redact.add("");
    CHECK(redact("propagation 1 second") == "propagation 1 second");
    CHECK(redact.empty());
  }

  TEST_CASE("basic authentication") {
    Redactor redact;
    redact.add_basic_auth("user", "password");
    CHECK(redact("Authorization: Basic dXNlcjpwYXNzd29yZA==") == "Authorization: Basic [redacted]");
  }

  TEST_CASE("a private key is hidden line by line") {
    Redactor redact;
    redact.add("-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\nAgEGCCqGSM49AwEHBG0w\n-----END PRIVATE KEY-----");
    CHECK(redact("x AgEGCCqGSM49AwEHBG0w y -----BEGIN PRIVATE KEY-----") ==
          "x [redacted] y -----BEGIN PRIVATE KEY-----");
  }

  TEST_CASE("percent_encoded leaves nothing that means something in a URL") {
    CHECK(certherd::percent_encoded("aZ09-._~") == "aZ09-._~");
    CHECK(certherd::percent_encoded("*.ex/a?b&c=d e%\xc3\xa4\n") == "%2A.ex%2Fa%3Fb%26c%3Dd%20e%25%C3%A4%0A");
    CHECK(certherd::percent_encoded("/", false) == "%2f");
  }
}
