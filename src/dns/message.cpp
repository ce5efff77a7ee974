#include <certherd/base/text.hpp>
#include <certherd/dns/message.hpp>

#include <ldns/ldns.h>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

namespace certherd::dns {
namespace {

constexpr std::uint16_t offered_size = 1232;

struct Free {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
  void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
  void operator()(char* text) const { std::free(text); }
  void operator()(std::uint8_t* bytes) const { std::free(bytes); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::optional<RecordType> known_type(unsigned type) {
  switch (static_cast<RecordType>(type)) {
    case RecordType::a:
    case RecordType::ns:
    case RecordType::cname:
    case RecordType::soa:
    case RecordType::txt:
    case RecordType::aaaa:
    case RecordType::dname:
    case RecordType::caa:
      return static_cast<RecordType>(type);
  }
  return std::nullopt;
}

std::string name_of(const ldns_rdf* rdf) {
  const Owned<char> text(ldns_rdf2str(rdf));
  if (!text) return {};
  std::string name = to_lower(text.get());
  if (!name.empty() && name.back() == '.') name.pop_back();
  return name;
}

std::string_view bytes_of(const ldns_rdf* rdf) {
  return {reinterpret_cast<const char*>(ldns_rdf_data(rdf)), ldns_rdf_size(rdf)};
}

/// A character-string without the byte that tells its length (RFC 1035 §3.3).
std::string_view string_of(const ldns_rdf* rdf) {
  const auto bytes = bytes_of(rdf);
  return bytes.empty() ? bytes : bytes.substr(1);
}

std::string address_of(const ldns_rdf* rdf) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto bytes = bytes_of(rdf);
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  return ::inet_ntop(family, bytes.data(), text.data(), text.size()) ? text.data() : "";
}

/// nullopt: of another type or class, or with fewer fields than its type has.
std::optional<Record> record_of(const ldns_rr* rr) {
  const auto type = known_type(ldns_rr_get_type(rr));
  const std::size_t fields = ldns_rr_rd_count(rr);
  if (!type || ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN || fields == 0) return std::nullopt;
  Record record;
  record.owner = name_of(ldns_rr_owner(rr));
  record.type = *type;
  record.ttl = ldns_rr_ttl(rr);
  const ldns_rdf* first = ldns_rr_rdf(rr, 0);
  switch (*type) {
    case RecordType::a:
    case RecordType::aaaa:
      record.data = address_of(first);
      if (record.data.empty()) return std::nullopt;
      break;
    case RecordType::ns:
    case RecordType::cname:
    case RecordType::dname:
      record.data = name_of(first);
      break;
    case RecordType::soa:
      if (fields < 3) return std::nullopt;
      record.data = name_of(first);
      record.serial = ldns_rdf2native_int32(ldns_rr_rdf(rr, 2));
      break;
    case RecordType::txt:
      for (std::size_t i = 0; i < fields; ++i) record.data += string_of(ldns_rr_rdf(rr, i));
      break;
    case RecordType::caa:
      if (fields < 3) return std::nullopt;
      record.caa = {ldns_rdf2native_int8(first), to_lower(string_of(ldns_rr_rdf(rr, 1))),
                    std::string(bytes_of(ldns_rr_rdf(rr, 2)))};
      break;
  }
  return record;
}

std::vector<Record> records_of(const ldns_rr_list* list) {
  std::vector<Record> records;
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(list); ++i)
    if (auto record = record_of(ldns_rr_list_rr(list, i))) records.push_back(std::move(*record));
  return records;
}

}  // namespace

std::string_view to_string(RecordType type) {
  switch (type) {
    case RecordType::a:
      return "A";
    case RecordType::ns:
      return "NS";
    case RecordType::cname:
      return "CNAME";
    case RecordType::soa:
      return "SOA";
    case RecordType::txt:
      return "TXT";
    case RecordType::aaaa:
      return "AAAA";
    case RecordType::dname:
      return "DNAME";
    case RecordType::caa:
      return "CAA";
  }
  return "?";
}

std::string to_string(Rcode rcode) {
  switch (rcode) {
    case Rcode::no_error:
      return "NOERROR";
    case Rcode::format_error:
      return "FORMERR";
    case Rcode::server_failure:
      return "SERVFAIL";
    case Rcode::no_such_name:
      return "NXDOMAIN";
    case Rcode::not_implemented:
      return "NOTIMP";
    case Rcode::refused:
      return "REFUSED";
    case Rcode::not_auth:
      return "NOTAUTH";
  }
  return "RCODE " + std::to_string(static_cast<unsigned>(rcode));
}

std::vector<Record> Message::of(const std::string& owner, RecordType type) const {
  std::vector<Record> found;
  for (const auto& record : answers)
    if (record.type == type && record.owner == owner) found.push_back(record);
  return found;
}

Result<std::string> encode_query(const Question& question, std::uint16_t id, bool recursion_desired, bool edns) {
  // Absolute, since ldns would append nothing anyway; the packet takes the name over.
  ldns_rdf* name = ldns_dname_new_frm_str((question.name + ".").c_str());
  if (!name) return Fault{"'" + printable(question.name) + "' cannot be a DNS name", {}, {}};
  const Owned<ldns_pkt> packet(ldns_pkt_query_new(name, static_cast<ldns_rr_type>(question.type), LDNS_RR_CLASS_IN,
                                                  recursion_desired ? LDNS_RD : 0));
  if (!packet) {
    ldns_rdf_deep_free(name);
    return Fault{"no memory for a DNS query", {}, {}};
  }
  ldns_pkt_set_id(packet.get(), id);
  if (edns) ldns_pkt_set_edns_udp_size(packet.get(), offered_size);
  std::uint8_t* wire = nullptr;
  std::size_t size = 0;
  const ldns_status status = ldns_pkt2wire(&wire, packet.get(), &size);
  const Owned<std::uint8_t> owned(wire);
  if (status != LDNS_STATUS_OK)
    return Fault{"'" + printable(question.name) + "' cannot be asked for: " + ldns_get_errorstr_by_id(status), {}, {}};
  return std::string(reinterpret_cast<const char*>(wire), size);
}

Result<Message> decode(std::string_view wire) {
  ldns_pkt* parsed = nullptr;
  const ldns_status status = ldns_wire2pkt(&parsed, reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size());
  const Owned<ldns_pkt> packet(parsed);
  if (status != LDNS_STATUS_OK)
    return Fault{std::string("not a DNS message: ") + ldns_get_errorstr_by_id(status), {}, {}};
  if (!ldns_pkt_qr(parsed)) return Fault{"a DNS query, not an answer", {}, {}};
  Message message;
  message.id = ldns_pkt_id(parsed);
  message.authoritative = ldns_pkt_aa(parsed);
  message.truncated = ldns_pkt_tc(parsed);
  message.edns = ldns_pkt_edns(parsed);
  // The upper bits stand in the OPT record (RFC 6891 §6.1.3).
  message.rcode = static_cast<Rcode>(ldns_pkt_get_rcode(parsed) | (ldns_pkt_edns_extended_rcode(parsed) << 4));
  const ldns_rr_list* questions = ldns_pkt_question(parsed);
  if (ldns_rr_list_rr_count(questions) == 1) {
    const ldns_rr* asked = ldns_rr_list_rr(questions, 0);
    if (const auto type = known_type(ldns_rr_get_type(asked)); type && ldns_rr_get_class(asked) == LDNS_RR_CLASS_IN)
      message.question = Question{name_of(ldns_rr_owner(asked)), *type};
  }
  message.answers = records_of(ldns_pkt_answer(parsed));
  message.authority = records_of(ldns_pkt_authority(parsed));
  return message;
}

}  // namespace certherd::dns
