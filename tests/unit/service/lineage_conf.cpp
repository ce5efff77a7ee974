#include <certherd/base/text.hpp>
#include <certherd/os/file.hpp>

#include <ostream>

#include <doctest/doctest.h>

#include "../../../src/service/lineage_conf.hpp"

using namespace certherd;
using service::parse_lineage_conf;

namespace {

service::LineageConf recorded(const std::string& version, const std::string& name) {
  const std::string file = std::string(CERTHERD_TEST_DATA) + "/renewal-conf/" + version + "/" + name + ".conf";
  return parse_lineage_conf(os::read_file(file).or_throw(), name).or_throw();
}

}  // namespace

TEST_SUITE("service/lineage_conf") {
  TEST_CASE("what certbot 2.1 and 4.0 wrote") {
    for (const std::string version : {"2.1.0", "4.0.0"}) {
      CAPTURE(version);
      const auto plain = recorded(version, "example.test");
      CHECK(plain.paths.at("version") == version);
      CHECK(plain.paths.at("cert") == "/etc/letsencrypt/live/example.test/cert.pem");
      CHECK(plain.option("authenticator") == "dns-rfc2136");
      CHECK(plain.option("dns_rfc2136_credentials") == "/etc/letsencrypt/secrets/key-a.ini");
      CHECK(plain.option("dns_rfc2136_propagation_seconds") == "1");
      CHECK(plain.option("key_type") == "ecdsa");
      CHECK(plain.option("renew_hook") == "");
      CHECK_FALSE(plain.is_true("reuse_key"));

      const auto full = recorded(version, "www.example.test");
      CHECK(full.is_true("reuse_key"));
      CHECK(full.is_true("must_staple"));
      CHECK(full.option("rsa_key_size") == "4096");
      CHECK(full.option("preferred_chain") == "Some Root, X1");
      CHECK(full.option("renew_hook") == "echo done, && echo \"it's 100%\" # so");
      CHECK(full.option("pre_hook") == "true");
      CHECK(full.option("post_hook") == "echo a,b");

      CHECK(recorded(version, "web.example.test").option("authenticator") == "webroot");
      CHECK(recorded(version, "curve.example.test").option("elliptic_curve") == "secp384r1");
    }
    CHECK(recorded("4.0.0", "curve.example.test").option("required_profile") == "default");
  }

  TEST_CASE("sections of a later certbot do no harm") {
    const auto conf = parse_lineage_conf(
        "[renewalparams]\nserver = https://x.example/\n[acme_renewal_info]\nari_retry_after = 1\n", "a");
    CHECK(conf->options.size() == 1);
  }

  TEST_CASE("what is no renewal file") {
    CHECK(contains(parse_lineage_conf("cert = /x\n", "a").fault().message, "no [renewalparams]"));
    CHECK(contains(parse_lineage_conf("", "a").fault().message, "no [renewalparams]"));
    CHECK(contains(parse_lineage_conf("[renewalparams\n", "a").fault().message, "line 1"));
    CHECK(contains(parse_lineage_conf("[renewalparams]\na = \"x\n", "a").fault().message, "line 2"));
    CHECK(contains(parse_lineage_conf("[renewalparams]\na = \xff\xfe\n", "a").fault().message, "no text"));
  }
}
