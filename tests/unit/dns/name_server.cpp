#include "name_server.hpp"

#include <certherd/base/text.hpp>

#include <ldns/ldns.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>

namespace certherd::test {
namespace {

namespace asio = boost::asio;
namespace ip = boost::asio::ip;

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);

std::string lower_name(const ldns_rdf* rdf) {
  char* text = ldns_rdf2str(rdf);
  std::string name = to_lower(text);
  std::free(text);
  if (!name.empty() && name.back() == '.') name.pop_back();
  return name;
}

std::optional<Asked> read_query(const std::string& wire, bool tcp) {
  ldns_pkt* packet = nullptr;
  if (ldns_wire2pkt(&packet, reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()) != LDNS_STATUS_OK)
    return std::nullopt;
  Asked asked;
  const ldns_rr* question = ldns_rr_list_rr(ldns_pkt_question(packet), 0);
  asked.question = {lower_name(ldns_rr_owner(question)), static_cast<dns::RecordType>(ldns_rr_get_type(question))};
  asked.id = ldns_pkt_id(packet);
  asked.recursion = ldns_pkt_rd(packet);
  asked.edns = ldns_pkt_edns(packet);
  asked.tcp = tcp;
  ldns_pkt_free(packet);
  return asked;
}

void push(ldns_pkt* packet, ldns_pkt_section section, const std::vector<std::string>& lines) {
  for (const auto& line : lines) {
    ldns_rr* rr = nullptr;
    if (ldns_rr_new_frm_str(&rr, line.c_str(), 300, nullptr, nullptr) != LDNS_STATUS_OK)
      throw std::invalid_argument("no record: " + line);
    ldns_pkt_push_rr(packet, section, rr);
  }
}

std::string parent(const std::string& name) {
  const auto dot = name.find('.');
  return dot == std::string::npos ? std::string() : name.substr(dot + 1);
}

bool is_below(const std::string& name, const std::string& above) {
  return above.empty() || name.ends_with("." + above);
}

template <class State>
asio::awaitable<void> serve_udp(std::shared_ptr<State> state) {
  std::array<char, 4096> buffer;
  while (true) {
    const auto [error, size] = co_await state->udp.async_receive_from(asio::buffer(buffer), state->from, no_throw);
    if (error) co_return;
    const auto asked = read_query({buffer.data(), size}, false);
    if (!asked) continue;
    state->asked.push_back(*asked);
    for (const auto& datagram : state->serve(*asked)) state->udp.send_to(asio::buffer(datagram), state->from);
  }
}

template <class State>
asio::awaitable<void> talk_tcp(std::shared_ptr<State> state, ip::tcp::socket socket) {
  std::array<unsigned char, 2> head{};
  const auto [headed, head_size] = co_await asio::async_read(socket, asio::buffer(head), no_throw);
  if (headed) co_return;
  std::string wire((std::size_t(head[0]) << 8) | head[1], '\0');
  const auto [got, got_size] = co_await asio::async_read(socket, asio::buffer(wire), no_throw);
  const auto asked = got ? std::nullopt : read_query(wire, true);
  if (!asked) co_return;
  state->asked.push_back(*asked);
  for (const auto& message : state->serve(*asked)) {
    std::string framed;
    framed += static_cast<char>(message.size() >> 8);
    framed += static_cast<char>(message.size() & 0xff);
    framed += message;
    const auto [sent, sent_size] = co_await asio::async_write(socket, asio::buffer(framed), no_throw);
    if (sent) co_return;
  }
}

template <class State>
asio::awaitable<void> serve_tcp(std::shared_ptr<State> state) {
  while (true) {
    auto [error, socket] = co_await state->tcp.async_accept(no_throw);
    if (error) co_return;
    asio::co_spawn(state->tcp.get_executor(), talk_tcp(state, std::move(socket)), asio::detached);
  }
}

}  // namespace

std::string Answer::wire(const Asked& asked) const {
  ldns_pkt* packet = ldns_pkt_new();
  ldns_pkt_set_id(packet, asked.id);
  ldns_pkt_set_qr(packet, true);
  ldns_pkt_set_aa(packet, authoritative);
  ldns_pkt_set_tc(packet, truncated);
  ldns_pkt_set_rcode(packet, static_cast<std::uint8_t>(rcode));
  if (edns) ldns_pkt_set_edns_udp_size(packet, 1232);
  ldns_rr* question = ldns_rr_new();
  ldns_rr_set_question(question, true);
  ldns_rr_set_owner(question, ldns_dname_new_frm_str((asked.question.name + ".").c_str()));
  ldns_rr_set_type(question, static_cast<ldns_rr_type>(asked.question.type));
  ldns_rr_set_class(question, LDNS_RR_CLASS_IN);
  ldns_pkt_push_rr(packet, LDNS_SECTION_QUESTION, question);
  push(packet, LDNS_SECTION_ANSWER, answers);
  push(packet, LDNS_SECTION_AUTHORITY, authority);
  std::uint8_t* wire = nullptr;
  std::size_t size = 0;
  const auto status = ldns_pkt2wire(&wire, packet, &size);
  ldns_pkt_free(packet);
  if (status != LDNS_STATUS_OK) throw std::invalid_argument("an answer that cannot be written");
  const std::string bytes(reinterpret_cast<const char*>(wire), size);
  std::free(wire);
  return bytes;
}

