#include "json.hpp"
#include "run_text.hpp"
#include "verbs.hpp"

#include <certherd/base/text.hpp>
#include <certherd/cli/waterfall.hpp>
#include <certherd/journal/journal.hpp>
#include <certherd/renewal/due.hpp>
#include <certherd/service/runner.hpp>
#include <certherd/store/current.hpp>

#include <iostream>
#include <map>

namespace certherd::cli {
namespace {

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

/// One certificate with all that is known of it.
struct Line {
  const Certificate& certificate;
  std::optional<Generation> current;
  const Run* last = nullptr;
};

boost::json::object json_of(const Line& line) {
  boost::json::object object = to_json(line.certificate);
  object["generation"] = nullptr;
  object["current"] = nullptr;
  object["renew_at"] = nullptr;
  object["last_run"] = nullptr;
  if (line.current) {
    object["generation"] = line.current->number;
    object["directory"] = line.current->directory.string();
    object["current"] = to_json(line.current->facts);
    object["renew_at"] = format_utc(renewal::renewal_time(line.current->facts));
  }
  if (line.last) object["last_run"] = to_json(*line.last);
  return object;
}

void print_certificate(const Context& context, const Line& line, const Settings& settings,
                       const renewal::Decision& decision) {
  auto& out = context.out;
  const Certificate& certificate = line.certificate;
  const auto row = [&](const std::string& label, const std::string& text) {
    if (!text.empty())
      out << "  " << coloured(context.terminal, Colour::dim, fit(context.terminal, label, 12)) << ' ' << text << '\n';
  };
  out << coloured(context.terminal, Colour::bold, certificate.name) << '\n';
  row("domains", join(certificate.domains, " "));
  row("provider", certificate.provider + (certificate.account.empty() ? "" : ", account " + certificate.account));
  row("CA", certificate.ca);
  row("hooks", join(certificate.hooks, ", "));
  if (line.current) {
    const CertificateFacts& facts = line.current->facts;
    row("valid", format_utc_minutes(facts.not_before) + " to " + format_utc_minutes(facts.not_after) + " UTC (" +
                     days_left(facts.not_after) + " left)");
    row("renewal", "from " + format_utc_minutes(decision.renew_at) + " UTC");
    row("issuer", printable(facts.issuer));
    row("serial", facts.serial);
    row("key", facts.key);
    row("files", (settings.paths.store_dir / certificate.name).string() + "/{cert,chain,fullchain,privkey}.pem");
    row("generation", std::to_string(line.current->number));
  }
  row("next", decision.action == renewal::Decision::Action::nothing ? "nothing is due: " + decision.reason
                                                                    : "due: " + decision.reason);
}

void print_run(const Context& context, const Run& run) {
  auto& out = context.out;
  out << "run " << run.id << ": " << outcome_text(context.terminal, run);
  if (run.outcome) out << " in " << format_elapsed(std::chrono::duration_cast<Milliseconds>(run.ended - run.started));
  out << "\n  " << run.certificate << ": " << join(run.domains, " ") << "\n  started " << format_utc(run.started)
      << " by " << printable(to_string(run.actor)) << " because: " << printable(run.reason) << '\n';
  print_waterfall(out, context.terminal, run.timeline);
  if (run.failure) print_failure(out, context.terminal, *run.failure);
  print_hooks(out, context.terminal, run);
  for (const auto& attempt : run.attempts) {
    out << "  attempt " << attempt.number << ": certbot " << attempt.certbot_version;
    if (attempt.exit_code) out << ", exit code " << *attempt.exit_code;
    if (attempt.signal) out << ", ended by signal " << *attempt.signal;
    out << ", CPU " << format_elapsed(attempt.usage.user + attempt.usage.system) << ", memory "
        << attempt.usage.max_rss_kib / 1024 << " MiB\n    " << attempt.command_line << '\n';
  }
}

int show_run(const Context& context, journal::Journal* journal, const std::string& id) {
  const Result<Run> run =
      journal ? journal->find_run(id) : Result<Run>(Fault{"there is no run " + printable(id), "", {}});
  if (!run) {
    std::cerr << run.fault().text() << '\n';
    return exit_failed;
  }
  if (context.line.json)
    print_json(context.out, to_json(*run));
  else
    print_run(context, *run);
  return exit_done;
}

bool looks_like_run(const std::string& text) {
  return text.size() >= 4 && text.find_first_not_of("0123456789") >= 4;
}

}  // namespace

int list(const Context& context) {
  const auto configuration = usable_configuration(context);
  const Settings& settings = configuration.settings;
  const auto journal = open_journal(settings);
  const auto runs = journal ? journal->last_runs() : std::vector<Run>{};
  std::map<std::string_view, const Run*> last;
  for (const auto& run : runs) last[run.certificate] = &run;
  Table table({"NAME", "DOMAINS", "PROVIDER", "EXPIRES (UTC)", "LEFT", "RENEWS FROM", "LAST RUN"});
  boost::json::array array;
  for (const auto& certificate : settings.certificates) {
    const auto found = last.find(certificate.name);
    const Line line{certificate, store::current(settings.paths, certificate.name),
                    found == last.end() ? nullptr : found->second};
    if (context.line.json) {
      array.push_back(json_of(line));
      continue;
    }
    const auto& current = line.current;
    table.add({certificate.name, short_domains(certificate.domains), certificate.provider,
               current ? format_utc_minutes(current->facts.not_after) : "-",
               current ? days_left(current->facts.not_after) : "missing",
               current ? format_utc_minutes(renewal::renewal_time(current->facts)) : "-",
               line.last ? outcome_text(context.terminal, *line.last) : "-"});
  }
  if (context.line.json)
    print_json(context.out, array);
  else
    table.print(context.out, context.terminal);
  return exit_done;
}

int show(const Context& context) {
  const auto configuration = usable_configuration(context);
  const Settings& settings = configuration.settings;
  const auto journal = open_journal(settings);
  const std::string& what = context.line.names.front();
  const Certificate* certificate = settings.find(what);
  if (!certificate && looks_like_run(what)) return show_run(context, journal.get(), what);
  if (!certificate) {
    print_unknown_certificate(what, settings);
    return exit_usage;
  }
  std::optional<Run> last;
  if (journal) {
    journal::HistoryFilter filter;
    filter.certificate = certificate->name;
    filter.limit = 1;
    for (const auto& run : journal->history(filter)) last = journal->find_run(run.id).or_throw();
  }
  const Line line{*certificate, store::current(settings.paths, certificate->name), last ? &*last : nullptr};
  if (context.line.json) {
    print_json(context.out, json_of(line));
    return exit_done;
  }
  print_certificate(context, line, settings,
                    service::decide(settings, journal.get(), *certificate, std::chrono::system_clock::now(), false));
  if (last) {
    context.out << '\n';
    print_run(context, *last);
  }
  return exit_done;
}

int history(const Context& context) {
  const auto configuration = usable_configuration(context);
  const auto journal = open_journal(configuration.settings);
  journal::HistoryFilter filter;
  // A certificate that is no longer configured still has its history.
  if (!context.line.names.empty()) filter.certificate = context.line.names.front();
  filter.failed_only = context.line.failed;
  if (context.line.since) filter.since = std::chrono::system_clock::now() - *context.line.since;
  if (context.line.limit > 0) filter.limit = static_cast<std::size_t>(context.line.limit);
  const auto runs = journal ? journal->history(filter) : std::vector<Run>{};
  if (context.line.json) {
    boost::json::array array;
    for (const auto& run : runs) array.push_back(to_json(run));
    print_json(context.out, array);
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
