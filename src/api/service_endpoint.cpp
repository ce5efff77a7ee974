#include <certherd/api/service_endpoint.hpp>

#include <certherd/api/server.hpp>
#include <certherd/base/text.hpp>
#include <certherd/os/log.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/service/events.hpp>
#include <certherd/service/json.hpp>
#include <certherd/service/report.hpp>
#include <certherd/service/wait_plan.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json.hpp>

#include <unistd.h>

#include "lines.hpp"
#include "request_body.hpp"
#include "revocation_stream.hpp"

namespace certherd::api {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using service::Reply;
using service::Request;
using service::Stream;
using service::to_json;

Reply reply(const json::value& value, int status = 200) {
  Reply reply;
  reply.status = status;
  reply.body = json::serialize(value) + "\n";
  return reply;
}

std::string query(const Request& request, const char* key) {
  const auto found = request.query.find(key);
  return found == request.query.end() ? std::string() : found->second;
}

class ServiceControl : public service::Control {
public:
  explicit ServiceControl(service::Service& service) : service_(service) {}

  bool streams(const Request& request) const override {
    if (request.method != "POST") return false;
    return revocation_of(request.path) || (request.path == "/v1/issue" && !query(request, "wait").empty());
  }

  Reply handle(const Request& request) override {
    try {
      return route(request);
    } catch (const Refused& refused) {
      return service::error_reply(refused.status, refused.fault);
    } catch (const Failed& failed) {
      return service::error_reply(500, failed.fault());
    }
  }

  void stream(const Request& request, Stream& out) override {
    try {
      if (const auto name = revocation_of(request.path))
        revoke_and_watch(service_, *name, request, out);
      else
        issue_and_watch(request, out);
    } catch (const Refused& refused) {
      out.refuse(service::error_reply(refused.status, refused.fault));
    }
  }

private:
  /// Has something done on the io_context's thread and waits for it.
  template <class Value>
  Value ask(asio::awaitable<Value> work) {
    return asio::co_spawn(service_.executor(), std::move(work), asio::use_future).get();
  }

  template <class Look>
  auto look(Look look) {
    auto work = [](Look look) -> asio::awaitable<decltype(look())> { co_return look(); };
    return ask(work(std::move(look)));
  }

  journal::Journal& journal() { return *service_.state().journal; }

  Reply route(const Request& request) {
    const std::string& path = request.path;
    if (path == "/v1/status") return get(request, [&] { return status(); });
    if (path == "/v1/certificates") return get(request, [&] { return certificates(); });
    if (path == "/v1/runs") return get(request, [&] { return runs(request); });
    if (path == "/v1/hooks") return get(request, [&] { return hook_jobs(request); });
    if (path == "/v1/hooks/retry") return post(request, [&] { return retry_hooks(request); });
    if (path == "/v1/issue") return post(request, [&] { return issue(request); });
    if (path == "/v1/reload") return post(request, [&] { return reload(); });
    if (path == "/v1/log-level") return post(request, [&] { return log_level(request); });
    if (path.starts_with("/v1/runs/")) return get(request, [&] { return run(path.substr(9)); });
    if (path.starts_with("/v1/certificates/")) {
      const std::string rest = path.substr(17);
      const auto slash = rest.find('/');
      if (slash == rest.npos) return get(request, [&] { return certificate(rest); });
      if (rest.substr(slash) == "/why") return get(request, [&] { return why(rest.substr(0, slash)); });
      if (revocation_of(path)) return service::wrong_method(request, "POST");  // that one is a stream
    }
    return service::unknown_path(request);
  }

  template <class Do>
  Reply get(const Request& request, Do action) {
    if (request.method != "GET" && request.method != "HEAD") return service::wrong_method(request, "GET, HEAD");
    return action();
  }

  template <class Do>
  Reply post(const Request& request, Do action) {
    if (request.method != "POST") return service::wrong_method(request, "POST");
    return action();
  }

