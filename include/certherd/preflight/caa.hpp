#pragma once

#include <certherd/model/dns_facts.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::preflight {

/// Who asks to issue what.
struct CaaQuestion {
  std::string domain;                      ///< "*.example.com" asks for a wildcard
  std::vector<std::string> identities;     ///< issuer domain names of the CA; empty: it names none
  std::optional<std::string> account_uri;  ///< absent: not registered yet
  std::string method = "dns-01";
};

/// What the relevant CAA set says to that (RFC 8659, RFC 8657).
struct CaaVerdict {
  enum class Says {
    allowed,
    forbidden,
    unsure,  ///< depends on what is not known here: the account, the CA's names, a rule that CAs read differently
    unknown  ///< the lookup failed
  };
  Says says = Says::allowed;
  std::string why;  ///< one clause without full stop
  /// The records that decided, as they stand in a zone file; empty: none did.
  std::vector<std::string> records;
  /// The record to add, as it stands in a zone file; empty: none is needed, or adding one does not help.
  std::string needed;
  std::string fix;  ///< one sentence: what to do; empty when allowed
};

/// Judges as Let's Encrypt's boulder does (va/caa.go). Where boulder and RFC 8659 differ (flag 1 taken for the critical
/// one, capital letters in an issuer domain name, "-" in a parameter's tag) the verdict is `unsure` and `why` says so.
CaaVerdict judge_caa(const CaaFacts& facts, const CaaQuestion& question);

/// `example.com. IN CAA 0 issue "ca.example.net"`: what is not printable ASCII as \DDD (RFC 1035 §5.1).
std::string zone_file_line(std::string_view owner, const CaaRecord& record);

}  // namespace certherd::preflight
