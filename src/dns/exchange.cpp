#include "exchange.hpp"
#include "quietly.hpp"

#include <certherd/base/text.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <random>

namespace certherd::dns {
namespace {

namespace asio = boost::asio;
namespace ip = boost::asio::ip;
using namespace asio::experimental::awaitable_operators;
using Clock = std::chrono::steady_clock;
using boost::system::error_code;

/// What one try came to: an answer, an error of the network, or neither in time.
struct Try {
  std::optional<Message> message;
  error_code error;
};

/// What this host says of itself. A host that is unreachable (EHOSTUNREACH) is not among it: a router said so.
bool is_no_route(const error_code& error) {
  return error == asio::error::network_unreachable || error == boost::system::errc::address_not_available ||
         error == asio::error::address_family_not_supported;
}

std::string query_of(const Question& question, std::uint16_t id, const ExchangeOptions& options, bool edns) {
  return encode_query(question, id, options.recursion_desired, edns).or_throw();
}

/// Until one of the datagrams is the answer.
asio::awaitable<Try> receive(ip::udp::socket& socket, std::uint16_t id, const Question& question) {
  std::array<char, 4096> buffer;  // more than three times what was offered
  while (true) {
    const auto [error, size] = co_await socket.async_receive(asio::buffer(buffer), quietly);
    if (error) co_return Try{{}, error};
    auto message = decode({buffer.data(), size});
    if (message && answers(*message, id, question)) co_return Try{std::move(message).value(), {}};
  }
}

asio::awaitable<Try> by_udp(const Endpoint& server, const Question& question, const ExchangeOptions& options, bool edns,
                            Clock::time_point until) {
  const auto executor = co_await asio::this_coro::executor;
  const auto id = random_id();
  const std::string query = query_of(question, id, options, edns);
  ip::udp::socket socket(executor);
  error_code error;
  const ip::udp::endpoint endpoint(server.address, server.port);
  // Connected: the kernel lets through nothing from elsewhere, and tells of a port that is closed. A new socket for
  // each query has a new port, which the kernel draws.
  socket.open(endpoint.protocol(), error);
  if (!error) socket.connect(endpoint, error);
  if (error) co_return Try{{}, error};
  const auto [sent, size] = co_await socket.async_send(asio::buffer(query), quietly);
  if (sent) co_return Try{{}, sent};
  asio::steady_timer timer(executor, until);
  auto first = co_await (receive(socket, id, question) || timer.async_wait(quietly));
  if (first.index() == 0) co_return std::move(std::get<0>(first));
  co_return Try{};
}

/// Two bytes of length before each message (RFC 1035 §4.2.2).
asio::awaitable<error_code> connect_and_send(ip::tcp::socket& socket, const Endpoint& server,
                                             const std::string& message) {
  const auto [connected] = co_await socket.async_connect({server.address, server.port}, quietly);
  if (connected) co_return connected;
  std::string framed{static_cast<char>(message.size() >> 8), static_cast<char>(message.size() & 0xff)};
  framed += message;
  const auto [written, size] = co_await asio::async_write(socket, asio::buffer(framed), quietly);
  co_return written;
}

struct Frame {
  std::string wire;
  error_code error;
};

asio::awaitable<Frame> read_frame(ip::tcp::socket& socket) {
  Frame frame;
  std::array<unsigned char, 2> head{};
  const auto [headed, head_size] = co_await asio::async_read(socket, asio::buffer(head), quietly);
  frame.error = headed;
  if (headed) co_return frame;
  frame.wire.resize((std::size_t(head[0]) << 8) | head[1]);
  const auto [read, read_size] = co_await asio::async_read(socket, asio::buffer(frame.wire), quietly);
  frame.error = read;
  co_return frame;
}

asio::awaitable<Try> talk_by_tcp(ip::tcp::socket& socket, const Endpoint& server, const Question& question,
                                 std::uint16_t id, const std::string& query) {
  const error_code sent = co_await connect_and_send(socket, server, query);
  if (sent) co_return Try{{}, sent};
  while (true) {
    const Frame frame = co_await read_frame(socket);
    if (frame.error) co_return Try{{}, frame.error};
    auto message = decode(frame.wire);
    if (message && answers(*message, id, question)) co_return Try{std::move(message).value(), {}};
  }
}

asio::awaitable<Frame> talk_once(ip::tcp::socket& socket, const Endpoint& server, const std::string& message) {
  Frame frame;
  frame.error = co_await connect_and_send(socket, server, message);
  if (!frame.error) frame = co_await read_frame(socket);
  co_return frame;
}

asio::awaitable<Try> by_tcp(const Endpoint& server, const Question& question, const ExchangeOptions& options, bool edns,
                            Clock::time_point until) {
  const auto executor = co_await asio::this_coro::executor;
  const auto id = random_id();
  const std::string query = query_of(question, id, options, edns);
  ip::tcp::socket socket(executor);
  asio::steady_timer timer(executor, until);
  auto first = co_await (talk_by_tcp(socket, server, question, id, query) || timer.async_wait(quietly));
  if (first.index() == 0) co_return std::move(std::get<0>(first));
  co_return Try{};
}

std::string text_of(const error_code& error) {
  if (error == asio::error::eof) return "the server closed the connection before its answer";
  return to_lower(error.message());
}

std::string in_seconds(Milliseconds time) {
  std::string text = std::to_string(time.count() / 1000) + "." + std::to_string(time.count() % 1000 / 100);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text + " s";
}

}  // namespace

std::uint16_t random_id() {
  // Not to be guessed: with the port it is all that keeps a stranger from answering (RFC 5452 §4).
  static thread_local std::random_device random;
  return static_cast<std::uint16_t>(random());
}

bool answers(const Message& message, std::uint16_t id, const Question& question) {
  if (message.id != id) return false;
  // A server that does not serve the query may leave the question out; what it then says is an error alone.
  if (!message.question) return message.rcode != Rcode::no_error && message.rcode != Rcode::no_such_name;
  return *message.question == question;
}

std::optional<Endpoint> parse_endpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::string address = text.substr(0, colon);
  if (address.size() > 2 && address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
  else if (address.find(':') != std::string::npos)
    return std::nullopt;
  const auto port = parse_number(text.substr(colon + 1));
  error_code error;
  Endpoint endpoint{ip::make_address(address, error), 0};
  if (error || !port || *port < 1 || *port > 65535) return std::nullopt;
  endpoint.port = static_cast<unsigned short>(*port);
  return endpoint;
}

std::string to_string(const Endpoint& endpoint) {
  const std::string address = endpoint.address.to_string();
  return (endpoint.address.is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port);
}

asio::awaitable<std::variant<Message, NoAnswer>> exchange(Endpoint server, Question question, ExchangeOptions options) {
  const auto begun = Clock::now();
  bool edns = true;
  bool stream = false;
  error_code last;
  for (int number = 0; number < options.tries && Clock::now() < options.deadline;) {
    const auto until = std::min(Clock::now() + options.patience, options.deadline);
    // No conditional expression: g++ 12 destroys twice what two co_await in one give.
    Try tried;
    if (stream)
      tried = co_await by_tcp(server, question, options, edns, until);
    else
      tried = co_await by_udp(server, question, options, edns, until);
    last = tried.error;
    if (tried.message) {
      const bool unknown_edns =
          edns && !tried.message->edns &&
          (tried.message->rcode == Rcode::format_error || tried.message->rcode == Rcode::not_implemented);
      if (unknown_edns) {
        edns = false;
        continue;
      }
      if (!tried.message->truncated) co_return std::move(*tried.message);
      if (stream) co_return NoAnswer{"the answer is truncated over TCP too", false};
      stream = true;
      continue;
    }
    if (is_no_route(tried.error)) co_return NoAnswer{text_of(tried.error), true};
    ++number;
  }
  if (last) co_return NoAnswer{text_of(last), false};
  const auto waited = std::chrono::duration_cast<Milliseconds>(Clock::now() - begun);
  co_return NoAnswer{"no answer within " + in_seconds(waited), false};
}

asio::awaitable<std::variant<std::string, NoAnswer>> exchange_by_tcp(Endpoint server, std::string message,
                                                                     Milliseconds patience) {
  const auto executor = co_await asio::this_coro::executor;
  ip::tcp::socket socket(executor);
  asio::steady_timer timer(executor, patience);
  auto first = co_await (talk_once(socket, server, message) || timer.async_wait(quietly));
  if (first.index() != 0) co_return NoAnswer{"no answer within " + in_seconds(patience), false};
  Frame frame = std::move(std::get<0>(first));
  if (frame.error) co_return NoAnswer{text_of(frame.error), is_no_route(frame.error)};
  co_return std::move(frame.wire);
}

}  // namespace certherd::dns
