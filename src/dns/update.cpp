#include <certherd/dns/update.hpp>

#include <utility>

#include "exchange.hpp"
#include "zone.hpp"

namespace certherd::dns {
namespace {

namespace asio = boost::asio;

/// The server's own SOA, upwards from the name; empty: it has none.
asio::awaitable<std::string> zone_at(Client& client, std::string server, std::string name, std::string& error) {
  for (std::string at = name; !at.empty(); at = parent_of(at)) {
    const Reply reply = co_await client.ask(server, at, RecordType::soa);
    if (!reply.error.empty() && reply.message.rcode != Rcode::refused) error = reply.error;
    if (!reply.reached) co_return std::string();
    if (reply.error.empty() && reply.message.authoritative && !reply.message.of(at, RecordType::soa).empty())
      co_return at;
  }
  co_return std::string();
}

ScopeAnswer::Says meaning_of(const UpdateReply& reply) {
  using Says = ScopeAnswer::Says;
  if (reply.rcode == Rcode::no_error) return Says::allowed;
  if (reply.rcode == Rcode::not_auth && reply.tsig_error != 0) return Says::bad_credentials;
  if (reply.rcode == Rcode::refused || reply.rcode == Rcode::not_auth) return Says::refused;
  return Says::nothing;
}

/// Four random numbers: nobody has a record of that.
std::string nobodys_value() {
  std::string value = "certherd-no-op";
  for (int i = 0; i < 4; ++i) value += "-" + std::to_string(random_id());
  return value;
}

}  // namespace

asio::awaitable<ScopeAnswer> ask_for_update(Client& client, std::string server, std::string name, TsigKey key,
                                            Milliseconds patience) {
  ScopeAnswer answer;
  answer.says = ScopeAnswer::Says::nothing;
  answer.who = "the server " + server + " with TSIG key '" + key.name + "'";
  const auto endpoint = parse_endpoint(server);
  if (!endpoint) {
    answer.answer = "that is no address and port";
    co_return answer;
  }
  std::string error;
  const std::string zone = co_await zone_at(client, server, name, error);
  if (zone.empty()) {
    answer.answer = error.empty() ? "it has no zone that holds " + name : error;
    if (error.empty()) answer.says = ScopeAnswer::Says::refused;
    co_return answer;
  }
  const std::uint16_t id = random_id();
  const std::string value = nobodys_value();
  auto message = encode_no_op_update(zone, name, value, key, id);
  if (!message) {
    answer.says = ScopeAnswer::Says::bad_credentials;
    answer.answer = message.fault().message;
    co_return answer;
  }
  std::string wire = std::move(message).value();
  const auto received = co_await exchange_by_tcp(*endpoint, std::move(wire), patience);
  if (const auto* none = std::get_if<NoAnswer>(&received)) {
    answer.answer = none->why;
    co_return answer;
  }
  const auto reply = decode_update_reply(std::get<std::string>(received), id);
  answer.answer = reply ? to_string(*reply) : reply.fault().message;
  if (reply) answer.says = meaning_of(*reply);
  co_return answer;
}

}  // namespace certherd::dns
