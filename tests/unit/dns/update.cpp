#include <ostream>

#include <doctest/doctest.h>
#include <certherd/dns/update.hpp>

#include <ldns/ldns.h>

#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include "../../../src/dns/tsig.hpp"
#include "../support/coroutine.hpp"
#include "../support/dns_wire.hpp"
#include "name_server.hpp"

using namespace certherd;
using dns::decode_update_reply;
using dns::encode_no_op_update;
using test::wire_name;
using test::wire_u16;
using test::wire_u32;
using Answered = ScopeAnswer::Says;

namespace {

const std::string tsig_secret = "c2VjcmV0IG9mIGEgdGVzdA==";
const dns::TsigKey good_key{"Key.Test", tsig_secret, "HMAC-SHA512"};

std::string no_op(const dns::TsigKey& key = good_key) {
  return encode_no_op_update("example.test", "_acme-challenge.www.example.test", "nobody", key, 0x1234).or_throw();
}

std::string fault_of_key(const dns::TsigKey& key) {
  const auto made = encode_no_op_update("example.test", "a.example.test", "nobody", key, 1);
  return made ? "" : made.fault().message;
}

/// An answer to an update, with a TSIG error unless that is negative.
std::string update_answer(std::uint16_t id, unsigned rcode, int tsig_error) {
  std::string wire = wire_u16(id) + wire_u16(0x8000U | 5U << 11 | rcode) + wire_u16(0) + wire_u16(0) + wire_u16(0) +
                     wire_u16(tsig_error < 0 ? 0 : 1);
  if (tsig_error < 0) return wire;
  const std::string data = wire_name("hmac-sha512") + std::string(6, '\0') + wire_u16(300) + wire_u16(0) +
                           wire_u16(id) + wire_u16(static_cast<unsigned>(tsig_error)) + wire_u16(0);
  return wire + wire_name("key.test") + wire_u16(250) + wire_u16(255) + wire_u32(0) +
         wire_u16(static_cast<unsigned>(data.size())) + data;
}

/// A name server of the zone example.test. Nothing else than an update comes to it by TCP.
struct UpdateBench {
  boost::asio::io_context io{1};
  boost::asio::thread_pool pool{1};
  test::Zones zones{{"example.test SOA ns1.example.test. host.example.test. 1 1 1 1 1",
                     "example.test NS ns1.example.test.", "www.example.test A 192.0.2.1"}};
  int updates = 0;

  ScopeAnswer ask(const std::string& name, std::optional<std::pair<unsigned, int>> reply,
                  const dns::TsigKey& key = good_key) {
    const auto serve = [&](const test::Asked& asked) -> std::vector<std::string> {
      if (!asked.tcp) return {zones.answer(asked.question, false).wire(asked)};
      ++updates;
      CHECK(asked.question.name == "example.test");
      return reply ? std::vector{update_answer(asked.id, reply->first, reply->second)} : std::vector<std::string>{};
    };
    test::NameServer server(io.get_executor(), "127.0.0.1", 0, serve);
    dns::Client client(io.get_executor(), pool, {});
    server_name = server.endpoint();
    return test::run_among_others(io, dns::ask_for_update(client, server_name, name, key, Milliseconds(300)));
  }
  std::string server_name;
};

}  // namespace

