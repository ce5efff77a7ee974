#pragma once

#include <certherd/dns/client.hpp>
#include <certherd/model/dns_facts.hpp>

#include <boost/asio/awaitable.hpp>

#include <string>
#include <vector>

namespace certherd::dns {

/// Somebody else to put the same questions to.
struct ViewOptions {
  std::string title;                   ///< ViewFacts::resolver
  std::vector<std::string> resolvers;  ///< see ClientOptions
  bool system = false;
};

struct SurveyOptions {
  int port = 53;  ///< of authoritative servers
  std::vector<ViewOptions> views;
};

/// Gathers what DNS says of the Domains, all at the same time: where the aliases of `_acme-challenge.<domain>` lead
/// (RFC 8555 §8.4, RFC 6672), the zone there with each of its servers, the relevant CAA records (RFC 8659 §3), and how
/// others see it. In the order of `domains`. Nothing is changed; what cannot be found out is left out and said.
boost::asio::awaitable<std::vector<DomainFacts>> survey(Client& client, std::vector<std::string> domains,
                                                        SurveyOptions options);

}  // namespace certherd::dns
