#include "zone.hpp"

#include <algorithm>
#include <deque>

#include "together.hpp"

namespace certherd::dns {
namespace {

namespace asio = boost::asio;

std::vector<std::string> sorted(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

std::vector<std::string> data_of(const std::vector<Record>& records) {
  std::vector<std::string> data;
  data.reserve(records.size());
  for (const auto& record : records) data.push_back(record.data);
  return sorted(std::move(data));
}

/// Whether a server answers such a question with authority; if not, how it fails. An answer that is missing must not
/// look like one without records.
bool answered(ServerFacts& server, const Reply& reply, const std::string& question) {
  if (reply.error.empty() && reply.message.authoritative) return true;
  server.state = reply.unasked   ? ServerFacts::State::not_asked
                 : reply.reached ? ServerFacts::State::lame
                                 : ServerFacts::State::unreachable;
  server.error = question + ": " + (reply.error.empty() ? "not authoritative" : reply.error);
  return false;
}

asio::awaitable<void> ask_server(Client& client, ServerFacts& server, bool& no_route, std::string zone,
                                 std::string final_name) {
  const Reply soa = co_await client.ask(server.address, zone, RecordType::soa);
  no_route = soa.no_route;
  if (!answered(server, soa, "SOA")) co_return;
  const auto own = soa.message.of(zone, RecordType::soa);
  if (own.empty()) {
    server.state = ServerFacts::State::lame;
    server.error = "no SOA record";
    co_return;
  }
  server.serial = own.front().serial;
  server.primary = own.front().data;
  const Reply ns = co_await client.ask(server.address, zone, RecordType::ns);
  if (!answered(server, ns, "NS")) co_return;
  server.ns = data_of(ns.message.of(zone, RecordType::ns));
  if (final_name.empty()) co_return;
  const Reply txt = co_await client.ask(server.address, final_name, RecordType::txt);
  if (answered(server, txt, "TXT at " + final_name)) server.txt = data_of(txt.message.of(final_name, RecordType::txt));
}

/// One entry for each address of a server.
asio::awaitable<void> find_addresses(Client& client, std::string name, int port, std::vector<ServerFacts>& found) {
  std::string error;
  bool unasked = false;
  for (const RecordType type : {RecordType::a, RecordType::aaaa}) {
    const Reply reply = co_await client.resolve(name, type);
    if (!reply.error.empty()) error = reply.error;
    unasked = unasked || reply.unasked;
    for (const auto& record : reply.records(name, type)) {
      ServerFacts server;
      server.name = name;
      server.address = (type == RecordType::a ? record.data : "[" + record.data + "]") + ":" + std::to_string(port);
      found.push_back(std::move(server));
    }
  }
  if (!found.empty()) co_return;
  ServerFacts without;
  without.name = name;
  without.state = unasked ? ServerFacts::State::not_asked : ServerFacts::State::no_address;
  without.error = error;
  found.push_back(std::move(without));
}

/// An address that this host has no way to (most often it has no IPv6) says nothing about the server, and is no news
/// beside one that it has a way to.
void leave_out_no_route(std::vector<ServerFacts>& servers, const std::deque<bool>& no_route) {
  std::vector<ServerFacts> rest;
  bool way = false;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    way = way || (!no_route[i] && !servers[i].address.empty());
    if (!no_route[i]) rest.push_back(servers[i]);
  }
  if (way) servers = std::move(rest);
}

}  // namespace

std::string parent_of(const std::string& name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '.') return name.substr(i + 1);
    if (name[i] == '\\') ++i;  // what follows is escaped: one character, or digits
  }
  return {};
}

bool lies_in(const std::string& name, const std::string& zone) {
  std::string at = name;
  while (at.size() > zone.size()) at = parent_of(at);
  return at == zone;
}

asio::awaitable<ZoneReply> zone_of(Client& client, std::string name) {
  ZoneReply zone;
  for (std::string at = name;; at = parent_of(at)) {
    const Reply reply = co_await client.resolve(at, RecordType::soa);
    if (!reply.error.empty()) {
      zone.error = (at.empty() ? "." : at) + ": " + reply.error;
      co_return zone;
    }
    if (at == name) zone.name_exists = reply.message.rcode == Rcode::no_error;
    auto soas = reply.message.of(at, RecordType::soa);
    // A CNAME at the name answers for something else, and its own zone is that of its parent.
    if (soas.empty() && reply.aliases(at).empty())
      for (const auto& record : reply.message.authority)
        if (record.type == RecordType::soa && lies_in(at, record.owner)) soas.push_back(record);
    if (!soas.empty()) {
      zone.zone = soas.front().owner;
      zone.primary = soas.front().data;
      zone.serial = soas.front().serial;
      co_return zone;
    }
    if (at.empty()) co_return zone;  // a resolver that knows nothing but what it was given
  }
}

asio::awaitable<ZoneFacts> look_at_servers(Client& client, std::string zone, std::string final_name, int port,
                                           std::string& error) {
  ZoneFacts facts;
  facts.name = zone;
  const Reply reply = co_await client.resolve(zone, RecordType::ns);
  if (!reply.error.empty()) error = zone + ": " + reply.error;
  facts.ns = data_of(reply.message.of(zone, RecordType::ns));
  std::vector<std::vector<ServerFacts>> found(facts.ns.size());
  std::vector<asio::awaitable<void>> tasks;
  for (std::size_t i = 0; i < facts.ns.size(); ++i)
    tasks.push_back(find_addresses(client, facts.ns[i], port, found[i]));
  co_await together(client.executor(), std::move(tasks));
  for (auto& servers : found) std::move(servers.begin(), servers.end(), std::back_inserter(facts.servers));
  tasks.clear();
  std::deque<bool> no_route(facts.servers.size(), false);
  for (std::size_t i = 0; i < facts.servers.size(); ++i)
    if (facts.servers[i].state != ServerFacts::State::no_address)
      tasks.push_back(ask_server(client, facts.servers[i], no_route[i], zone, final_name));
  co_await together(client.executor(), std::move(tasks));
  leave_out_no_route(facts.servers, no_route);
  co_return facts;
}

}  // namespace certherd::dns
