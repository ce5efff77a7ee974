#include <certherd/base/text.hpp>
#include <certherd/dns/update.hpp>

#include <ldns/ldns.h>

#include <chrono>
#include <memory>

#include "tsig.hpp"

namespace certherd::dns {
namespace {

constexpr unsigned opcode_update = 5;
constexpr std::uint16_t class_none = 254;  // RFC 2136 §2.5.4: delete an RR from an RRset

struct FreePacket {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
using Packet = std::unique_ptr<ldns_pkt, FreePacket>;

std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

std::string absolute(const std::string& name) {
  return name.ends_with('.') ? name : name + ".";
}

/// On the wire; empty: it cannot be a name.
std::string wire_of(const std::string& name) {
  ldns_rdf* rdf = ldns_dname_new_frm_str(absolute(name).c_str());
  if (!rdf) return {};
  std::string wire(reinterpret_cast<const char*>(ldns_rdf_data(rdf)), ldns_rdf_size(rdf));
  ldns_rdf_deep_free(rdf);
  return wire;
}

/// RFC 2136 §2: a header, the zone, no prerequisite, one update.
std::string unsigned_update(const std::string& zone, const std::string& name, const std::string& value,
                            std::uint16_t id) {
  const auto txt = static_cast<unsigned>(RecordType::txt);
  const auto soa = static_cast<unsigned>(RecordType::soa);
  std::string wire = u16(id) + u16(opcode_update << 11) + u16(1) + u16(0) + u16(1) + u16(0);
  wire += zone + u16(soa) + u16(1);
  wire += name + u16(txt) + u16(class_none) + u16(0) + u16(0);  // TTL 0
  wire += u16(static_cast<unsigned>(value.size()) + 1) + static_cast<char>(value.size()) + value;
  return wire;
}

}  // namespace

Result<std::string> encode_no_op_update(const std::string& zone, const std::string& name, const std::string& value,
                                        const TsigKey& key, std::uint16_t id) {
  const std::string zone_wire = wire_of(zone);
  const std::string name_wire = wire_of(name);
  const std::string key_wire = wire_of(to_lower(key.name));
  if (zone_wire.empty() || name_wire.empty() || key_wire.empty())
    return Fault{"'" + printable(key.name) + "' or '" + printable(name) + "' cannot be a DNS name", {}, {}};
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return sign(unsigned_update(zone_wire, name_wire, value, id),
              {key_wire, key.algorithm.empty() ? "hmac-md5" : to_lower(key.algorithm), key.secret, now});
}

Result<UpdateReply> decode_update_reply(std::string_view wire, std::uint16_t id) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned>(static_cast<unsigned char>(wire[at])); };
  if (wire.size() < 12 || (byte(0) << 8 | byte(1)) != id || (byte(2) >> 7) != 1 ||
      (byte(2) >> 3 & 15U) != opcode_update)
    return Fault{"something that is no answer to an update", {}, {}};
  UpdateReply reply;
  reply.rcode = static_cast<Rcode>(byte(3) & 15U);
  ldns_pkt* parsed = nullptr;
  const auto status = ldns_wire2pkt(&parsed, reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size());
  const Packet packet(parsed);
  const ldns_rr* tsig = status == LDNS_STATUS_OK ? ldns_pkt_tsig(parsed) : nullptr;
  // RFC 8945 §4.2: algorithm, time signed, fudge, MAC, original id, error, other data.
  const ldns_rdf* error = tsig && ldns_rr_rd_count(tsig) > 5 ? ldns_rr_rdf(tsig, 5) : nullptr;
  if (error && ldns_rdf_size(error) == 2) reply.tsig_error = ldns_rdf2native_int16(error);
  return reply;
}

std::string to_string(const UpdateReply& reply) {
  std::string text = to_string(reply.rcode);
  switch (reply.tsig_error) {
    case 0:
      return text;
    case 16:
      return text + " (BADSIG)";
    case 17:
      return text + " (BADKEY)";
    case 18:
      return text + " (BADTIME)";
    default:
      return text + " (TSIG error " + std::to_string(reply.tsig_error) + ")";
  }
}

}  // namespace certherd::dns
