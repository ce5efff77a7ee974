#pragma once

#include <certherd/base/text.hpp>
#include <certherd/dns/message.hpp>

#include <ldns/ldns.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::test {

inline std::string ldns_text(const ldns_rdf* rdf) {
  const std::unique_ptr<char, decltype(&std::free)> text(rdf ? ldns_rdf2str(rdf) : nullptr, &std::free);
  std::string plain = text ? to_lower(text.get()) : "";
  if (plain.size() > 1 && plain.back() == '.') plain.pop_back();
  return plain == "." ? "" : plain;
}

/// Whether ldns reads the same in a record. Of TXT and CAA the owner alone is compared: how ldns writes their data is
/// another matter.
inline bool same_record(const dns::Record& ours, const ldns_rr* theirs) {
  using dns::RecordType;
  if (ours.owner != ldns_text(ldns_rr_owner(theirs)) || ldns_rr_ttl(theirs) != ours.ttl) return false;
  if (static_cast<unsigned>(ours.type) != static_cast<unsigned>(ldns_rr_get_type(theirs))) return false;
  if (ours.type == RecordType::txt || ours.type == RecordType::caa) return true;
  if (ours.type == RecordType::soa && ldns_rdf2native_int32(ldns_rr_rdf(theirs, 2)) != ours.serial) return false;
  return ours.data == ldns_text(ldns_rr_rdf(theirs, 0));
}

/// ldns passes over what is too much in the data of some records, and then reads the next one from the wrong place. It
/// can be relied on where there is nothing but records whose data decode() looks into.
inline bool reliable(const ldns_rr_list* records) {
  using dns::RecordType;
  static constexpr RecordType ours[] = {RecordType::a,   RecordType::ns,   RecordType::cname, RecordType::soa,
                                        RecordType::txt, RecordType::aaaa, RecordType::dname, RecordType::caa};
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(records); ++i) {
    const ldns_rr* record = ldns_rr_list_rr(records, i);
    const auto type = static_cast<RecordType>(ldns_rr_get_type(record));
    if (ldns_rr_get_class(record) != LDNS_RR_CLASS_IN ||
        std::find(std::begin(ours), std::end(ours), type) == std::end(ours))
      return false;
  }
  return true;
}

struct Judged {
  bool accepted = false;  ///< by decode()
  bool compared = false;  ///< ldns, which is another reader, accepted it too
  std::string problem;    ///< what decode() made up; empty: nothing
};

/// Reads a message, and has each record in it confirmed by ldns. What decode() reports must be there; it may be more
/// strict. The bytes stand in memory of exactly their size, so that AddressSanitizer sees a step beyond.
inline Judged judge_message(std::string_view wire) {
  const std::unique_ptr<char[]> exact(new char[wire.size()]);
  std::copy(wire.begin(), wire.end(), exact.get());
  const auto message = dns::decode({exact.get(), wire.size()});
  if (!message) return {false, false, message.fault().message.empty() ? "a Fault without a message" : ""};
  Judged judged{true, false, {}};
  for (const auto* records : {&message->answers, &message->authority})
    for (const auto& record : *records)
      if (!dns::encode_query({record.owner, record.type}, 1, false, false))
        judged.problem = "an owner that is no name: " + record.owner;
  ldns_pkt* parsed = nullptr;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(exact.get());
  if (message->truncated || ldns_wire2pkt(&parsed, bytes, wire.size()) != LDNS_STATUS_OK) return judged;
  const std::unique_ptr<ldns_pkt, decltype(&ldns_pkt_free)> packet(parsed, &ldns_pkt_free);
  if (!reliable(ldns_pkt_answer(parsed)) || !reliable(ldns_pkt_authority(parsed))) return judged;
  judged.compared = true;
  const auto compare = [&](const std::vector<dns::Record>& ours, const ldns_rr_list* theirs) {
    std::size_t next = 0;
    for (const auto& record : ours) {
      while (next < ldns_rr_list_rr_count(theirs) && !same_record(record, ldns_rr_list_rr(theirs, next))) ++next;
      if (next++ >= ldns_rr_list_rr_count(theirs)) judged.problem = "a record that is not there: " + record.owner;
    }
  };
  compare(message->answers, ldns_pkt_answer(parsed));
  compare(message->authority, ldns_pkt_authority(parsed));
  if (message->authoritative != ldns_pkt_aa(parsed) || message->id != ldns_pkt_id(parsed)) judged.problem = "the head";
  return judged;
}

}  // namespace certherd::test
