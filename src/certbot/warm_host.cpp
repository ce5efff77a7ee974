#include "warm_host.hpp"

#include <certherd/base/text.hpp>
#include <certherd/os/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

namespace certherd::certbot {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace asio::experimental::awaitable_operators;

constexpr std::size_t most_descriptors = 2;
constexpr std::size_t message_limit = 16 * 1024;
/// A child's arguments are shown in the room that the host's own have.
constexpr std::size_t room_for_arguments = 32 * 1024;
constexpr Seconds a_lifetime = std::chrono::hours(24 * 365 * 20);

/// Nothing else of the command is the host's business: HOME and what lies in it are each child's own.
Environment host_environment(const CertbotCommand& command) {
  Environment environment = interpreter_environment();
  environment.insert(environment.end(), {{"HOME", "/nonexistent"}, {"XDG_CONFIG_HOME", "/nonexistent/.config"}});
  for (const auto& variable : command.environment)
    if (variable.first == "PATH") environment.push_back(variable);
  return environment;
}

/// One message with descriptors; 0 or errno.
int send_message(int socket, const std::string& message, const std::vector<os::Fd>& descriptors) {
  iovec data{const_cast<char*>(message.data()), message.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::array<int, most_descriptors> numbers{};
    for (std::size_t i = 0; i < descriptors.size(); ++i) numbers.at(i) = descriptors[i].get();
    std::memcpy(CMSG_DATA(rights), numbers.data(), descriptors.size() * sizeof(int));
  }
  return ::sendmsg(socket, &header, MSG_NOSIGNAL) < 0 ? errno : 0;
}

os::Fd received_descriptor(msghdr& header) {
  const cmsghdr* const rights = CMSG_FIRSTHDR(&header);
  if (!rights || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) return {};
  int number = -1;
  std::memcpy(&number, CMSG_DATA(rights), sizeof number);
  return os::Fd(number);
}

std::string text_in(const json::object& message, const char* key) {
  const auto* const value = message.if_contains(key);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::int64_t number_in(const json::object& message, const char* key) {
  const auto* const value = message.if_contains(key);
  return value && value->is_int64() ? value->as_int64() : 0;
}

}  // namespace

WarmHost::WarmHost(const asio::any_io_executor& executor, WarmLimits limits)
    : executor_(executor), limits_(limits), turns_(executor), stop_(executor), control_(executor) {}

Fault WarmHost::gone() const {
  Fault fault{"the process that keeps certbot in memory is gone", {}, {}};
  if (!last_line_.empty()) fault.message += "; it last said: " + bounded(printable(last_line_), 400);
  return fault;
}

void WarmHost::close() {
  stop_.request();
}

/// From the process's start to its end. Holds this object meanwhile.
asio::awaitable<void> WarmHost::follow(os::ChildCommand command, os::Fd input) {
  const auto self = shared_from_this();
  command.input = input.get();
  os::ChildCallbacks callbacks;
  callbacks.started = [&input](pid_t) { input.reset(); };  // so that its end is the end of the socket
  callbacks.line = [this](std::string_view line) {
    last_line_ = line;
    os::log(os::LogLevel::debug, "certbot host: " + printable(line));
  };
  const auto exit = co_await os::run_child(std::move(command), std::move(callbacks), stop_);
  if (!exit) last_line_ = exit.fault().message;
  alive_ = false;
  boost::system::error_code ignored;
  control_.cancel(ignored);
}

asio::awaitable<Result<HostFacts>> WarmHost::start(const CertbotCommand& command,
                                                   const std::filesystem::path& program) {
  serves_ = command;
  auto call = python_call(command, program);
  if (!call) co_return call.fault();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    co_return Fault{"no socket: " + std::generic_category().message(errno), {}, {}};
  os::Fd theirs(ends[1]);
  control_.assign(ends[0]);
  os::ChildCommand host;
  host.executable = call->interpreter;
  host.arguments = std::move(call->arguments);
  host.arguments.emplace_back(room_for_arguments, '.');
  host.environment = host_environment(command);
  host.timeout = a_lifetime;
  host.parent_death_signal = SIGTERM;
  alive_ = true;
  asio::co_spawn(executor_, follow(std::move(host), std::move(theirs)), asio::detached);
  auto hello = co_await hear(limits_.start);
  if (!hello) co_return hello.fault();
  if (auto why = text_in(hello->message, "refused"); !why.empty()) co_return Fault{printable(why), {}, {}};
  const auto* const ready = hello->message.if_contains("ready");
  if (!ready || !ready->is_object()) co_return gone();
  facts_.certbot_version = text_in(ready->as_object(), "version");
  facts_.plugins = static_cast<int>(number_in(ready->as_object(), "plugins"));
  facts_.rss_kib = number_in(ready->as_object(), "rss_kib");
  co_return facts_;
}

asio::awaitable<Result<WarmHost::Forked>> WarmHost::fork(os::Fd request, os::Fd output) {
  std::vector<os::Fd> descriptors;
  descriptors.push_back(std::move(request));
  descriptors.push_back(std::move(output));
  auto answer = co_await ask(std::nullopt, std::move(descriptors));
  if (!answer) co_return answer.fault();
  Forked forked;
  forked.stale = text_in(answer->message, "stale");
  forked.pid = static_cast<pid_t>(number_in(answer->message, "forked"));
  forked.pidfd = std::move(answer->descriptor);
  if (forked.stale.empty() && (forked.pid <= 0 || !forked.pidfd)) co_return gone();
  co_return forked;
}

asio::awaitable<std::optional<os::RunningChild::End>> WarmHost::reap(pid_t pid) {
  const auto answer = co_await ask(pid, {});
  if (!answer || !answer->message.contains("ended")) co_return std::nullopt;
  os::RunningChild::End end;
  end.status = static_cast<int>(number_in(answer->message, "ended"));
  end.usage = {Milliseconds(number_in(answer->message, "user_ms")),
               Milliseconds(number_in(answer->message, "system_ms")),
               static_cast<long>(number_in(answer->message, "max_rss_kib"))};
  co_return end;
}

/// One question at a time: to reap that child, or to fork one.
asio::awaitable<Result<WarmHost::Answer>> WarmHost::ask(std::optional<pid_t> to_reap, std::vector<os::Fd> descriptors) {
  const auto self = shared_from_this();
  const std::string question = to_reap ? R"({"reap": )" + std::to_string(*to_reap) + "}" : R"({"fork": true})";
  const auto turn = co_await turns_.wait();
  if (!alive_ || send_message(control_.native_handle(), question, descriptors) != 0) co_return gone();
  descriptors.clear();
  co_return co_await hear(limits_.answer);
}

/// The next message. A host that says nothing for too long is as good as dead.
asio::awaitable<Result<WarmHost::Answer>> WarmHost::hear(Seconds limit) {
  asio::steady_timer timer(executor_, limit);
  co_await (control_.async_wait(asio::posix::stream_descriptor::wait_read, quietly) || timer.async_wait(quietly));
  auto answer = receive();
  if (!answer) close();
  co_return answer;
}

Result<WarmHost::Answer> WarmHost::receive() {
  std::array<char, message_limit> text;
  iovec data{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(control_.native_handle(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return Fault{"the process that keeps certbot in memory did not answer in time", {}, {}};
  if (size <= 0) return gone();
  Answer answer;
  answer.descriptor = received_descriptor(header);
  json::error_code error;
  const auto parsed = json::parse({text.data(), static_cast<std::size_t>(size)}, error);
  if (error || !parsed.is_object()) return gone();
  answer.message = parsed.as_object();
  return answer;
}

}  // namespace certherd::certbot
