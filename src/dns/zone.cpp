#include "zone.hpp"

#include <algorithm>

#include "together.hpp"

namespace certherd::dns {
namespace {

namespace asio = boost::asio;

bool below_or_same(const std::string& name, const std::string& zone) {
  return zone.empty() || name == zone || name.ends_with("." + zone);
}

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

asio::awaitable<void> ask_server(Client& client, ServerFacts& server, std::string zone, std::string final_name) {
  const Reply soa = co_await client.ask(server.address, zone, RecordType::soa);
  if (!soa.reached) {
    server.state = ServerFacts::State::unreachable;
    server.error = soa.error;
    if (soa.no_route) server.address.clear();  // taken out below: it says nothing about the server
    co_return;
  }
  const auto own = soa.message.of(zone, RecordType::soa);
  if (!soa.error.empty() || !soa.message.authoritative || own.empty()) {
    server.state = ServerFacts::State::lame;
    server.error = !soa.error.empty() ? soa.error : own.empty() ? "no SOA record" : "not authoritative";
    co_return;
  }
  server.serial = own.front().serial;
  server.primary = own.front().data;
  const Reply ns = co_await client.ask(server.address, zone, RecordType::ns);
  server.ns = data_of(ns.message.of(zone, RecordType::ns));
  if (final_name.empty()) co_return;
  const Reply txt = co_await client.ask(server.address, final_name, RecordType::txt);
  server.txt = data_of(txt.message.of(final_name, RecordType::txt));
}

/// One entry for each address of a server.
asio::awaitable<void> find_addresses(Client& client, std::string name, int port, std::vector<ServerFacts>& found) {
  std::string error;
  for (const RecordType type : {RecordType::a, RecordType::aaaa}) {
    const Reply reply = co_await client.resolve(name, type);
    if (!reply.error.empty()) error = reply.error;
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
  without.state = ServerFacts::State::no_address;
  without.error = error;
  found.push_back(std::move(without));
}

}  // namespace

std::string parent_of(const std::string& name) {
  const auto dot = name.find('.');
  return dot == std::string::npos ? std::string() : name.substr(dot + 1);
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
        if (record.type == RecordType::soa && below_or_same(at, record.owner)) soas.push_back(record);
    if (!soas.empty()) {
      zone.zone = soas.front().owner;
      zone.primary = soas.front().data;
      zone.serial = soas.front().serial;
      co_return zone;
    }
    if (at.empty()) co_return zone;  // a resolver that knows nothing but what it was given
  }
}

asio::awaitable<ZoneFacts> look_at_servers(Client& client, std::string zone, std::string final_name, int port) {
  ZoneFacts facts;
  facts.name = zone;
  const Reply reply = co_await client.resolve(zone, RecordType::ns);
  facts.ns = data_of(reply.message.of(zone, RecordType::ns));
  std::vector<std::vector<ServerFacts>> found(facts.ns.size());
  std::vector<asio::awaitable<void>> tasks;
  for (std::size_t i = 0; i < facts.ns.size(); ++i)
    tasks.push_back(find_addresses(client, facts.ns[i], port, found[i]));
  co_await together(client.executor(), std::move(tasks));
  for (auto& servers : found) std::move(servers.begin(), servers.end(), std::back_inserter(facts.servers));
  tasks.clear();
  for (auto& server : facts.servers)
    if (server.state != ServerFacts::State::no_address) tasks.push_back(ask_server(client, server, zone, final_name));
  co_await together(client.executor(), std::move(tasks));
  // What this host has no way to: with a way to another address of the zone it is no news.
  std::erase_if(facts.servers, [](const ServerFacts& server) {
    return server.address.empty() && server.state == ServerFacts::State::unreachable;
  });
  co_return facts;
}

}  // namespace certherd::dns
