#include <ostream>

#include <certherd/dns/message.hpp>

#include <doctest/doctest.h>
#include <support/dns_samples.hpp>
#include <support/dns_wire.hpp>
#include <support/texts.hpp>

using namespace certherd;
using namespace certherd::dns;
using test::wire_name;
using test::wire_pointer;
using test::wire_record;
using test::wire_string;
using test::wire_u16;
using test::wire_u32;
using test::WireHeader;

namespace {

constexpr unsigned question_at = 12;
const std::string owner = wire_pointer(question_at);

unsigned number(RecordType type) {
  return static_cast<unsigned>(type);
}

/// An answer to a question for a.test with these records in wire format.
std::string answer_with(const std::vector<std::string>& records, WireHeader header = {}) {
  header.answers = static_cast<unsigned>(records.size());
  std::string wire = header.text() + test::wire_question("a.test", RecordType::a);
  for (const auto& record : records) wire += record;
  return wire;
}

std::string describe_caa(const Record& record) {
  return std::to_string(record.caa.flags) + " " + record.caa.tag + " '" + record.caa.value + "'";
}

/// "owner TYPE data" for each of the answers; "fault: …".
std::vector<std::string> texts_of(const std::string& wire) {
  const auto message = decode(wire);
  if (!message) return {"fault: " + message.fault().message};
  std::vector<std::string> texts;
  for (const auto& record : message->answers) {
    std::string text = record.owner + " " + std::string(to_string(record.type)) + " ";
    text += record.type == RecordType::caa ? describe_caa(record) : record.data;
    if (record.type == RecordType::soa) text += " " + std::to_string(record.serial);
    texts.push_back(text);
  }
  return texts;
}

/// What comes of one record of a type.
std::string text_of(RecordType type, const std::string& data) {
  const auto texts = texts_of(answer_with({wire_record(owner, number(type), data)}));
  REQUIRE(texts.size() == 1);
  return texts.front();
}

std::string fault_of(const std::string& wire) {
  const auto message = decode(wire);
  return message ? "no fault" : message.fault().message;
}

const std::string a_record = wire_record(owner, 1, "\x01\x02\x03\x04");
const std::string too_early = "not a DNS answer: it ends too early";
const std::string bad_pointer = "not a DNS answer: a compression pointer leads nowhere";
const std::string too_much = "not a DNS answer: a record with more data than its type has";

}  // namespace

