#pragma once

// Which zone holds a name, and who serves it.

#include <certherd/dns/client.hpp>
#include <certherd/model/dns_facts.hpp>

#include <boost/asio/awaitable.hpp>

#include <string>

namespace certherd::dns {

/// "b.example.com" of "a.b.example.com"; "" of a single label and of the root. A dot within a label is escaped.
std::string parent_of(const std::string& name);

/// Whether `name` is `zone` or below it.
bool lies_in(const std::string& name, const std::string& zone);

/// What somebody says about where a name lies.
struct ZoneReply {
  std::string zone;
  std::string primary;  ///< MNAME of its SOA
  std::uint32_t serial = 0;
  bool name_exists = false;
  std::string error;  ///< why it could not be found out; empty: it could
};

/// By the SOA that stands at the top of the zone, or beside the denial of a name in it (RFC 2308 §3).
boost::asio::awaitable<ZoneReply> zone_of(Client& client, std::string name);

/// A zone's NS set and, for each address of each of them, what that server says of the zone; of the TXT set at
/// `final_name` too unless that is empty. `error`: why the NS set is not known.
boost::asio::awaitable<ZoneFacts> look_at_servers(Client& client, std::string zone, std::string final_name, int port,
                                                  std::string& error);

}  // namespace certherd::dns
