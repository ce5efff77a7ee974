#include "runs.hpp"

#include <certherd/base/text.hpp>
#include <certherd/os/log.hpp>
#include <certherd/os/unix_http.hpp>
#include <certherd/renewal/retry.hpp>
#include <certherd/service/json.hpp>
#include <certherd/service/report.hpp>
#include <certherd/service/wait_plan.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>

#include <iostream>

namespace certherd::cli {
namespace {

namespace json = boost::json;

std::string text_or_dash(const json::object& object, const char* key) {
  const auto* found = object.if_contains(key);
  return found && found->is_string() && !found->as_string().empty() ? std::string(found->as_string()) : "-";
}

/// The service log may be a file of its own.
void prepare_log(const Context& context, const Settings& settings) {
  if (context.line.verbosity == 0) os::set_log_level(os::LogLevel::info);
  os::open_service_log(settings.log_file).or_throw();
}

/// The reasoning where no service runs: the same facts, without what only the running one knows.
std::vector<renewal::Reasoning> reason_here(service::ConfigurationPtr configuration, const std::string& name) {
  require_readable_state(configuration->settings);
  std::unique_ptr<journal::Journal> journal;
  std::error_code error;
  if (std::filesystem::exists(configuration->settings.paths.database(), error))
    journal =
        journal::Journal::open(configuration->settings.paths.database(), journal::Journal::Mode::read_only).or_throw();
  service::Roster roster(configuration, journal.get());
  const service::Entry* entry = roster.find(name);
  const auto now = std::chrono::system_clock::now();
  auto because = roster.decide(*entry, now, false, true).because;
  const auto samples = journal ? service::wait_samples(*journal, *entry->certificate) : std::vector<WaitSample>();
  const auto wait = service::plan_wait(*configuration, *entry->certificate, samples);
  because.insert(because.end(), wait.because.begin(), wait.because.end());
  because.push_back({"no service runs: nothing happens by itself", std::nullopt});
  return because;
}

json::array owed_here(const Settings& settings, bool all) {
  require_readable_state(settings);
  std::error_code error;
  json::array array;
  if (!std::filesystem::exists(settings.paths.database(), error)) return array;
  const auto journal = journal::Journal::open(settings.paths.database(), journal::Journal::Mode::read_only).or_throw();
  journal::HookJobFilter filter;
  filter.owed_only = !all;
  if (all) filter.limit = 200;
  for (const auto& job : journal->hook_jobs(filter)) array.push_back(service::to_json(job));
  return array;
}

std::string state_of(const json::object& job) {
  if (job.at("done").as_bool()) return "done";
  return job.at("dropped").as_bool() ? "dropped" : "owed";
}

}  // namespace

std::optional<json::value> ask_service(const Settings& settings, const std::string& method, const std::string& target,
                                       const std::string& body) {
  os::UnixRequest request;
  request.socket = settings.paths.control_socket();
  request.method = method;
  request.target = target;
  request.body = body;
  request.response_limit = 256 * 1024 * 1024;
  auto response = os::unix_exchange(request);
  if (!response) throw Failed(response.fault());
  if (!*response) return std::nullopt;
  if ((*response)->status >= 400) throw refused_by_service((*response)->status, (*response)->body);
  json::error_code error;
  auto value = json::parse((*response)->body, error);
  if (error) throw Failed({"the service's answer is not understood", "restart the service", {}});
  return value;
}

Failed refused_by_service(int status, const std::string& body) {
  json::error_code error;
  const auto value = json::parse(body, error);
  std::string message = "the service answered " + std::to_string(status);
  std::string fix;
  if (!error && value.is_object()) {
    message = text_or_dash(value.as_object(), "error");
    fix = text_or_dash(value.as_object(), "fix");
  }
  return Failed({message, fix == "-" ? "" : fix, {}});
}

int run_service(const Context& context) {
  auto configuration = std::make_shared<const service::Configuration>(usable_configuration(context));
  prepare_log(context, configuration->settings);
  service::Service service(std::move(configuration));
  service.run(context.open_endpoint);
  return exit_done;
}

int why(const Context& context) {
  const auto configuration = std::make_shared<const service::Configuration>(usable_configuration(context));
  const std::string& name = context.line.names.front();
  if (!configuration->settings.find(name)) {
    print_unknown_certificate(name, configuration->settings);
    return exit_usage;
  }
  const auto answer = ask_service(configuration->settings, "GET", "/v1/certificates/" + name + "/why");
  const auto because = answer ? service::because_from_json(*answer).or_throw() : reason_here(configuration, name);
  if (context.line.json) {
    service::print_json(context.out, service::to_json(because));
    return exit_done;
  }
  context.out << coloured(context.terminal, Colour::bold, name) << '\n';
  for (const auto& [fact, when] : because)
    context.out << "  " << (when ? format_utc_minutes(*when) : std::string(16, ' ')) << "  " << printable(fact) << '\n';
  return exit_done;
}

int hooks_list(const Context& context) {
  const auto configuration = usable_configuration(context);
  const auto answer = ask_service(configuration.settings, "GET", context.line.all ? "/v1/hooks?all=1" : "/v1/hooks");
  const json::value jobs = answer ? *answer : json::value(owed_here(configuration.settings, context.line.all));
  if (context.line.json) {
    service::print_json(context.out, jobs);
    return exit_done;
  }
  Table table({"HOOK", "CERTIFICATE", "EVENT", "STATE", "TRIES", "NEXT TRY (UTC)", "RUN", "ERROR"});
  for (const auto& value : jobs.as_array()) {
    const auto& job = value.as_object();
    const auto next = parse_utc(text_or_dash(job, "next_try"));
    table.add({text_or_dash(job, "hook"), text_or_dash(job, "certificate"), text_or_dash(job, "event"), state_of(job),
               std::to_string(job.at("tries").to_number<int>()), next ? format_utc_minutes(*next) : "-",
               text_or_dash(job, "run"), printable(text_or_dash(job, "error"))});
  }
  if (table.empty())
    context.out << "no hook job is owed\n";
  else
    table.print(context.out, context.terminal);
  return exit_done;
}

int hooks_retry(const Context& context) {
  const auto configuration = std::make_shared<const service::Configuration>(usable_configuration(context));
  auto answer = ask_service(configuration->settings, "POST", "/v1/hooks/retry");
  if (!answer) answer = json::object{{"owed", retry_hooks_here(context, configuration)}};
  const auto owed = answer->at("owed").to_number<std::size_t>();
  if (context.line.json)
    service::print_json(context.out, *answer);
  else
    context.out << (owed == 0 ? "no hook job is owed any more"
                              : std::to_string(owed) + " hook jobs are still owed: 'certherd hooks list' says why")
                << '\n';
  return owed == 0 ? exit_done : exit_failed;
}

int log_level(const Context& context) {
  const auto configuration = usable_configuration(context);
  const auto answer = ask_service(configuration.settings, "POST", "/v1/log-level",
                                  json::serialize(json::object{{"level", context.line.level}}));
  if (!answer) throw Failed({"no service runs", "'systemctl start certherd' starts it", {}});
  context.out << "the service log says " << context.line.level << '\n';
  return exit_done;
}

}  // namespace certherd::cli
