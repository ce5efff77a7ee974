#include <certherd/base/text.hpp>
#include <certherd/dns/message.hpp>

#include <ldns/ldns.h>

#include <cstdlib>
#include <memory>

namespace certherd::dns {
namespace {

constexpr std::uint16_t offered_size = 1232;

struct Free {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
  void operator()(std::uint8_t* bytes) const { std::free(bytes); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

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
  const std::string absolute = question.name + ".";
  // Not if the last dot is an escaped one. The packet takes the name over.
  ldns_rdf* name = ldns_dname_str_absolute(absolute.c_str()) ? ldns_dname_new_frm_str(absolute.c_str()) : nullptr;
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

}  // namespace certherd::dns
