#pragma once

#include <certherd/model/dns_facts.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::preflight {

/// "_acme-challenge.example.com (zone example.com) -> CNAME x.acme.net (zone acme.net)"; the challenge name alone when
/// there is no alias.
std::string chain_text(const DomainFacts& facts);

/// "zone example.com, SOA 42 of ns1.example.com, served by ns1.example.com, ns2.example.com": primary and serial of the
/// first server that answers.
std::string zone_text(const ZoneFacts& zone);

/// "ns1.example.com (192.0.2.1:53)"; the name alone when there is no address.
std::string server_text(const ServerFacts& server);

/// As people name it: the root, whose name is empty, is "the root".
std::string name_text(std::string_view name);

/// "a, b and 3 more": at most `shown` of them.
std::string list_text(std::span<const std::string> parts, std::size_t shown = 8);

/// Whether an address (without port) is one that the public does not reach: RFC 1918, 4193, 6598, loopback, link-local.
bool is_private_address(std::string_view address);

}  // namespace certherd::preflight
