#include <certherd/base/text.hpp>
#include <certherd/dns/message.hpp>

#include <arpa/inet.h>

#include <array>
#include <utility>

// By hand and not by ldns_wire2pkt(): that one takes compression pointers that lead forwards or into the header, reads
// names past the end of their record, passes over bytes that are left in one, and loses a CAA record whose value is
// empty. Each of these would be a fact that nobody stated, or one that is lost.

namespace certherd::dns {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::size_t longest_name = 255;  // on the wire, with its lengths (RFC 1035 §2.3.4)
constexpr std::uint16_t class_in = 1;
constexpr std::uint16_t type_opt = 41;

/// Ends the reading of a message; decode() makes a Fault of it.
struct Malformed {
  const char* what;
};

/// Reads forwards, and never past its end.
class Reader {
public:
  Reader(std::string_view message, std::size_t begin, std::size_t end) : message_(message), at_(begin), end_(end) {}

  bool at_end() const { return at_ == end_; }

  std::string_view bytes(std::size_t count) {
    if (count > end_ - at_) throw Malformed{"it ends too early"};
    const auto read = message_.substr(at_, count);
    at_ += count;
    return read;
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(bytes(1).front()); }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  /// A character-string (RFC 1035 §3.3).
  std::string_view string() { return bytes(u8()); }
  std::string_view rest() { return bytes(end_ - at_); }

  /// What begins here and takes `count` bytes.
  Reader part(std::size_t count) {
    const std::size_t begin = at_;
    bytes(count);
    return {message_, begin, at_};
  }

  std::string name();

private:
  std::string_view message_;
  std::size_t at_;
  std::size_t end_;
};

/// As in a zone file, and lower case: so do names match (RFC 1035 §2.3.3, RFC 4343).
void append_label(std::string& name, std::string_view label) {
  if (!name.empty()) name += '.';
  for (const char c : to_lower(label)) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::string_view(".;()\\").find(c) != std::string_view::npos) {
      name += '\\';
      name += c;
    } else if (byte > ' ' && byte < 0x7f) {
      name += c;
    } else {
      name += '\\';
      for (const unsigned digit : {byte / 100U, byte / 10U % 10U, byte % 10U}) name += static_cast<char>('0' + digit);
    }
  }
}

/// A compression pointer leads to a prior occurrence (RFC 1035 §4.1.4): always further to the front, so that there is
/// an end to it.
std::string Reader::name() {
  std::string name;
  std::size_t size = 1;
  Reader labels = *this;
  bool jumped = false;
  std::size_t begun = at_;
  while (true) {
    const unsigned length = labels.u8();
    if (length >= 0xc0) {
      const std::size_t target = (length & 0x3fU) << 8 | labels.u8();
      if (!jumped) at_ = labels.at_;
      jumped = true;
      if (target >= begun || target < header_size) throw Malformed{"a compression pointer leads nowhere"};
      labels = Reader(message_, target, begun);
      begun = target;
      continue;
    }
    if (length > 63) throw Malformed{"a label of an unknown kind"};
    if (length == 0) break;
    size += 1 + length;
    if (size > longest_name) throw Malformed{"a name above 255 bytes"};
    append_label(name, labels.bytes(length));
  }
  if (!jumped) at_ = labels.at_;
  return name;
}

std::string address(Reader& data, int family, std::size_t size) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(family, data.bytes(size).data(), text.data(), text.size()) ? text.data() : "";
}

/// CAA, RFC 8659 §4.1. Its value may be empty, and then allows nobody.
CaaRecord caa(Reader& data) {
  CaaRecord record;
  record.flags = data.u8();
  record.tag = to_lower(data.string());
  if (record.tag.empty()) throw Malformed{"a CAA record without a tag"};
  record.value = data.rest();
  return record;
}

/// false: a type that is not ours.
bool read_data(Record& record, Reader& data) {
  switch (record.type) {
    case RecordType::a:
      record.data = address(data, AF_INET, 4);
      return true;
    case RecordType::aaaa:
      record.data = address(data, AF_INET6, 16);
      return true;
    case RecordType::ns:
    case RecordType::cname:
    case RecordType::dname:
      record.data = data.name();
      return true;
    case RecordType::soa:
      record.data = data.name();
      data.name();  // RNAME
      record.serial = data.u32();
      data.bytes(16);  // REFRESH, RETRY, EXPIRE, MINIMUM
      return true;
    case RecordType::txt:
      do record.data += data.string();
      while (!data.at_end());
      return true;
    case RecordType::caa:
      record.caa = caa(data);
      return true;
  }
  return false;
}

/// What EDNS says (RFC 6891 §6.1.3).
struct Edns {
  bool seen = false;
  unsigned upper_rcode = 0;
};

/// One record of any kind. Ours goes to `records`, OPT to `edns`; both may be absent.
void read_record(Reader& message, std::vector<Record>* records, Edns* edns) {
  Record record;
  record.owner = message.name();
  record.type = static_cast<RecordType>(message.u16());
  const std::uint16_t record_class = message.u16();
  record.ttl = message.u32();
  Reader data = message.part(message.u16());
  if (static_cast<std::uint16_t>(record.type) == type_opt && edns) {
    if (edns->seen || !record.owner.empty()) throw Malformed{"an OPT record that may not be there"};
    *edns = {true, record.ttl >> 24};
    return;
  }
  if (!records || record_class != class_in || !read_data(record, data)) return;
  if (!data.at_end()) throw Malformed{"a record with more data than its type has"};
  records->push_back(std::move(record));
}

std::optional<Question> read_question(Reader& message, unsigned count) {
  if (count > 1) throw Malformed{"several questions"};
  if (count == 0) return std::nullopt;
  Question question{message.name(), static_cast<RecordType>(message.u16())};
  if (message.u16() != class_in) throw Malformed{"a question of another class"};
  return question;
}

Message read(std::string_view wire) {
  Reader reader(wire, 0, wire.size());
  Message message;
  message.id = reader.u16();
  const unsigned flags = reader.u16();
  if ((flags & 0x8000U) == 0) throw Malformed{"a query, not an answer"};
  if ((flags & 0x7800U) != 0) throw Malformed{"an answer to something else than a query"};
  message.authoritative = (flags & 0x0400U) != 0;
  message.truncated = (flags & 0x0200U) != 0;
  const unsigned rcode = flags & 0xfU;
  message.rcode = static_cast<Rcode>(rcode);
  const unsigned questions = reader.u16();
  const unsigned answers = reader.u16();
  const unsigned authorities = reader.u16();
  const unsigned additionals = reader.u16();
  message.question = read_question(reader, questions);
  if (message.truncated) return message;  // what it holds may be cut anywhere, and is not to be used (RFC 2181 §9)
  for (unsigned i = 0; i < answers; ++i) read_record(reader, &message.answers, nullptr);
  for (unsigned i = 0; i < authorities; ++i) read_record(reader, &message.authority, nullptr);
  Edns edns;
  for (unsigned i = 0; i < additionals; ++i) read_record(reader, nullptr, &edns);
  message.edns = edns.seen;
  message.rcode = static_cast<Rcode>(edns.upper_rcode << 4 | rcode);
  return message;
}

}  // namespace

Result<Message> decode(std::string_view wire) {
  try {
    return read(wire);
  } catch (const Malformed& malformed) {
    return Fault{std::string("not a DNS answer: ") + malformed.what, {}, {}};
  }
}

}  // namespace certherd::dns