TEST_SUITE("dns/update") {
  TEST_CASE("one deletion of one value (class NONE), no prerequisite, signed") {
    const std::string wire = no_op();
    ldns_pkt* parsed = nullptr;
    REQUIRE(ldns_wire2pkt(&parsed, reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()) == LDNS_STATUS_OK);
    const std::unique_ptr<ldns_pkt, decltype(&ldns_pkt_free)> packet(parsed, &ldns_pkt_free);
    CHECK(ldns_pkt_get_opcode(parsed) == LDNS_PACKET_UPDATE);
    CHECK(ldns_pkt_id(parsed) == 0x1234);
    CHECK(ldns_pkt_ancount(parsed) == 0);  // no prerequisite
    REQUIRE(ldns_pkt_nscount(parsed) == 1);
    const ldns_rr* update = ldns_rr_list_rr(ldns_pkt_authority(parsed), 0);
    CHECK(ldns_rr_get_type(update) == LDNS_RR_TYPE_TXT);
    CHECK(ldns_rr_get_class(update) == LDNS_RR_CLASS_NONE);
    CHECK(ldns_rr_ttl(update) == 0);
    const ldns_rdf* value = ldns_rr_rdf(update, 0);
    CHECK(std::string(reinterpret_cast<const char*>(ldns_rdf_data(value)), ldns_rdf_size(value)) == "\x06nobody");
    REQUIRE(ldns_pkt_tsig(parsed));
  }

  TEST_CASE("the signature is what ldns finds right") {
    const std::pair<const char*, const char*> algorithms[] = {{"", "hmac-md5.sig-alg.reg.int."},
                                                              {"hmac-md5", "hmac-md5.sig-alg.reg.int."},
                                                              {"HMAC-SHA1", "hmac-sha1."},
                                                              {"HMAC-SHA256", "hmac-sha256."},
                                                              {"hmac-sha512", "hmac-sha512."}};
    for (const auto& [given, name] : algorithms) {
      CAPTURE(name);
      const std::string wire = no_op({"Key.Test", tsig_secret, given});
      ldns_pkt* parsed = nullptr;
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(wire.data());
      REQUIRE(ldns_wire2pkt(&parsed, bytes, wire.size()) == LDNS_STATUS_OK);
      const std::unique_ptr<ldns_pkt, decltype(&ldns_pkt_free)> packet(parsed, &ldns_pkt_free);
      const std::unique_ptr<char, decltype(&std::free)> algorithm(ldns_rdf2str(ldns_rr_rdf(ldns_pkt_tsig(parsed), 0)),
                                                                  &std::free);
      CHECK(std::string(algorithm.get()) == name);
      CHECK(ldns_pkt_tsig_verify(parsed, bytes, wire.size(), "key.test.", tsig_secret.c_str(), nullptr));
      CHECK_FALSE(ldns_pkt_tsig_verify(parsed, bytes, wire.size(), "key.test.", "b3RoZXI=", nullptr));
    }
  }

  TEST_CASE("known signatures of every algorithm, secrets with and without padding") {
    // Made with hmac of Python's standard library over the text of RFC 8945 §4.3.3.
    const auto mac = [](const std::string& algorithm, const std::string& secret) {
      const std::string message = wire_u16(0x1234) + std::string(10, '\0');
      const auto made = dns::sign(message, {wire_name("key.test"), algorithm, secret,
                                            std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000))});
      if (!made) return "fault: " + made.fault().message;
      CHECK(made->substr(0, 12) == wire_u16(0x1234) + std::string(9, '\0') + '\1');
      // Behind the MAC stand the id, the error and the length of nothing.
      const std::size_t size = algorithm == "hmac-md5" ? 16 : algorithm == "hmac-sha224" ? 28 : 48;
      std::string hex;
      for (const char c : made->substr(made->size() - 6 - size, 6))
        hex += {"0123456789abcdef"[(c >> 4) & 15], "0123456789abcdef"[c & 15]};
      return hex;
    };
    CHECK(mac("hmac-md5", tsig_secret) == "505c23de47db");
    CHECK(mac("hmac-sha224", tsig_secret) == "3e5a2ae9d169");
    CHECK(mac("hmac-sha384", tsig_secret) == "2acb90e3035c");
    CHECK(mac("hmac-sha384", "c2VjcmV0") == "ad14e661efcd");
    CHECK(mac("hmac-sha384", "c2VjcmV0MQ==\n") == "1c35e2442f44");
    for (const char* wrong : {"", "c2VjcmV0M", "c2V!cmV0", "====", "c2VjcmV0MQ==x"})
      CHECK(mac("hmac-sha384", wrong) == "fault: the secret of the TSIG key is no base64");
    CHECK(mac("hmac-sha3", tsig_secret) == "fault: the TSIG algorithm 'hmac-sha3' is not known");
  }

  TEST_CASE("keys that cannot be used") {
    CHECK(fault_of_key({"key.test", tsig_secret, "HMAC-SHA3"}) == "the TSIG algorithm 'hmac-sha3' is not known");
    CHECK(fault_of_key({"key.test", "no base64!", "HMAC-SHA512"}) == "the secret of the TSIG key is no base64");
    CHECK(fault_of_key({"a..b", tsig_secret, "HMAC-SHA512"}) == "'a..b' or 'a.example.test' cannot be a DNS name");
    CHECK(fault_of_key(good_key).empty());
  }

  TEST_CASE("answers: the code and the TSIG error") {
    const auto text = [](const std::string& wire) {
      const auto reply = decode_update_reply(wire, 7);
      return reply ? to_string(*reply) : reply.fault().message;
    };
    CHECK(text(update_answer(7, 0, 0)) == "NOERROR");
    CHECK(text(update_answer(7, 0, -1)) == "NOERROR");
    CHECK(text(update_answer(7, 5, -1)) == "REFUSED");
    CHECK(text(update_answer(7, 9, 16)) == "NOTAUTH (BADSIG)");
    CHECK(text(update_answer(7, 9, 17)) == "NOTAUTH (BADKEY)");
    CHECK(text(update_answer(7, 9, 18)) == "NOTAUTH (BADTIME)");
    CHECK(text(update_answer(7, 9, 22)) == "NOTAUTH (TSIG error 22)");
    CHECK(text(update_answer(7, 9, -1)) == "NOTAUTH");
    const std::string none = "something that is no answer to an update";
    CHECK(text(update_answer(8, 0, -1)) == none);
    CHECK(text("") == none);
    CHECK(text(update_answer(7, 0, -1).substr(0, 11)) == none);
    std::string query = update_answer(7, 0, -1);
    query[2] = static_cast<char>(query[2] & 0x7f);
    CHECK(text(query) == none);
    // Cut off within the signature: the code is known all the same.
    const std::string whole = update_answer(7, 9, 16);
    for (std::size_t size = 12; size < whole.size(); ++size) CHECK(text(whole.substr(0, size)) == "NOTAUTH");
  }

  TEST_CASE("a server that takes it, one that does not, one that does not know the key") {
    const std::string name = "_acme-challenge.www.example.test";
    UpdateBench bench;
    const auto says = [&](unsigned rcode, int tsig_error) {
      const auto answer = bench.ask(name, std::pair(rcode, tsig_error));
      CHECK(answer.who == "the server " + bench.server_name + " with TSIG key 'Key.Test'");
      return answer;
    };
    CHECK(says(0, 0).says == Answered::allowed);
    CHECK(says(5, 0).says == Answered::refused);
    CHECK(says(5, 0).answer == "REFUSED");
    CHECK(says(9, -1).says == Answered::refused);
    for (const int error : {16, 17, 18}) CHECK(says(9, error).says == Answered::bad_credentials);
    for (const unsigned rcode : {1U, 2U, 3U, 4U, 10U}) CHECK(says(rcode, 0).says == Answered::nothing);
    CHECK(says(2, 0).answer == "SERVFAIL");
    CHECK(bench.updates == 13);
  }

  TEST_CASE("a server that has no such zone is asked nothing more") {
    UpdateBench bench;
    const auto answer = bench.ask("_acme-challenge.example.net", std::pair(0U, 0));
    CHECK(answer.says == Answered::refused);
    CHECK(answer.answer == "it has no zone that holds _acme-challenge.example.net");
    CHECK(bench.updates == 0);
  }

  TEST_CASE("silence, nobody there, an address that is none, a key that is none") {
    UpdateBench bench;
    const auto silent = bench.ask("a.example.test", std::nullopt);
    CHECK(silent.says == Answered::nothing);
    CHECK_FALSE(silent.answer.empty());
    const auto unknown = bench.ask("a.example.test", std::pair(0U, 0), {"key.test", tsig_secret, "HMAC-SHA3"});
    CHECK(unknown.says == Answered::bad_credentials);
    dns::Client client(bench.io.get_executor(), bench.pool, {});
    const auto ask = [&](const std::string& server) {
      return test::run_among_others(bench.io,
                                    dns::ask_for_update(client, server, "a.test", good_key, Milliseconds(300)));
    };
    const auto nowhere = ask("ns1.example.test:53");
    CHECK(nowhere.says == Answered::nothing);
    CHECK(nowhere.answer == "that is no address and port");
    CHECK(ask(bench.server_name).says == Answered::nothing);
  }
}
