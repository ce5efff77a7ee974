#include <certherd/dns/survey.hpp>
#include <certherd/model/zones.hpp>

#include <algorithm>
#include <random>

#include "together.hpp"
#include "zone.hpp"

namespace certherd::dns {
namespace {

namespace asio = boost::asio;

/// A name that nobody has made, beside `name`.
std::string name_of_chance(const std::string& name) {
  static constexpr char digits[] = "0123456789abcdef";
  std::random_device random;
  std::string label = "_certherd-";
  for (int i = 0; i < 12; ++i) label += digits[random() & 15U];
  return label + "." + parent_of(name);
}

/// What makes `name` an alias, if anything does; sets `error` when DNS does not say.
asio::awaitable<std::optional<AliasHop>> alias_at(Client& client, std::string name, std::string& error) {
  const Reply reply = co_await client.resolve(name, RecordType::cname);
  if (!reply.error.empty()) error = name + ": " + reply.error;
  const auto records = reply.message.of(name, RecordType::cname);
  if (records.empty()) co_return std::nullopt;
  AliasHop hop;
  hop.name = name;
  hop.target = records.front().data;
  for (const auto& record : reply.message.answers)
    if (record.type == RecordType::dname && name != record.owner && lies_in(name, record.owner))
      hop.dname = record.owner;
  const ZoneReply zone = co_await zone_of(client, parent_of(name));
  hop.zone = zone.zone;
  if (hop.dname.empty()) {
    const std::string chance = name_of_chance(name);
    const Reply other = co_await client.resolve(chance, RecordType::cname);
    const auto same = other.message.of(chance, RecordType::cname);
    hop.wildcard = !same.empty() && same.front().data == hop.target;
  }
  co_return hop;
}

/// Follows the aliases from the challenge name.
asio::awaitable<void> follow_chain(Client& client, DomainFacts& facts) {
  facts.final_name = facts.challenge_name;
  std::string error;
  while (true) {
    auto hop = co_await alias_at(client, facts.final_name, error);
    if (!error.empty()) {
      facts.chain_end = DomainFacts::ChainEnd::unknown;
      facts.error = error;
      co_return;
    }
    if (!hop) co_return;
    const std::string target = hop->target;
    const bool seen = std::any_of(facts.chain.begin(), facts.chain.end(),
                                  [&](const AliasHop& known) { return known.name == target; });
    facts.chain.push_back(std::move(*hop));
    if (seen || target == facts.final_name) {
      facts.chain_end = DomainFacts::ChainEnd::loop;
      co_return;
    }
    facts.final_name = target;
    if (facts.chain.size() > DomainFacts::longest_chain) {
      facts.chain_end = DomainFacts::ChainEnd::too_long;
      co_return;
    }
  }
}

/// The zone of the final name; with its servers and what they hold there.
asio::awaitable<void> find_zone(Client& client, DomainFacts& facts, int port) {
  if (facts.chain_end != DomainFacts::ChainEnd::whole) co_return;
  const ZoneReply zone = co_await zone_of(client, facts.final_name);
  if (!zone.error.empty()) {
    facts.chain_end = facts.chain.empty() ? facts.chain_end : DomainFacts::ChainEnd::unknown;
    facts.error = zone.error;
    co_return;
  }
  // The root and the top-level domains hold nobody's challenges: a name that they deny lies in no zone.
  const bool too_high = zone.zone.find('.') == std::string::npos && !zone.name_exists;
  if (zone.zone.empty() || too_high) {
    if (!facts.chain.empty()) facts.chain_end = DomainFacts::ChainEnd::nowhere;
    co_return;
  }
  facts.zone = co_await look_at_servers(client, zone.zone, facts.final_name, port, facts.error);
}

/// RFC 8659 §3: from the domain upwards, by the domain's own parents and never by an alias's.
asio::awaitable<void> find_caa(Client& client, DomainFacts& facts) {
  CaaFacts& caa = facts.caa;
  std::string name = facts.domain.starts_with("*.") ? facts.domain.substr(2) : facts.domain;
  for (; !name.empty(); name = parent_of(name)) {
    const Reply reply = co_await client.resolve(name, RecordType::caa);
    if (!reply.error.empty()) {
      caa.error = name + ": " + reply.error;
      co_return;
    }
    for (const auto& record : reply.records(name, RecordType::caa)) {
      caa.owner = record.owner;
      caa.records.push_back(record.caa);
    }
    if (caa.records.empty()) continue;
    caa.asked = name;
    caa.aliases = reply.aliases(name);
    co_return;
  }
}

asio::awaitable<void> take_view(Client& client, const DomainFacts& facts, ViewFacts& view) {
  const ZoneReply zone = co_await zone_of(client, facts.final_name);
  view.error = zone.error;
  if (!zone.error.empty()) co_return;
  view.zone = zone.zone;
  view.zone_found = !zone.zone.empty();
  if (!view.zone_found) co_return;
  view.serial = zone.serial;
  view.primary = zone.primary;
  const Reply ns = co_await client.resolve(zone.zone, RecordType::ns);
  const Reply txt = co_await client.resolve(facts.final_name, RecordType::txt);
  if (!ns.error.empty()) view.error = zone.zone + ": " + ns.error;
  if (!txt.error.empty()) view.error = facts.final_name + ": " + txt.error;
  if (!view.error.empty()) co_return;
  for (const auto& server : ns.message.of(zone.zone, RecordType::ns)) {
    view.ns.push_back(server.data);
    for (const RecordType type : {RecordType::a, RecordType::aaaa}) {
      const Reply addresses = co_await client.resolve(server.data, type);
      for (const auto& record : addresses.records(server.data, type)) view.addresses.push_back(record.data);
    }
  }
  for (const auto& record : txt.records(facts.final_name, RecordType::txt)) view.txt.push_back(record.data);
  for (auto* texts : {&view.ns, &view.addresses, &view.txt}) std::sort(texts->begin(), texts->end());
}

asio::awaitable<void> survey_one(Client& client, DomainFacts& facts, std::vector<std::unique_ptr<Client>>& others,
                                 int port) {
  co_await follow_chain(client, facts);
  co_await find_zone(client, facts, port);
  co_await find_caa(client, facts);
  if (facts.chain_end != DomainFacts::ChainEnd::whole) co_return;
  std::vector<asio::awaitable<void>> tasks;
  for (std::size_t i = 0; i < others.size(); ++i) tasks.push_back(take_view(*others[i], facts, facts.views[i]));
  co_await together(client.executor(), std::move(tasks));
}

DomainFacts facts_of(const std::string& domain) {
  DomainFacts facts;
  facts.domain = domain;
  facts.challenge_name = challenge_name(domain);
  return facts;
}

}  // namespace

asio::awaitable<std::vector<DomainFacts>> survey(Client& client, std::vector<std::string> domains,
                                                 SurveyOptions options) {
  std::vector<std::unique_ptr<Client>> others;
  for (const auto& view : options.views) {
    ClientOptions asked = client.options();
    asked.resolvers = view.resolvers;
    others.push_back(std::make_unique<Client>(client.executor(), client.pool(), std::move(asked)));
  }
  std::vector<DomainFacts> all;
  for (const auto& domain : domains) {
    DomainFacts& facts = all.emplace_back(facts_of(domain));
    for (const auto& view : options.views) {
      ViewFacts seen;
      seen.resolver = view.title;
      seen.system = view.system;
      facts.views.push_back(std::move(seen));
    }
  }
  std::vector<asio::awaitable<void>> tasks;
  tasks.reserve(all.size());
  for (auto& facts : all) tasks.push_back(survey_one(client, facts, others, options.port));
  co_await together(client.executor(), std::move(tasks));
  co_return all;
}

}  // namespace certherd::dns
