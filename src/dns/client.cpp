#include <certherd/base/text.hpp>
#include <certherd/dns/client.hpp>
#include <certherd/os/file.hpp>
#include <certherd/os/http.hpp>
#include <certherd/os/offload.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <deque>
#include <exception>
#include <sstream>

#include "exchange.hpp"
#include "quietly.hpp"

namespace certherd::dns {
namespace {

namespace asio = boost::asio;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Questions under way at a time: servers limit the rate of one address, and sockets are not free.
constexpr std::size_t most_at_once = 64;
constexpr std::size_t longest_alias_chain = 16;

bool is_answer(const Message& message) {
  return message.rcode == Rcode::no_error || message.rcode == Rcode::no_such_name;
}

Reply reply_of(Message message) {
  Reply reply;
  reply.reached = true;
  if (!is_answer(message)) reply.error = to_string(message.rcode);
  reply.message = std::move(message);
  return reply;
}

Reply no_reply(std::string why, bool no_route = false) {
  Reply reply;
  reply.error = std::move(why);
  reply.no_route = no_route;
  return reply;
}

Reply too_late() {
  Reply reply = no_reply("no time left to ask");
  reply.unasked = true;
  return reply;
}

/// RFC 8484 §4.1: POST; the id is 0, as caches like it.
Reply by_https(const std::string& url, const Question& question, Seconds timeout) {
  const auto query = encode_query(question, 0, true, true);
  if (!query) return no_reply(query.fault().text());
  os::HttpRequest request;
  request.method = "POST";
  request.url = url;
  request.headers = {{"Content-Type", "application/dns-message"}, {"Accept", "application/dns-message"}};
  request.body = *query;
  request.timeout = timeout;
  const auto response = os::http_exchange(request);
  if (!response) return no_reply(response.fault().text());
  if (response->status != 200) return no_reply("HTTP status " + std::to_string(response->status));
  auto message = decode(response->body);
  if (!message) return no_reply(message.fault().text());
  if (!answers(*message, 0, question)) return no_reply("an answer to another question");
  return reply_of(std::move(message).value());
}

}  // namespace

/// A question that is under way, or its answer.
struct Client::Pending {
  explicit Pending(const asio::any_io_executor& executor) : ended(executor, SteadyTime::max()) {}
  asio::steady_timer ended;  ///< cancelled by the answer
  std::optional<Reply> reply;
};

/// Lets so many through at a time.
struct Client::Gate {
  explicit Gate(asio::any_io_executor ex) : executor(std::move(ex)) {}

  asio::awaitable<void> enter() {
    while (inside >= most_at_once) {
      const auto mine = std::make_shared<asio::steady_timer>(executor, SteadyTime::max());
      waiting.push_back(mine);
      co_await mine->async_wait(quietly);
    }
    ++inside;
  }
  void leave() {
    --inside;
    if (waiting.empty()) return;
    waiting.front()->cancel();
    waiting.pop_front();
  }

  asio::any_io_executor executor;
  std::size_t inside = 0;
  std::deque<std::shared_ptr<asio::steady_timer>> waiting;
};

std::vector<std::string> system_resolvers(const std::string& file) {
  std::vector<std::string> resolvers;
  const auto text = os::read_file(file);
  for (const auto& line : split(text ? *text : std::string(), '\n')) {
    std::istringstream words(line);
    std::string keyword;
    std::string address;
    if (!(words >> keyword >> address) || keyword != "nameserver") continue;
    const std::string endpoint = address.find(':') == std::string::npos ? address + ":53" : "[" + address + "]:53";
    if (parse_endpoint(endpoint)) resolvers.push_back(endpoint);
  }
  if (resolvers.empty()) resolvers.emplace_back("127.0.0.1:53");
  return resolvers;
}

std::vector<std::string> Reply::aliases(const std::string& name) const {
  std::vector<std::string> targets;
  std::string at = name;
  while (targets.size() < longest_alias_chain) {
    const auto next = message.of(at, RecordType::cname);
    if (next.empty()) break;
    at = next.front().data;
    targets.push_back(at);
  }
  return targets;
}

std::vector<Record> Reply::records(const std::string& name, RecordType type) const {
  const auto targets = aliases(name);
  return message.of(targets.empty() ? name : targets.back(), type);
}

Client::Client(asio::any_io_executor executor, asio::thread_pool& pool, ClientOptions options)
    : executor_(executor), pool_(pool), options_(std::move(options)), gate_(std::make_unique<Gate>(executor)) {}

Client::~Client() = default;

asio::awaitable<Reply> Client::resolve(std::string name, RecordType type) {
  Reply last = no_reply("no resolver is configured");
  for (const auto& resolver : options_.resolvers) {
    Question question{name, type};
    Reply reply = co_await once(resolver, std::move(question), true);
    const bool answered = reply.error.empty();
    // What one of them said tells more than the silence of another.
    if (reply.reached || !last.reached) last = std::move(reply);
    if (answered) break;
  }
  co_return last;
}

asio::awaitable<Reply> Client::ask(std::string server, std::string name, RecordType type) {
  Question question{std::move(name), type};
  co_return co_await once(std::move(server), std::move(question), false);
}

asio::awaitable<Reply> Client::once(std::string server, Question question, bool recursion) {
  question.name = to_lower(question.name);
  std::string key = server;
  key.append(recursion ? " " : "!").append(to_string(question.type)).append(" ").append(question.name);
  if (const auto known = answers_.find(key); known != answers_.end()) {
    const auto pending = known->second;
    if (!pending->reply) co_await pending->ended.async_wait(quietly);
    co_return pending->reply.value_or(no_reply("interrupted"));
  }
  const auto pending = std::make_shared<Pending>(executor_);
  answers_.emplace(std::move(key), pending);
  // Whatever happens: others wait for this answer, and for the place at the gate.
  bool inside = false;
  try {
    co_await gate_->enter();
    inside = true;
    pending->reply = co_await send(std::move(server), std::move(question), recursion);
  } catch (const std::exception& error) {
    pending->reply = no_reply(error.what());
  }
  if (inside) gate_->leave();
  pending->ended.cancel();
  co_return *pending->reply;
}

asio::awaitable<Reply> Client::send(std::string server, Question question, bool recursion) {
  if (std::chrono::steady_clock::now() >= options_.deadline) co_return too_late();
  if (server.starts_with("https://")) {
    const auto left = std::min<std::chrono::steady_clock::duration>(
        options_.deadline - std::chrono::steady_clock::now(), options_.patience * options_.tries);
    const auto timeout = std::max(Seconds(1), std::chrono::ceil<Seconds>(left));
    auto work = [server, question, timeout] { return by_https(server, question, timeout); };
    co_return co_await os::offload(pool_, std::move(work));
  }
  const auto endpoint = parse_endpoint(server);
  if (!endpoint) co_return no_reply("'" + printable(server) + "' is not an address and a port");
  ExchangeOptions options{recursion, options_.patience, options_.tries, options_.deadline};
  if (const auto fits = encode_query(question, 0, recursion, true); !fits) co_return no_reply(fits.fault().text());
  auto answer = co_await exchange(*endpoint, std::move(question), options);
  if (auto* none = std::get_if<NoAnswer>(&answer)) co_return no_reply(none->why, none->no_route);
  co_return reply_of(std::move(std::get<Message>(answer)));
}

}  // namespace certherd::dns