  Reply status() {
    return reply(look([&] {
      return json::object{{"version", CERTHERD_VERSION},
                          {"status", service_.scheduler().status()},
                          {"pid", ::getpid()},
                          {"log_level", os::to_string(os::log_level())},
                          {"certificates", service_.supervisor().roster().entries().size()},
                          {"running", service_.supervisor().running()},
                          {"waiting", service_.supervisor().waiting()}};
    }));
  }

  Reply certificates() {
    // On this thread: a database that somebody keeps locked holds up whoever asks, and not the service.
    auto last_runs = journal().last_runs();
    return reply(look([&] {
      json::array array;
      service::each_report(service_.supervisor().roster(), std::move(last_runs), std::chrono::system_clock::now(),
                           [&](const service::CertificateReport& report) { array.push_back(to_json(report)); });
      return array;
    }));
  }

  Reply certificate(const std::string& name) {
    require(name);
    journal::HistoryFilter filter;
    filter.certificate = name;
    filter.limit = 1;
    std::optional<Run> last;
    for (const auto& run : journal().history(filter)) last = journal().find_run(run.id).or_throw();
    return reply(look([&] {
      auto& roster = service_.supervisor().roster();
      const service::Entry* entry = roster.find(name);
      if (!entry) throw Refused{404, unknown_certificate(name)};
      return to_json(service::report(roster, *entry, last, std::chrono::system_clock::now()));
    }));
  }

  Reply why(const std::string& name) {
    require(name);
    const auto configuration = look([&] { return service_.supervisor().roster().configuration(); });
    const Certificate* certificate = configuration->settings.find(name);
    if (!certificate) throw Refused{404, unknown_certificate(name)};
    const auto wait = service::plan_wait(*configuration, *certificate, service::wait_samples(journal(), *certificate));
    return reply(look([&] {
      auto because = service_.scheduler().why(name);
      because.insert(because.end(), wait.because.begin(), wait.because.end());
      return to_json(because);
    }));
  }

  Reply runs(const Request& request) {
    journal::HistoryFilter filter;
    if (const auto name = query(request, "certificate"); !name.empty()) filter.certificate = name;
    filter.failed_only = !query(request, "failed").empty();
    if (const auto since = query(request, "since"); !since.empty()) {
      const auto seconds = parse_number(since);
      if (!seconds) throw Refused{400, {"'since' is no number of seconds", "", {}}};
      filter.since = std::chrono::system_clock::now() - Seconds(*seconds);
    }
    if (const auto limit = query(request, "limit"); !limit.empty()) {
      const auto number = parse_number(limit);
      if (!number) throw Refused{400, {"'limit' is no number", "", {}}};
      if (*number > 0) filter.limit = static_cast<std::size_t>(*number);
    }
    json::array array;
    for (const auto& run : journal().history(filter)) array.push_back(to_json(run));
    return reply(array);
  }

  Reply run(const std::string& id) {
    const auto run = journal().find_run(id);
    if (!run) throw Refused{404, run.fault()};
    return reply(to_json(*run));
  }

  Reply hook_jobs(const Request& request) {
    journal::HookJobFilter filter;
    filter.owed_only = query(request, "all").empty();
    if (!filter.owed_only) filter.limit = 200;
    json::array array;
    for (const auto& job : journal().hook_jobs(filter)) array.push_back(to_json(job));
    return reply(array);
  }

  Reply retry_hooks(const Request& request) {
    os::log(os::LogLevel::info, to_string(request.actor) + " asks for owed hooks to be tried");
    auto& supervisor = service_.supervisor();
    auto work = [](service::Supervisor& supervisor) -> asio::awaitable<std::size_t> {
      co_return co_await supervisor.hooks().retry(supervisor.roster().configuration(), true);
    };
    return reply(json::object{{"owed", ask(work(supervisor))}});
  }

  /// What is asked for, checked: nothing begins when one of the names is wrong.
  std::vector<service::Wish> wishes(const Request& request) {
    const auto body = body_of(request);
    const auto* names = body.if_contains("certificates");
    if (!names || !names->is_array() || names->as_array().empty())
      throw Refused{400, {"'certificates' is missing or no list of names", "", {}}};
    std::vector<service::Wish> wishes;
    for (const auto& name : names->as_array()) {
      if (!name.is_string()) throw Refused{400, {"'certificates' holds something that is no name", "", {}}};
      service::Wish wish;
      wish.certificate = std::string(name.as_string());
      wish.actor = request.actor;
      wish.forced = flag(body, "force");
      require(wish.certificate);
      wishes.push_back(std::move(wish));
    }
    return wishes;
  }