NameServer::NameServer(asio::any_io_executor executor, const std::string& address, unsigned short port, Serve serve)
    : address_(address), state_(std::make_shared<State>(executor, std::move(serve))) {
  const auto at = ip::make_address(address);
  // A port that is free for UDP may be taken for TCP: another one then, where any will do.
  for (int tries = 0; port_ == 0; ++tries) {
    boost::system::error_code error;
    const ip::udp::endpoint wanted(at, port);
    state_->udp.open(wanted.protocol());
    state_->udp.bind(wanted);
    const auto taken = state_->udp.local_endpoint().port();
    const ip::tcp::endpoint same(at, taken);
    state_->tcp.open(same.protocol());
    state_->tcp.bind(same, error);
    if (!error) {
      port_ = taken;
      continue;
    }
    if (port != 0 || tries > 20) throw boost::system::system_error(error);
    state_->udp.close();
    state_->tcp.close();
  }
  state_->tcp.listen();
  asio::co_spawn(executor, serve_udp(state_), asio::detached);
  asio::co_spawn(executor, serve_tcp(state_), asio::detached);
}

NameServer::~NameServer() {
  state_->udp.close();
  state_->tcp.close();
}

void NameServer::send_from_elsewhere(const std::string& datagram) {
  ip::udp::socket other(state_->udp.get_executor(), ip::udp::endpoint(ip::make_address(address_), 0));
  other.send_to(asio::buffer(datagram), state_->from);
}

Zones::Zones(std::vector<std::string> lines) {
  for (const auto& line : lines) {
    const auto first = line.find(' ');
    const auto second = line.find(' ', first + 1);
    lines_.push_back({line.substr(0, first), line.substr(first + 1, second - first - 1), line.substr(second + 1)});
  }
}

std::string Zones::Line::text(const std::string& as_owner) const {
  return as_owner + ". 300 IN " + type + " " + data;
}

std::vector<const Zones::Line*> Zones::at(const std::string& owner, const std::string& type) const {
  std::vector<const Line*> found;
  for (const auto& line : lines_)
    if (line.owner == owner && line.type == type) found.push_back(&line);
  return found;
}

bool Zones::exists(const std::string& name) const {
  return std::any_of(lines_.begin(), lines_.end(),
                     [&](const Line& line) { return line.owner == name || is_below(line.owner, name); });
}

const Zones::Line* Zones::soa_above(const std::string& name) const {
  for (std::string at_name = name; !at_name.empty(); at_name = parent(at_name))
    if (const auto soa = at(at_name, "SOA"); !soa.empty()) return soa.front();
  return nullptr;
}

std::string Zones::step(const std::string& name, const std::string& type, Answer& answer, bool& found) const {
  for (std::string above = parent(name); !above.empty(); above = parent(above))
    if (const auto dname = at(above, "DNAME"); !dname.empty()) {
      const std::string target = name.substr(0, name.size() - above.size()) + dname.front()->data;
      answer.answers.push_back(dname.front()->text(above));
      answer.answers.push_back(name + ". 300 IN CNAME " + target);
      return target.substr(0, target.size() - 1);
    }
  std::string source = name;
  for (std::string above = parent(name); !exists(source) && !above.empty(); above = parent(above))
    if (exists("*." + above)) source = "*." + above;
  for (const auto* line : at(source, type)) {
    answer.answers.push_back(line->text(name));
    found = true;
  }
  const auto cname = at(source, "CNAME");
  if (found || cname.empty()) return {};
  answer.answers.push_back(cname.front()->text(name));
  return cname.front()->data.substr(0, cname.front()->data.size() - 1);
}

Answer Zones::answer(const dns::Question& question, bool resolver) const {
  Answer answer;
  answer.authoritative = !resolver;
  if (!resolver && !soa_above(question.name)) {
    answer.rcode = 5;
    answer.authoritative = false;
    return answer;
  }
  const std::string type(dns::to_string(question.type));
  std::string name = question.name;
  bool found = false;
  for (int hops = 0; hops < 20; ++hops) {
    const auto next = step(name, type, answer, found);
    if (next.empty() || found) break;
    name = next;
  }
  if (found) return answer;
  const bool covered = exists(name) || exists("*." + parent(name));
  if (!covered) answer.rcode = 3;
  if (const auto* soa = soa_above(name)) answer.authority.push_back(soa->text(soa->owner));
  return answer;
}

}  // namespace certherd::test