TEST_SUITE("dns/message") {
  TEST_CASE("every type that is asked for is read") {
    CHECK(text_of(RecordType::a, "\xc0\x01\x02\x04") == "a.test A 192.1.2.4");
    CHECK(text_of(RecordType::aaaa, std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + '\1') ==
          "a.test AAAA 2001:db8::1");
    CHECK(text_of(RecordType::ns, wire_name("NS1.Example.test")) == "a.test NS ns1.example.test");
    CHECK(text_of(RecordType::cname, wire_string("b") + wire_pointer(question_at)) == "a.test CNAME b.a.test");
    CHECK(text_of(RecordType::dname, wire_name("")) == "a.test DNAME ");
    CHECK(text_of(RecordType::soa, wire_name("ns1.test") + wire_name("root.test") + wire_u32(2026112301) +
                                       std::string(16, '\1')) == "a.test SOA ns1.test 2026112301");
    CHECK(text_of(RecordType::txt, wire_string("one") + wire_string("") + wire_string("two")) == "a.test TXT onetwo");
    CHECK(text_of(RecordType::txt, wire_string("")) == "a.test TXT ");
    CHECK(text_of(RecordType::txt, wire_string(std::string("a\0\xff", 3))) ==
          "a.test TXT " + std::string("a\0\xff", 3));
  }

  TEST_CASE("CAA: flags, a tag without case, a value that may be anything and nothing") {
    const auto caa = [](unsigned flags, const std::string& tag, const std::string& value) {
      return text_of(RecordType::caa, static_cast<char>(flags) + wire_string(tag) + value);
    };
    CHECK(caa(0, "issue", "ca.test; a=b") == "a.test CAA 0 issue 'ca.test; a=b'");
    CHECK(caa(128, "IssueWild", ";") == "a.test CAA 128 issuewild ';'");
    CHECK(caa(0, "issue", "") == "a.test CAA 0 issue ''");  // allows nobody: it must not be lost
    CHECK(caa(255, "x", std::string(300, 'y')) == "a.test CAA 255 x '" + std::string(300, 'y') + "'");
    CHECK(caa(0, "", "ca.test") == "fault: not a DNS answer: a CAA record without a tag");
    CHECK(text_of(RecordType::caa, std::string("\0\x09issue", 7)) == "fault: " + too_early);
    CHECK(text_of(RecordType::caa, std::string(1, '\0')) == "fault: " + too_early);
  }

  TEST_CASE("what is not ours is passed over: other types, other classes") {
    const std::string mx = wire_record(owner, 15, wire_u16(10) + wire_name("mail.test"));
    const std::string chaos = wire_record(owner, number(RecordType::txt), wire_string("x"), 3);
    CHECK(texts_of(answer_with({mx, chaos, a_record})) == std::vector<std::string>{"a.test A 1.2.3.4"});
  }

  TEST_CASE("a record that its data do not fill exactly spoils the whole message") {
    CHECK(fault_of(answer_with({wire_record(owner, 1, "\x01\x02\x03")})) == too_early);
    CHECK(fault_of(answer_with({wire_record(owner, 1, "\x01\x02\x03\x04\x05")})) == too_much);
    CHECK(fault_of(answer_with({wire_record(owner, 1, ""), a_record})) == too_early);
    CHECK(fault_of(answer_with({wire_record(owner, 28, std::string(4, '\1')), a_record})) == too_early);
    CHECK(fault_of(answer_with({wire_record(owner, 2, wire_name("b") + "x")})) == too_much);
    CHECK(fault_of(answer_with({wire_record(owner, 2, ""), a_record})) == too_early);
    CHECK(fault_of(answer_with({wire_record(owner, 16, ""), a_record})) == too_early);
    CHECK(fault_of(answer_with({wire_record(owner, 16,
                                            "\x05"
                                            "ab"),
                                a_record})) == too_early);
    CHECK(fault_of(answer_with({wire_record(owner, 6, wire_name("b") + wire_name("c") + wire_u32(5)), a_record})) ==
          too_early);
    // The name goes on behind the end of its record, into the next one.
    std::string ns = wire_record(owner, 2, wire_name("b.test"));
    ns[ns.size() - wire_name("b.test").size() - 1] = 3;
    CHECK(fault_of(answer_with({ns})) == too_early);
  }

  TEST_CASE("compression pointers lead to the front, and never in circles") {
    const unsigned record_at = question_at + 12;
    const std::string data = "\x01\x02\x03\x04";
    const auto with_owner = [&](const std::string& name) { return answer_with({wire_record(name, 1, data)}); };
    CHECK(texts_of(with_owner(wire_string("b") + wire_pointer(question_at + 2))) ==
          std::vector<std::string>{"b.test A 1.2.3.4"});
    CHECK(fault_of(with_owner(wire_pointer(record_at))) == bad_pointer);                     // to itself
    CHECK(fault_of(with_owner(wire_string("b") + wire_pointer(record_at))) == bad_pointer);  // a circle of two
    CHECK(fault_of(with_owner(wire_pointer(record_at + 2))) == bad_pointer);                 // forwards
    CHECK(fault_of(with_owner(wire_pointer(0x3fff))) == bad_pointer);                        // out of the message
    CHECK(fault_of(with_owner(wire_pointer(4))) == bad_pointer);                             // into the header
    CHECK(fault_of(with_owner(wire_pointer(0))) == bad_pointer);
    CHECK(fault_of(with_owner(std::string("\xc0"))) == bad_pointer);
    // One after the other, each to one further in front.
    std::vector<std::string> records{wire_record(wire_string("b") + owner, 1, data)};
    unsigned at = record_at;
    for (unsigned i = 0; i < 50; ++i) {
      const unsigned target = at;
      at += static_cast<unsigned>(records.back().size());
      records.push_back(wire_record(wire_pointer(target), 1, data));
    }
    const auto message = decode(answer_with(records));
    REQUIRE(message);
    CHECK(message->answers.back().owner == "b.a.test");
  }

  TEST_CASE("names: 255 bytes and no more, labels of 63, odd bytes as a zone file has them") {
    const std::string label(63, 'x');
    const std::string three = wire_string(label) + wire_string(label) + wire_string(label);
    const auto asked = [](const std::string& name) { return WireHeader{}.text() + name + wire_u16(1) + wire_u16(1); };
    CHECK(decode(asked(three + wire_string(std::string(61, 'y')) + '\0')));
    CHECK(fault_of(asked(three + wire_string(std::string(62, 'y')) + '\0')) ==
          "not a DNS answer: a name above 255 bytes");
    CHECK(fault_of(asked(wire_string(std::string(64, 'y')) + '\0')) == "not a DNS answer: a label of an unknown kind");
    CHECK(fault_of(asked(std::string("\x80", 1) + '\0')) == "not a DNS answer: a label of an unknown kind");
    const auto odd =
        decode(asked(wire_string("a.b\\(") + wire_string(std::string("\0 \xff", 3)) + wire_string("TeSt\"@") + '\0'));
    REQUIRE(odd);
    CHECK(odd->question->name == "a\\.b\\\\\\(.\\000\\032\\255.test\"@");
    // What came in so can be asked for again.
    const auto again = encode_query(*odd->question, 1, false, false);
    REQUIRE(again);
    CHECK(again->substr(12) == wire_string("a.b\\(") + wire_string(std::string("\0 \xff", 3)) + wire_string("test\"@") +
                                   '\0' + wire_u16(1) + wire_u16(1));
    // A pointer does not make room for more.
    std::string wire = asked(three + wire_string(std::string(61, 'y')) + '\0');
    wire[7] = 1;
    CHECK(fault_of(wire + wire_record(wire_string("z") + wire_pointer(question_at), 1, "\x01\x02\x03\x04")) ==
          "not a DNS answer: a name above 255 bytes");
  }

  TEST_CASE("counts that say more than there is, and bytes behind the end") {
    WireHeader header;
    std::string wire = answer_with({a_record}, header);
    wire[7] = 2;
    CHECK(fault_of(wire) == too_early);
    wire[6] = wire[7] = '\xff';
    CHECK(fault_of(wire) == too_early);
    wire = answer_with({a_record}, header);
    CHECK(texts_of(wire + "behind") == std::vector<std::string>{"a.test A 1.2.3.4"});
    wire[7] = 0;
    CHECK(texts_of(wire).empty());
    for (const std::size_t count : {9U, 11U}) {  // authority, additional
      std::string other = answer_with({a_record}, header);
      other[count] = 1;
      CHECK(fault_of(other) == too_early);
    }
  }

  TEST_CASE("only an answer to one question of class IN") {
    const auto with = [](unsigned flags, unsigned questions = 1, unsigned in_class = 1) {
      WireHeader header;
      header.flags = flags;
      header.questions = questions;
      std::string wire = header.text();
      for (unsigned i = 0; i < questions; ++i) wire += test::wire_question("a.test", RecordType::a, in_class);
      return fault_of(wire);
    };
    CHECK(with(0x8000) == "no fault");
    CHECK(with(0x8000, 0) == "no fault");
    CHECK(with(0x0100) == "not a DNS answer: a query, not an answer");
    CHECK(with(0xa800) == "not a DNS answer: an answer to something else than a query");
    CHECK(with(0x8000, 2) == "not a DNS answer: several questions");
    CHECK(with(0x8000, 1, 3) == "not a DNS answer: a question of another class");
  }

  TEST_CASE("the head of the message") {
    WireHeader header;
    header.id = 0xbeef;
    header.flags = 0x8000 | 0x0400 | 3;
    const auto message = decode(answer_with({}, header));
    REQUIRE(message);
    CHECK(message->id == 0xbeef);
    CHECK(message->authoritative);
    CHECK_FALSE(message->truncated);
    CHECK_FALSE(message->edns);
    CHECK(message->rcode == Rcode::no_such_name);
    CHECK(message->question == Question{"a.test", RecordType::a});
  }

  TEST_CASE("a truncated answer counts as far as its question, wherever it was cut") {
    WireHeader header;
    header.flags = 0x8000 | 0x0200;
    const std::string whole = answer_with({a_record, a_record}, header);
    for (std::size_t size = question_at + 12; size <= whole.size(); ++size) {
      const auto message = decode(whole.substr(0, size));
      REQUIRE(message);
      CHECK(message->truncated);
      CHECK(message->answers.empty());
      CHECK(message->question->name == "a.test");
    }
    CHECK(fault_of(whole.substr(0, question_at + 11)) == too_early);
  }

  TEST_CASE("OPT: the upper bits of the result, options of any kind, and not twice") {
    const auto opt = [](std::uint32_t ttl, const std::string& options = "", const std::string& name = "") {
      return wire_record(wire_name(name), 41, options, 1232, ttl);
    };
    const auto with = [](const std::string& additional, unsigned count) {
      WireHeader header;
      header.additional = count;
      return answer_with({}, header) + additional;
    };
    const auto message = decode(with(opt(0x01000000, std::string("\0\x0a\0\xff"
                                                                 "x",
                                                                 5)),
                                     1));
    REQUIRE(message);
    CHECK(message->edns);
    CHECK(to_string(message->rcode) == "RCODE 16");
    CHECK(decode(with(opt(0), 1))->rcode == Rcode::no_error);
    const std::string twice = "not a DNS answer: an OPT record that may not be there";
    CHECK(fault_of(with(opt(0) + opt(0), 2)) == twice);
    CHECK(fault_of(with(opt(0, "", "a.test"), 1)) == twice);
    // Elsewhere it is a record like any other.
    CHECK_FALSE(decode(answer_with({opt(0x01000000)}))->edns);
  }

  TEST_CASE("of(): one owner, one type") {
    const auto message = decode(answer_with({a_record, wire_record(wire_name("b.test"), 1, "\x05\x06\x07\x08"),
                                             wire_record(owner, number(RecordType::txt), wire_string("x"))}));
    REQUIRE(message);
    CHECK(message->of("a.test", RecordType::a).size() == 1);
    CHECK(message->of("b.test", RecordType::a).size() == 1);
    CHECK(message->of("c.test", RecordType::a).empty());
    CHECK(message->of("a.test", RecordType::cname).empty());
  }

  TEST_CASE("queries: bytes as RFC 1035 and RFC 6891 want them") {
    const auto plain = encode_query({"a.test", RecordType::caa}, 0x1234, true, false);
    REQUIRE(plain);
    WireHeader header;
    header.id = 0x1234;
    header.flags = 0x0100;
    CHECK(*plain == header.text() + test::wire_question("a.test", RecordType::caa));
    header.flags = 0;
    header.additional = 1;
    const auto edns = encode_query({"", RecordType::ns}, 0x1234, false, true);
    REQUIRE(edns);
    CHECK(*edns ==
          header.text() + test::wire_question("", RecordType::ns) + wire_record(std::string(1, '\0'), 41, "", 1232, 0));
  }

  TEST_CASE("names that cannot be asked for are a Fault") {
    const auto fault = [](const std::string& name) {
      const auto query = encode_query({name, RecordType::a}, 1, true, true);
      return query ? "no fault" : query.fault().message;
    };
    const std::string label(63, 'x');
    CHECK(fault("a..b") == "'a..b' cannot be a DNS name");
    CHECK(fault(".a") == "'.a' cannot be a DNS name");
    CHECK(fault(label) == "no fault");
    CHECK(fault(label + "x") == "'" + label + "x' cannot be a DNS name");
    CHECK(fault(label + "." + label + "." + label + "." + std::string(61, 'x')) == "no fault");
    CHECK(fault(label + "." + label + "." + label + "." + std::string(62, 'x')).ends_with("cannot be a DNS name"));
    CHECK(fault("a\\") == "'a\\' cannot be a DNS name");
  }

  TEST_CASE("types and result codes have their names") {
    CHECK(to_string(RecordType::caa) == "CAA");
    CHECK(to_string(static_cast<RecordType>(99)) == "?");
    CHECK(to_string(Rcode::server_failure) == "SERVFAIL");
    CHECK(to_string(Rcode::not_auth) == "NOTAUTH");
    CHECK(to_string(static_cast<Rcode>(23)) == "RCODE 23");
  }

  TEST_CASE("real answers cut at every byte: a Fault, but for the whole") {
    for (const auto& sample : test::dns_samples()) {
      CAPTURE(sample.title);
      const auto whole = decode(sample.wire);
      REQUIRE(whole);
      CHECK(whole->answers.size() + whole->authority.size() > 0);
      for (std::size_t size = 0; size < sample.wire.size(); ++size) {
        const auto cut = decode(std::string_view(sample.wire).substr(0, size));
        CHECK_FALSE(cut);
      }
    }
  }
}
