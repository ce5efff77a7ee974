#pragma once

#include <certherd/base/text.hpp>
#include <certherd/dns/message.hpp>

#include <arpa/inet.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// DNS messages made byte by byte, also those that no library would make. Nothing of src/dns is used for it.

namespace certherd::test {

inline std::string wire_u16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}
inline std::string wire_u32(std::uint32_t value) {
  return wire_u16(value >> 16) + wire_u16(value & 0xffff);
}
inline std::string wire_string(std::string_view text) {
  return std::string(1, static_cast<char>(text.size())) + std::string(text);
}
/// "a.test" → "\1a\4test\0"; without escapes.
inline std::string wire_name(const std::string& name) {
  std::string wire;
  if (!name.empty())
    for (const auto& label : split(name, '.')) wire += wire_string(label);
  return wire + '\0';
}
/// A compression pointer.
inline std::string wire_pointer(unsigned target) {
  return wire_u16(0xc000 + target);
}

struct WireHeader {
  unsigned id = 7;
  unsigned flags = 0x8400;  ///< an answer, authoritative
  unsigned questions = 1;
  unsigned answers = 0;
  unsigned authority = 0;
  unsigned additional = 0;

  std::string text() const {
    std::string wire;
    for (const unsigned field : {id, flags, questions, answers, authority, additional}) wire += wire_u16(field);
    return wire;
  }
};

inline std::string wire_question(const std::string& name, dns::RecordType type, unsigned in_class = 1) {
  return wire_name(name) + wire_u16(static_cast<unsigned>(type)) + wire_u16(in_class);
}

/// `owner`: in wire format.
inline std::string wire_record(const std::string& owner, unsigned type, const std::string& data, unsigned in_class = 1,
                               std::uint32_t ttl = 60) {
  return owner + wire_u16(type) + wire_u16(in_class) + wire_u32(ttl) + wire_u16(static_cast<unsigned>(data.size())) +
         data;
}

/// A record as a zone file has it, of the types that certherd asks for. `data` of SOA: "primary serial"; of CAA:
/// "flags tag value".
struct ZoneRecord {
  std::string owner;
  dns::RecordType type = dns::RecordType::a;
  std::string data;
};

inline std::string wire_data(const ZoneRecord& record) {
  using dns::RecordType;
  const auto words = split(record.data, ' ');
  char address[16] = {};
  switch (record.type) {
    case RecordType::a:
      ::inet_pton(AF_INET, record.data.c_str(), address);
      return {address, 4};
    case RecordType::aaaa:
      ::inet_pton(AF_INET6, record.data.c_str(), address);
      return {address, 16};
    case RecordType::ns:
    case RecordType::cname:
    case RecordType::dname:
      return wire_name(record.data);
    case RecordType::soa:
      return wire_name(words.at(0)) + wire_name("hostmaster.test") +
             wire_u32(static_cast<std::uint32_t>(std::stoul(words.at(1)))) + std::string(16, '\1');
    case RecordType::txt:
      return wire_string(record.data);
    case RecordType::caa:
      return std::string(1, static_cast<char>(std::stoi(words.at(0)))) + wire_string(words.at(1)) +
             (words.size() > 2 ? words[2] : "");
  }
  return {};
}

/// A query as a server sees it, taken apart by hand.
struct WireQuery {
  std::string wire;
  unsigned id = 0;
  bool recursion = false;
  bool edns = false;
  bool tcp = false;
  std::string name;  ///< as it was asked, in its case
  dns::RecordType type = dns::RecordType::a;

  static WireQuery of(std::string bytes, bool by_tcp) {
    WireQuery query;
    query.wire = std::move(bytes);
    query.tcp = by_tcp;
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(query.wire.at(at)); };
    query.id = byte(0) * 256U + byte(1);
    query.recursion = (byte(2) & 1) != 0;
    query.edns = byte(11) == 1;
    std::size_t at = 12;
    for (; byte(at) != 0; at += 1U + byte(at))
      query.name += (query.name.empty() ? "" : ".") + query.wire.substr(at + 1, byte(at));
    query.type = static_cast<dns::RecordType>(byte(at + 1) * 256U + byte(at + 2));
    return query;
  }
};

/// What a server says to a query.
struct WireAnswer {
  std::vector<ZoneRecord> answers;
  std::vector<ZoneRecord> authority;
  unsigned rcode = 0;
  bool authoritative = true;
  bool truncated = false;
  bool edns = true;
  bool question = true;

  std::string to(const WireQuery& query) const {
    WireHeader header;
    header.id = query.id;
    header.flags = 0x8000U | (authoritative ? 0x0400U : 0U) | (truncated ? 0x0200U : 0U) | rcode;
    header.questions = question ? 1 : 0;
    header.answers = static_cast<unsigned>(answers.size());
    header.authority = static_cast<unsigned>(authority.size());
    header.additional = edns ? 1 : 0;
    std::string wire = header.text();
    if (question) wire += wire_question(query.name, query.type);
    for (const auto* records : {&answers, &authority})
      for (const auto& record : *records)
        wire += wire_record(wire_name(record.owner), static_cast<unsigned>(record.type), wire_data(record));
    if (edns) wire += wire_record(std::string(1, '\0'), 41, {}, 1232, 0);
    return wire;
  }
};

}  // namespace certherd::test
