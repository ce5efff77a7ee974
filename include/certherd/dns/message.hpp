#pragma once

#include <certherd/base/result.hpp>
#include <certherd/model/dns_facts.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::dns {

/// Types of records that certherd asks for (RFC 1035 §3.2.2, RFC 3596, RFC 6672, RFC 8659).
enum class RecordType : std::uint16_t { a = 1, ns = 2, cname = 5, soa = 6, txt = 16, aaaa = 28, dname = 39, caa = 257 };

std::string_view to_string(RecordType type);  ///< "TXT"

/// Result codes that certherd tells apart; others are kept as their number (RFC 1035 §4.1.1, RFC 2136 §2.2).
enum class Rcode : std::uint16_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  no_such_name = 3,
  not_implemented = 4,
  refused = 5,
  not_auth = 9
};

std::string to_string(Rcode rcode);  ///< "SERVFAIL", "RCODE 23"

/// Names are lower case, without trailing dot; the root is "". Odd bytes stand escaped as in a zone file.
struct Question {
  std::string name;
  RecordType type = RecordType::a;
  friend bool operator==(const Question&, const Question&) = default;
};

/// One record of class IN, of one of the types above.
struct Record {
  std::string owner;
  RecordType type = RecordType::a;
  std::uint32_t ttl = 0;
  /// The address of A and AAAA; the target of NS, CNAME and DNAME; the primary server (MNAME) of SOA; the joined
  /// strings of TXT, bytes and all.
  std::string data;
  std::uint32_t serial = 0;  ///< of SOA
  CaaRecord caa;             ///< of CAA
};

/// An answer.
struct Message {
  std::uint16_t id = 0;
  bool authoritative = false;
  bool truncated = false;  ///< nothing beyond the question was read then (RFC 2181 §9)
  bool edns = false;       ///< it holds an OPT record
  Rcode rcode = Rcode::no_error;
  std::optional<Question> question;  ///< absent: none; its type may be another than ours
  std::vector<Record> answers;       ///< others than ours are left out
  std::vector<Record> authority;

  /// The answers of one type at one name.
  std::vector<Record> of(const std::string& owner, RecordType type) const;
};

/// A query in wire format. `edns`: with an OPT record that offers 1232 bytes over UDP (DNS flag day 2020). Fault: the
/// name cannot be one: a label above 63 or a name above 255 bytes.
Result<std::string> encode_query(const Question& question, std::uint16_t id, bool recursion_desired, bool edns);

/// Reads an answer to a query of class IN. Fault: anything that is not one, or where one record cannot be what it says:
/// cut off, looping, with data that do not fill it exactly. Then nothing of it is to be believed. Bytes after the last
/// record are passed over. Never throws on what is received.
Result<Message> decode(std::string_view wire);

}  // namespace certherd::dns