  Reply issue(const Request& request) {
    auto asked = wishes(request);
    json::array names;
    for (auto& wish : asked) {
      names.emplace_back(wish.certificate);
      asio::co_spawn(service_.executor(), service_.supervisor().handle(std::move(wish)),
                     [](std::exception_ptr, const service::Handled&) {});
    }
    return reply(json::object{{"accepted", std::move(names)}}, 202);
  }

  /// Everything that touches the service happens on its thread; this one only writes.
  void issue_and_watch(const Request& request, Stream& out) {
    auto asked = wishes(request);
    using Detail = service::EventWriter::Detail;
    const auto body = body_of(request);
    const Detail detail = flag(body, "output") ? Detail::output : flag(body, "brief") ? Detail::brief : Detail::phases;
    const auto lines = std::make_shared<Lines>();
    std::set<std::string> names;
    for (const auto& wish : asked) names.insert(wish.certificate);
    const auto writer =
        std::make_shared<service::EventWriter>(names, detail, [lines](const std::string& line) { lines->push(line); });
    auto work = [](service::Service& service, std::vector<service::Wish> asked, std::shared_ptr<Lines> lines,
                   std::shared_ptr<service::EventWriter> writer) -> asio::awaitable<void> {
      service.supervisor().observe(writer.get());
      auto left = std::make_shared<std::size_t>(asked.size());
      for (auto& wish : asked) {
        asio::co_spawn(service.executor(), service.supervisor().handle(std::move(wish)),
                       [&service, lines, writer, left](std::exception_ptr, const service::Handled& handled) {
                         lines->push(service::handled_line(handled));
                         if (--*left > 0) return;
                         service.supervisor().observe_no_longer(writer.get());
                         lines->end();
                       });
      }
      co_return;
    };
    ask(work(service_, std::move(asked), lines, writer));
    // A client that has gone away changes nothing: the Runs go on.
    out.on_gone([lines] { lines->end(); });
    while (auto line = lines->pop())
      if (!out.write(*line)) return;
  }

  Reply reload() {
    const auto reloaded = ask(service_.reload());
    json::array faults;
    for (const auto& fault : reloaded.faults) faults.push_back(to_json(fault));
    json::array warnings;
    for (const auto& warning : reloaded.warnings) warnings.push_back(to_json(warning));
    return reply(json::object{
        {"in_force", reloaded.in_force}, {"faults", std::move(faults)}, {"warnings", std::move(warnings)}});
  }

  Reply log_level(const Request& request) {
    const std::string wanted = text(body_of(request), "level");
    const auto level = os::parse_log_level(wanted);
    if (!level)
      throw Refused{400, {"'" + printable(wanted) + "' is no log level", "use debug, info, warning or error", {}}};
    os::set_log_level(*level);
    return reply(json::object{{"level", wanted}});
  }

  void require(const std::string& name) {
    if (!look([&] { return service_.supervisor().roster().find(name) != nullptr; }))
      throw Refused{404, unknown_certificate(name)};
  }

  service::Service& service_;
};

/// The socket and what it leads to.
class ControlSocket : public service::Endpoint {
public:
  ControlSocket(service::Service& service, ControlServerOptions options)
      : control_(service), server_(start_control_server(std::move(options), control_).or_throw()) {}

private:
  ServiceControl control_;
  std::unique_ptr<ControlServer> server_;
};

}  // namespace

std::unique_ptr<service::Endpoint> open_control_socket(service::Service& service) {
  const Settings& settings = service.supervisor().roster().settings();
  ControlServerOptions options;
  options.path = settings.paths.control_socket();
  options.mode = settings.control.socket_mode;
  options.group = settings.control.socket_group;
  return std::make_unique<ControlSocket>(service, std::move(options));
}

}  // namespace certherd::api
