#pragma once

#include <certherd/base/text.hpp>
#include <certherd/dns/message.hpp>

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

}  // namespace certherd::test
