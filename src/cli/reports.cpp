#include "run_text.hpp"
#include "verbs.hpp"

#include <certherd/base/text.hpp>
#include <certherd/cli/waterfall.hpp>
#include <certherd/journal/journal.hpp>
#include <certherd/os/unix_http.hpp>
#include <certherd/service/json.hpp>
#include <certherd/service/report.hpp>

#include <boost/json.hpp>

#include <future>
#include <iostream>

namespace certherd::cli {
namespace {

using service::CertificateReport;

/// The journal for reading; nullptr when nothing has ever been written.
std::unique_ptr<journal::Journal> open_journal(const Settings& settings) {
  require_readable_state(settings);
  std::error_code error;
  if (!std::filesystem::exists(settings.paths.database(), error)) return nullptr;
  return journal::Journal::open(settings.paths.database(), journal::Journal::Mode::read_only).or_throw();
}

std::string days_left(TimePoint until) {
  const auto left = until - std::chrono::system_clock::now();
  if (left <= TimePoint::duration::zero()) return "expired";
  return format_elapsed(std::chrono::duration_cast<Milliseconds>(left));
}

std::string short_domains(const std::vector<std::string>& domains) {
  if (domains.size() <= 2) return join(domains, " ");
  return domains[0] + " and " + std::to_string(domains.size() - 1) + " more";
}

void print_certificate(const Context& context, const CertificateReport& report, const Settings& settings) {
  auto& out = context.out;
  const Certificate& certificate = report.certificate;
  const renewal::Decision& decision = report.decision;
  const auto row = [&](const std::string& label, const std::string& text) {
    if (!text.empty())
      out << "  " << coloured(context.terminal, Colour::dim, fit(context.terminal, label, 12)) << ' ' << text << '\n';
  };
  out << coloured(context.terminal, Colour::bold, certificate.name) << '\n';
  row("domains", join(certificate.domains, " "));
  row("provider", certificate.provider + (certificate.account.empty() ? "" : ", account " + certificate.account));
  row("CA", certificate.ca);
  row("hooks", join(certificate.hooks, ", "));
  if (report.current) {
    const CertificateFacts& facts = report.current->facts;
    row("valid", format_utc_minutes(facts.not_before) + " to " + format_utc_minutes(facts.not_after) + " UTC (" +
                     days_left(facts.not_after) + " left)");
    row("renewal", "from " + format_utc_minutes(decision.renew_at) + " UTC");
    row("issuer", printable(facts.issuer));
    row("serial", facts.serial);
    row("key", facts.key);
    row("files", (settings.paths.store_dir / certificate.name).string() + "/{cert,chain,fullchain,privkey}.pem");
    row("generation", std::to_string(report.current->number));
  }
  row("next", decision.action == renewal::Decision::Action::nothing ? "nothing is due: " + decision.reason
                                                                    : "due: " + decision.reason);
  if (report.state.failures > 0)
    row("failing",
        std::to_string(report.state.failures) + (report.state.failures == 1 ? " run" : " runs in a row") +
            (report.state.failure_class ? ", the last as " + std::string(to_string(*report.state.failure_class)) : "") +
            (report.state.retry_at ? ", tried again from " + format_utc_minutes(*report.state.retry_at) + " UTC" : ""));
}

void print_run(const Context& context, const Run& run) {
  auto& out = context.out;
  out << "run " << run.id << ": " << outcome_text(context.terminal, run);
  if (run.outcome) out << " in " << format_elapsed(std::chrono::duration_cast<Milliseconds>(run.ended - run.started));
  out << "\n  " << run.certificate << ": " << join(run.domains, " ") << "\n  started " << format_utc(run.started)
      << " by " << printable(to_string(run.actor)) << " because: " << printable(run.reason) << '\n';
  print_waterfall(out, context.terminal, run.timeline);
  // What blocked it stands in the failure.
  std::vector<Finding> findings;
  std::copy_if(run.findings.begin(), run.findings.end(), std::back_inserter(findings), [&](const Finding& finding) {
    return run.outcome != Outcome::blocked || finding.severity != Finding::Severity::blocking;
  });
  print_findings(out, context.terminal, findings);
  if (run.failure) print_failure(out, context.terminal, *run.failure);
  print_hooks(out, context.terminal, run);
  for (const auto& attempt : run.attempts) {
    out << "  attempt " << attempt.number << ": certbot " << attempt.certbot_version;
    if (attempt.exit_code) out << ", exit code " << *attempt.exit_code;
    if (attempt.signal) out << ", ended by signal " << *attempt.signal;
    if (!attempt.exit_code && !attempt.signal) out << ", how it ended was not seen";
    out << ", CPU " << format_elapsed(attempt.usage.user + attempt.usage.system) << ", memory "
        << attempt.usage.max_rss_kib / 1024 << " MiB\n    " << attempt.command_line << '\n';
    for (const auto& server : attempt.visibility) {
      out << "    " << server.server << ' ' << server.address << "  ";
      if (server.visible_after)
        out << "TXT visible after " << format_elapsed(*server.visible_after) << '\n';
      else
        out << "TXT not seen" << (server.error.empty() ? "" : ": " + printable(server.error)) << '\n';
    }
    if (attempt.wait_ended) out << "    wait ended after " << format_elapsed(*attempt.wait_ended) << '\n';
  }
}

int show_run(const Context& context, const Settings& settings, const std::string& id) {
  std::optional<Run> run;
  if (const auto answer = ask_service(settings, "GET", "/v1/runs/" + id)) {
    run = service::run_from_json(*answer).or_throw();
  } else if (const auto journal = open_journal(settings)) {
    run = journal->find_run(id).or_throw();
  } else {
    throw Failed({"there is no run " + printable(id), "", {}});
  }
  if (context.line.json)
    service::print_json(context.out, service::to_json(*run));
  else
    print_run(context, *run);
  return exit_done;
}

/// From the running service, or read here.
CertificateReport report_of(const service::ConfigurationPtr& configuration, const std::string& name) {
  if (const auto answer = ask_service(configuration->settings, "GET", "/v1/certificates/" + name))
    return service::report_from_json(*answer).or_throw();
  const auto journal = open_journal(configuration->settings);
  service::Roster roster(configuration, journal.get());
  std::optional<Run> last;
  if (journal) {
    journal::HistoryFilter filter;
    filter.certificate = name;
    filter.limit = 1;
    for (const auto& run : journal->history(filter)) last = journal->find_run(run.id).or_throw();
  }
  return service::report(roster, *roster.find(name), std::move(last), std::chrono::system_clock::now());
}

std::vector<Run> runs_of(const Context& context, const Settings& settings) {
  const CommandLine& line = context.line;
  std::string target = "/v1/runs?limit=" + std::to_string(line.limit);
  if (!line.names.empty()) target += "&certificate=" + percent_encoded(line.names.front());
  if (line.failed) target += "&failed=1";
  if (line.since) target += "&since=" + std::to_string(line.since->count());
  std::vector<Run> runs;
  if (const auto answer = ask_service(settings, "GET", target)) {
    for (const auto& item : answer->as_array()) runs.push_back(service::run_from_json(item).or_throw());
    return runs;
  }
  const auto journal = open_journal(settings);
  if (!journal) return runs;
  journal::HistoryFilter filter;
  // A certificate that is no longer configured still has its history.
  if (!line.names.empty()) filter.certificate = line.names.front();
  filter.failed_only = line.failed;
  if (line.since) filter.since = std::chrono::system_clock::now() - *line.since;
  if (line.limit > 0) filter.limit = static_cast<std::size_t>(line.limit);
  return journal->history(filter);
}

bool looks_like_run(const std::string& text) {
  return text.size() >= 4 && text.find_first_not_of("0123456789") >= 4;
}

}  // namespace

int list(const Context& context) {
  const auto configuration = std::make_shared<const service::Configuration>(usable_configuration(context));
  const Settings& settings = configuration->settings;
  Table table({"NAME", "DOMAINS", "PROVIDER", "EXPIRES (UTC)", "LEFT", "RENEWS FROM", "LAST RUN"});
  const auto answer = ask_service(settings, "GET", "/v1/certificates");
  if (answer && context.line.json) {
    service::print_json(context.out, *answer);
    return exit_done;
  }
  std::string array;  // as text: ten thousand values would take a lot of memory
  const auto hear = [&](const CertificateReport& report) {
    if (context.line.json) {
      array += (array.empty() ? "" : ",") + boost::json::serialize(service::to_json(report));
      return;
    }
    const auto& current = report.current;
    table.add({report.certificate.name, short_domains(report.certificate.domains), report.certificate.provider,
               current ? format_utc_minutes(current->facts.not_after) : "-",
               current ? days_left(current->facts.not_after) : "missing",
               current ? format_utc_minutes(report.decision.renew_at) : "-",
               report.last ? outcome_text(context.terminal, *report.last) : "-"});
  };
  if (answer) {
    for (const auto& item : answer->as_array()) hear(service::report_from_json(item).or_throw());
  } else {
    const auto journal = open_journal(settings);
    auto last_runs =
        std::async(std::launch::async, [&] { return journal ? journal->last_runs() : std::vector<Run>(); });
    service::Roster roster(configuration, journal.get(), true);
    roster.read_all();
    service::each_report(roster, last_runs.get(), std::chrono::system_clock::now(), hear);
  }
  if (context.line.json)
    context.out << '[' << array << "]\n";
  else
    table.print(context.out, context.terminal);
  return exit_done;
}

int show(const Context& context) {
  const auto configuration = std::make_shared<const service::Configuration>(usable_configuration(context));
  const Settings& settings = configuration->settings;
  const std::string& what = context.line.names.front();
  if (!settings.find(what)) {
    if (looks_like_run(what)) return show_run(context, settings, what);
    print_unknown_certificate(what, settings);
    return exit_usage;
  }
  const auto report = report_of(configuration, what);
  if (context.line.json) {
    service::print_json(context.out, service::to_json(report));
    return exit_done;
  }
  print_certificate(context, report, settings);
  if (report.last) {
    context.out << '\n';
    print_run(context, *report.last);
  }
  return exit_done;
}

int history(const Context& context) {
  const auto configuration = usable_configuration(context);
  const auto runs = runs_of(context, configuration.settings);
  if (context.line.json) {
    boost::json::array array;
    for (const auto& run : runs) array.push_back(service::to_json(run));
    service::print_json(context.out, array);
    return exit_done;
  }
  Table table({"STARTED (UTC)", "CERTIFICATE", "OUTCOME", "TOOK", "FAILURE", "BY", "RUN"});
  for (const auto& run : runs)
    table.add({format_utc_minutes(run.started), run.certificate, outcome_text(context.terminal, run),
               run.outcome ? format_elapsed(std::chrono::duration_cast<Milliseconds>(run.ended - run.started)) : "-",
               run.failure ? std::string(to_string(run.failure->failure_class)) : "-", printable(to_string(run.actor)),
               run.id});
  table.print(context.out, context.terminal);
  return exit_done;
}

}  // namespace certherd::cli
