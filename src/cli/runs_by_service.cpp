#include "runs.hpp"

#include <certherd/cli/progress.hpp>
#include <certherd/os/unix_http.hpp>
#include <certherd/service/events.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>

#include <exception>
#include <thread>

namespace certherd::cli {
namespace {

std::string request_body(const Context& context, const Wanted& wanted) {
  boost::json::array names;
  for (const auto& name : wanted.certificates) names.emplace_back(name);
  return boost::json::serialize(boost::json::object{{"certificates", std::move(names)},
                                                    {"force", wanted.forced},
                                                    {"output", context.line.verbosity >= 2},
                                                    {"brief", context.line.json}});
}

}  // namespace

std::optional<std::vector<service::Handled>> handle_by_service(const Context& context, const Settings& settings,
                                                               const Wanted& wanted, const Told& told) {
  // The socket is read on a thread of its own, so that the progress can tick meanwhile.
  boost::asio::io_context io(1);
  auto alive = boost::asio::make_work_guard(io);
  const auto progress =
      make_progress(io.get_executor(), quiet_for_json(context),
                    {context.line.verbosity >= 1 && !context.line.json, wanted.certificates.size() > 1,
                     context.line.verbosity >= 2 && !context.line.json},
                    context.out);
  std::map<std::string, service::Handled> handled;
  std::optional<Fault> fault;
  std::string first;  // all of a refusal
  const auto hear = [&](const std::string& line) {
    if (first.empty()) first = line;
    if (fault) return;
    auto said = service::replay(line, *progress);
    if (!said) {
      fault = said.fault();
    } else if (*said) {
      told(**said);
      const std::string name = (*said)->certificate;
      handled[name] = std::move(**said);
    }
  };
  os::UnixRequest request;
  request.socket = settings.paths.control_socket();
  request.method = "POST";
  request.target = "/v1/issue?wait=1";
  request.body = request_body(context, wanted);
  Result<std::optional<int>> status = std::optional<int>();
  std::thread reader([&] {
    status = os::unix_stream(request, [&](std::string_view line) {
      boost::asio::post(io, [&hear, text = std::string(line)] { hear(text); });
      return true;
    });
    boost::asio::post(io, [&alive] { alive.reset(); });
  });
  io.run();
  reader.join();
  if (!status) throw Failed(status.fault());
  if (!*status) return std::nullopt;
  if (**status >= 400) throw refused_by_service(**status, first);
  if (fault) throw Failed(*fault);
  std::vector<service::Handled> all;
  for (const auto& name : wanted.certificates) {
    const auto found = handled.find(name);
    if (found == handled.end())
      throw Failed(
          {"the service ended before " + name + " was done", "'certherd show " + name + "' tells how far it came", {}});
    all.push_back(std::move(found->second));
  }
  return all;
}

}  // namespace certherd::cli
