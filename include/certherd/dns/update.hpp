#pragma once

#include <certherd/base/result.hpp>
#include <certherd/base/time.hpp>
#include <certherd/dns/client.hpp>
#include <certherd/model/scope_answer.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace certherd::dns {

/// A TSIG key (RFC 8945).
struct TsigKey {
  std::string name;
  std::string secret;     ///< base64
  std::string algorithm;  ///< as certbot-dns-rfc2136 takes it: "HMAC-SHA512", any case; empty: HMAC-MD5
};

/// A signed dynamic update (RFC 2136) that changes nothing: it deletes, at `name` in `zone`, a TXT record of this
/// value, which nobody has. A server judges whether the key may do that before it looks whether there is one.
///
/// Not a prerequisite alone: BIND answers that with NOERROR to a key whose update-policy grants it nothing at this
/// name, as only records of the update section are checked against it (seen with 9.18). Fault: the key cannot be used
/// (secret no base64, algorithm unknown), or a name is none.
Result<std::string> encode_no_op_update(const std::string& zone, const std::string& name, const std::string& value,
                                        const TsigKey& key, std::uint16_t id);

/// What a server says of an update.
struct UpdateReply {
  Rcode rcode = Rcode::no_error;
  int tsig_error = 0;  ///< RFC 8945 §3: 16 BADSIG, 17 BADKEY, 18 BADTIME
};

/// Fault: no answer to an update with this id. Never throws on what is received.
Result<UpdateReply> decode_update_reply(std::string_view wire, std::uint16_t id);

/// "REFUSED", "NOTAUTH (BADSIG)".
std::string to_string(const UpdateReply& reply);

/// Asks a primary server whether the key may write a TXT record at `name`, by such an update over TCP. The zone is
/// found as certbot-dns-rfc2136 2.1 does it: the closest name upwards for which the server has an SOA record of its
/// own.
boost::asio::awaitable<ScopeAnswer> ask_for_update(Client& client, std::string server, std::string name, TsigKey key,
                                                   Milliseconds patience);

}  // namespace certherd::dns
