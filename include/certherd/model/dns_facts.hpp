#pragma once

#include <certherd/base/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd {

// What DNS says of a Domain, as it was seen. Names are lower case, absolute, without trailing dot (the root is ""),
// addresses are "192.0.2.1:53" or "[2001:db8::1]:53".

/// A CAA record (RFC 8659 §4.1).
struct CaaRecord {
  unsigned flags = 0;
  std::string tag;    ///< lower case: tags match without regard to case
  std::string value;  ///< as it stands in the record, bytes and all

  bool critical() const { return (flags & 0x80U) != 0; }
};

/// The relevant CAA set of a Domain, found by climbing (RFC 8659 §3).
struct CaaFacts {
  std::string owner;                 ///< where the records stand, after CNAMEs; empty when `records` is
  std::string asked;                 ///< the ancestor (or the domain) whose question gave them
  std::vector<CaaRecord> records;    ///< empty: no CAA anywhere up to the root
  std::vector<std::string> aliases;  ///< CNAMEs and DNAMEs on the way from `asked` to `owner`
  /// The question that could not be answered, and why: "example.com: SERVFAIL". A CA refuses then (RFC 8659 §3).
  std::string error;
};

/// One address of one authoritative server, asked for a zone.
struct ServerFacts {
  enum class State {
    answers,      ///< authoritatively
    lame,         ///< answers, and not authoritatively, or REFUSED, SERVFAIL, NOTAUTH
    unreachable,  ///< no answer in time, or the network says no
    no_address,   ///< its name has neither A nor AAAA
    not_asked     ///< the time was over before: it says nothing about the server
  };
  std::string name;
  std::string address;  ///< empty: no_address
  State state = State::answers;
  std::string error;                    ///< "REFUSED", "no answer within 1.5 s"; empty when it answers
  std::optional<std::uint32_t> serial;  ///< of its SOA
  std::string primary;                  ///< MNAME of its SOA
  std::vector<std::string> ns;          ///< its NS set for the zone, sorted
  std::vector<std::string> txt;         ///< TXT values that it holds at the final name, sorted
};

std::string_view to_string(ServerFacts::State state);  ///< "answers", "lame", "unreachable", "no_address", "not_asked"

/// The zone that holds a name, and all of its servers.
struct ZoneFacts {
  std::string name;
  std::vector<std::string> ns;  ///< as the resolver gives them, sorted
  std::vector<ServerFacts> servers;
};

/// One alias between the challenge name and where the record must stand.
struct AliasHop {
  std::string name;
  std::string zone;  ///< that holds it; empty: not found out
  std::string target;
  std::string dname;      ///< owner of the DNAME that made it; empty: a CNAME record
  bool wildcard = false;  ///< made by a wildcard CNAME: a name of chance at the same place leads to the same target
};

/// The same question asked of somebody else.
struct ViewFacts {
  std::string resolver;  ///< "the system's resolver 127.0.0.53:53", "public resolver 1.1.1.1:53", "https://…"
  bool system = false;   ///< what this host itself uses
  std::string error;     ///< why there is no answer; empty: there is one
  bool zone_found = false;
  std::string zone;  ///< that it believes to hold the final name
  std::optional<std::uint32_t> serial;
  std::string primary;                 ///< MNAME
  std::vector<std::string> ns;         ///< sorted
  std::vector<std::string> addresses;  ///< of these NS, without port, sorted
  std::vector<std::string> txt;        ///< at the final name, sorted
};

/// All that is known of one Domain.
struct DomainFacts {
  enum class ChainEnd {
    whole,     ///< every alias was followed
    loop,      ///< an alias leads back into the chain
    too_long,  ///< more than `longest_chain` aliases
    nowhere,   ///< the last target lies in no zone that exists
    unknown    ///< DNS did not answer
  };
  static constexpr std::size_t longest_chain = 8;

  std::string domain;          ///< as configured: "*.example.com"
  std::string challenge_name;  ///< "_acme-challenge.example.com"
  std::vector<AliasHop> chain;
  ChainEnd chain_end = ChainEnd::whole;
  std::string final_name;         ///< where the record must stand
  std::optional<ZoneFacts> zone;  ///< of final_name; absent when there is none or DNS did not answer
  CaaFacts caa;
  std::vector<ViewFacts> views;
  std::string error;  ///< why DNS could not be asked at all; empty: it could
};

/// How long after the begin of the wait for propagation one authoritative server showed all values.
struct ServerVisibility {
  std::string server;  ///< its name
  std::string address;
  std::optional<Milliseconds> visible_after;  ///< absent: not while it was watched
  std::string error;                          ///< the last trouble with it; empty: none
};

}  // namespace certherd
