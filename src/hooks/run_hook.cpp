#include <certherd/hooks/run_hook.hpp>

#include "output_tail.hpp"

#include <certherd/base/text.hpp>
#include <certherd/os/child.hpp>
#include <certherd/os/http.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/os/value_source.hpp>

#include <csignal>
#include <cstdlib>
#include <exception>

namespace certherd::hooks {
namespace {

using boost::asio::awaitable;

/// How a try went. An empty error is success.
struct Tried {
  std::string error;
  std::string output;
};

std::string how_it_failed(const Hook& hook, const os::ChildExit& exit) {
  if (exit.stopped) return "was ended because certherd is stopping";
  if (exit.timed_out) return "did not end within " + format_duration(hook.timeout) + " and was ended";
  if (exit.signal) return "ended by signal " + std::to_string(*exit.signal);
  if (exit.exit_code != 0) return "exit code " + std::to_string(exit.exit_code.value_or(-1));
  return {};
}

os::ChildCommand child_command(const Hook& hook, const HookContext& context) {
  os::ChildCommand command;
  command.executable = hook.command.front();
  command.arguments.assign(hook.command.begin() + 1, hook.command.end());
  command.environment = environment(context);
  // kubectl, docker and the like look for their settings there; it is the service's own.
  if (const char* home = std::getenv("HOME")) command.environment.emplace_back("HOME", home);
  command.timeout = hook.timeout;
  command.grace = command_grace;
  command.line_limit = output_limit;
  // A hook that outlived us would still be at work when its job, still owed, is run again after the restart.
  command.parent_death_signal = SIGTERM;
  return command;
}

awaitable<Tried> run_command(const Hook& hook, const HookContext& context, const Redactor& redactor,
                             os::StopSignal& stop) {
  OutputTail output(output_limit);
  os::ChildCallbacks callbacks;
  callbacks.line = [&output](std::string_view line) { output.add(line); };
  auto command = child_command(hook, context);
  const auto exit = co_await os::run_child(std::move(command), std::move(callbacks), stop);
  Tried tried;
  tried.error = exit ? how_it_failed(hook, *exit) : exit.fault().text();
  tried.output = output.text(redactor);
  co_return tried;
}

/// The whole URL and, since servers like to repeat them in their error pages, its path with and without the query.
void add_parts(Redactor& redactor, const std::string& url) {
  redactor.add(url);
  const auto path = url.find('/', url.find("://") + 3);
  if (path == std::string::npos) return;
  redactor.add(url.substr(path));
  redactor.add(url.substr(path, url.find('?', path) - path));
}

/// Blocking: reads the URL and posts.
Tried post_webhook(const Hook& hook, const std::string& body, const Redactor& known) {
  const auto url = os::read_value(*hook.webhook);
  if (!url) return {url.fault().text(), {}};
  Redactor redactor = known;
  add_parts(redactor, *url);
  os::HttpRequest request;
  request.method = "POST";
  request.url = *url;
  request.headers = {{"Content-Type", "application/json"}};
  request.body = body;
  request.ca_bundle = hook.ca_bundle;
  request.timeout = hook.timeout;
  request.response_limit = output_limit;
  const auto response = os::http_exchange(request);
  if (!response) return {response.fault().text(), {}};
  Tried tried;
  tried.output = printable(redactor(response->body));
  const int status = response->status;
  if (status < 200 || status > 299) tried.error = os::public_part(*url) + " answered " + std::to_string(status);
  if (status >= 300 && status <= 399) tried.error += "; redirects are not followed: configure the URL it leads to";
  return tried;
}

awaitable<Tried> try_once(const Hook& hook, const HookContext& context, boost::asio::thread_pool& pool,
                          const Redactor& redactor, os::StopSignal& stop) {
  if (!hook.webhook) co_return co_await run_command(hook, context, redactor, stop);
  // Copies: the pool may still be at work when the service has given up waiting and the Run is gone.
  auto post = [hook, body = webhook_body(context), redactor] { return post_webhook(hook, body, redactor); };
  co_return co_await os::offload(pool, std::move(post));
}

}  // namespace

awaitable<HookJob> run_hook(const Hook& hook, const HookContext& context, HookJob job, boost::asio::thread_pool& pool,
                            const Redactor& redactor, os::StopSignal& stop) {
  const auto error_text = [&](const std::string& error) {
    return "hook " + hook.id + ": " + printable(redactor(error));
  };
  if (stop.requested()) {
    job.error = error_text("not run because certherd is stopping");
    co_return job;
  }
  ++job.tries;
  job.started = std::chrono::system_clock::now();
  const auto begun = std::chrono::steady_clock::now();
  Tried tried;
  try {
    tried = co_await try_once(hook, context, pool, redactor, stop);
  } catch (const std::exception& error) {
    tried.error = error.what();
  }
  job.duration = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begun);
  job.done = tried.error.empty();
  job.error = job.done ? "" : error_text(tried.error);
  job.output = tried.output;
  co_return job;
}

}  // namespace certherd::hooks
