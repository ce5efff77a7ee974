#include <certherd/base/text.hpp>

#include <ostream>

#include <doctest/doctest.h>
#include <certherd/dns/message.hpp>

#include <random>

#include "name_server.hpp"

using namespace certherd;
using dns::RecordType;

namespace {

test::Asked asked_for(const std::string& name, RecordType type) {
  return {{name, type}, 0x1234, true, true, false};
}

dns::Message read_answer(const test::Asked& asked, const test::Answer& answer) {
  return dns::decode(answer.wire(asked)).or_throw();
}

/// An answer that has something of everything.
std::string rich_wire() {
  test::Answer answer;
  answer.answers = {"example.com. 300 IN A 192.0.2.1",
                    "example.com. 300 IN AAAA 2001:db8::1",
                    "example.com. 300 IN NS ns1.example.com.",
                    "www.example.com. 300 IN CNAME example.com.",
                    "old.example.com. 300 IN DNAME example.org.",
                    "example.com. 300 IN TXT \"one\" \"two\"",
                    "example.com. 300 IN CAA 128 ISSUE \"ca.example; a=b\"",
                    "example.com. 300 IN MX 10 mail.example.com."};
  answer.authority = {"example.com. 300 IN SOA ns1.example.com. admin.example.com. 42 1 2 3 4"};
  return answer.wire(asked_for("example.com", RecordType::a));
}

}  // namespace

TEST_SUITE("dns/message") {
  TEST_CASE("a query as it goes out: one question, its id, recursion only where wanted, EDNS with 1232 bytes") {
    const auto plain = dns::encode_query({"example.com", RecordType::caa}, 0xabcd, false, false).or_throw();
    CHECK(plain == std::string("\xab\xcd\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07"
                               "example\x03"
                               "com\x00\x01\x01\x00\x01",
                               29));
    const auto with_more = dns::encode_query({"example.com", RecordType::a}, 1, true, true).or_throw();
    CHECK(with_more.substr(2, 2) == std::string("\x01\x00", 2));
    CHECK(with_more.substr(10, 2) == std::string("\x00\x01", 2));
    CHECK(with_more.substr(with_more.size() - 11) == std::string("\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00", 11));
    CHECK(dns::encode_query({"", RecordType::soa}, 1, true, false).ok());
  }

  TEST_CASE("what cannot be a name is not asked for") {
    const std::string label(64, 'a');
    std::string name;
    for (int i = 0; i < 5; ++i) name += std::string(60, 'a') + ".";
    CHECK_FALSE(dns::encode_query({label + ".com", RecordType::a}, 1, true, true));
    CHECK_FALSE(dns::encode_query({name + "com", RecordType::a}, 1, true, true));
    CHECK(dns::encode_query({std::string(63, 'a') + ".com", RecordType::a}, 1, true, true).ok());
  }

  TEST_CASE("each type of record, and others left out") {
    const auto message = dns::decode(rich_wire()).or_throw();
    CHECK(message.id == 0x1234);
    CHECK(message.authoritative);
    CHECK_FALSE(message.truncated);
    CHECK(message.edns);
    CHECK(message.rcode == dns::Rcode::no_error);
    CHECK(message.question == dns::Question{"example.com", RecordType::a});
    REQUIRE(message.answers.size() == 7);
    CHECK(message.of("example.com", RecordType::a).at(0).data == "192.0.2.1");
    CHECK(message.of("example.com", RecordType::a).at(0).ttl == 300);
    CHECK(message.of("example.com", RecordType::aaaa).at(0).data == "2001:db8::1");
    CHECK(message.of("example.com", RecordType::ns).at(0).data == "ns1.example.com");
    CHECK(message.of("www.example.com", RecordType::cname).at(0).data == "example.com");
    CHECK(message.of("old.example.com", RecordType::dname).at(0).data == "example.org");
    CHECK(message.of("example.com", RecordType::txt).at(0).data == "onetwo");
    const auto caa = message.of("example.com", RecordType::caa).at(0).caa;
    CHECK(caa.flags == 128);
    CHECK(caa.critical());
    CHECK(caa.tag == "issue");
    CHECK(caa.value == "ca.example; a=b");
    REQUIRE(message.authority.size() == 1);
    CHECK(message.authority[0].data == "ns1.example.com");
    CHECK(message.authority[0].serial == 42);
    CHECK(message.of("other.example.com", RecordType::a).empty());
  }

  TEST_CASE("names are lower case, whatever the server writes, and odd bytes stand escaped") {
    test::Answer answer;
    answer.answers = {"EXAMPLE.Com. 300 IN NS NS1.Example.COM.", "a\\.b\\032c.example.com. 300 IN TXT \"x\""};
    const auto message = read_answer(asked_for("example.com", RecordType::ns), answer);
    CHECK(message.of("example.com", RecordType::ns).at(0).data == "ns1.example.com");
    CHECK(message.answers.at(1).owner == "a\\.b\\032c.example.com");
  }

  TEST_CASE("bytes of TXT and CAA are kept as they are") {
    test::Answer answer;
    answer.answers = {"example.com. 300 IN TXT \"\\000\\255\\\"\"", "example.com. 300 IN CAA 0 issue \"\\007\""};
    const auto message = read_answer(asked_for("example.com", RecordType::txt), answer);
    CHECK(message.answers.at(0).data == std::string("\0\xff\"", 3));
    CHECK(message.answers.at(1).caa.value == "\a");
  }

  TEST_CASE("result codes by their names, with the upper bits of the OPT record") {
    for (const auto& [code, name] : std::vector<std::pair<unsigned, std::string>>{
             {0, "NOERROR"}, {1, "FORMERR"}, {2, "SERVFAIL"}, {3, "NXDOMAIN"}, {5, "REFUSED"}, {9, "NOTAUTH"}}) {
      test::Answer answer;
      answer.rcode = code;
      CHECK(dns::to_string(read_answer(asked_for("example.com", RecordType::a), answer).rcode) == name);
    }
    auto wire = test::Answer{}.wire(asked_for("example.com", RecordType::a));
    wire[wire.size() - 6] = 1;  // BADVERS is 16: 1 in the OPT record, 0 in the header
    CHECK(dns::to_string(dns::decode(wire).or_throw().rcode) == "RCODE 16");
  }

  TEST_CASE("records of another class are none, and so is a question of one") {
    auto wire = rich_wire();
    const auto at = wire.find(std::string("\x00\x01\x00\x01\x00\x00\x01\x2c", 8));
    REQUIRE(at != std::string::npos);
    wire[at + 3] = 3;  // CHAOS
    const auto message = dns::decode(wire).or_throw();
    CHECK(message.of("example.com", RecordType::a).empty());
    CHECK(message.answers.size() == 6);
    auto other = test::Answer{}.wire(asked_for("example.com", RecordType::a));
    other[12 + 13 + 3] = 3;
    CHECK_FALSE(dns::decode(other).or_throw().question);
  }

  TEST_CASE("what is no answer") {
    const auto query = dns::encode_query({"example.com", RecordType::a}, 1, true, true).or_throw();
    CHECK(dns::decode(query).fault().message == "a DNS query, not an answer");
    CHECK(dns::decode("").fault().message.starts_with("not a DNS message: "));
    CHECK_FALSE(dns::decode("HTTP/1.1 200 OK\r\n\r\n"));
    CHECK_FALSE(dns::decode(std::string(4096, '\xff')));
  }

  TEST_CASE("cut off anywhere it is no message, or one with no record that is not whole") {
    const auto wire = rich_wire();
    const auto whole = dns::decode(wire).or_throw();
    for (std::size_t size = 0; size < wire.size(); ++size) {
      const auto part = dns::decode(std::string_view(wire).substr(0, size));
      if (!part) continue;
      CHECK(part->answers.size() <= whole.answers.size());
    }
  }

  TEST_CASE("compression that points at itself, forward or out of the message") {
    const std::string head("\x12\x34\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00", 12);
    const std::string question(
        "\x01"
        "a\x00\x00\x01\x00\x01",
        7);
    const std::string rest("\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x01", 14);
    CHECK(dns::decode(head + question + "\xc0\x0c" + rest).or_throw().answers.at(0).owner == "a");
    for (const std::string pointer : {"\xc0\x13", "\xc0\x15", "\xc0\xff", "\xff\xff", "\xc0\x14"}) {
      const auto message = dns::decode(head + question + pointer + rest);
      if (message) CHECK(message->of("a", RecordType::a).empty());
    }
    CHECK_FALSE(dns::decode(head + question + "\xc0\x13" + rest));
  }

  TEST_CASE("counts that promise more than there is") {
    auto wire = rich_wire();
    wire[6] = wire[7] = '\xff';
    CHECK_FALSE(dns::decode(wire));
  }

  TEST_CASE("a hundred thousand mutations: never a crash, and nothing from beyond the message") {
    const auto wire = rich_wire();
    std::mt19937 random(20261125);
    std::size_t read = 0;
    for (int i = 0; i < 100'000; ++i) {
      std::string mutated = wire;
      const auto changes = 1 + random() % 4;
      for (unsigned change = 0; change < changes; ++change)
        mutated[random() % mutated.size()] = static_cast<char>(random());
      if (random() % 8 == 0) mutated.resize(random() % mutated.size());
      const auto message = dns::decode(mutated);
      if (!message) continue;
      ++read;
      std::size_t bytes = 0;
      for (const auto& record : message->answers) bytes += record.owner.size();
      CHECK(bytes < 20 * 1100);
    }
    CHECK(read > 1000);
  }
}
