#include "verbs.hpp"

#include <certherd/base/text.hpp>
#include <certherd/journal/audit_log.hpp>
#include <certherd/journal/journal.hpp>
#include <certherd/service/json.hpp>

#include <boost/json/value.hpp>

#include <unistd.h>

#include <cerrno>
#include <iostream>

namespace certherd::cli {
namespace {

boost::json::array json_of(const std::vector<Fault>& faults) {
  boost::json::array array;
  for (const auto& fault : faults) array.push_back(service::to_json(fault));
  return array;
}

std::string counted(std::size_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

}  // namespace

int config_check(const Context& context) {
  auto configuration = service::load_configuration(context.line.config, service::MapExtent::whole);
  if (configuration.valid()) service::check_surroundings(configuration);
  const Settings& settings = configuration.settings;
  if (context.line.json) {
    service::print_json(context.out, boost::json::object{{"valid", configuration.valid()},
                                                         {"file", settings.file.string()},
                                                         {"certificates", settings.certificates.size()},
                                                         {"faults", json_of(configuration.faults)},
                                                         {"warnings", json_of(configuration.warnings)}});
    return configuration.valid() ? exit_done : exit_configuration;
  }
  print_faults(configuration.faults, "");
  print_faults(configuration.warnings, "warning: ");
  if (!configuration.valid()) {
    std::cerr << settings.file.string() << ": " << counted(configuration.faults.size(), "fault") << '\n';
    return exit_configuration;
  }
  context.out << settings.file.string() << ": valid, " << counted(settings.certificates.size(), "certificate") << ", "
              << counted(settings.accounts.size(), "account") << ", " << counted(settings.hooks.size(), "hook") << '\n';
  return exit_done;
}

int audit_tail(const Context& context) {
  const auto configuration = usable_configuration(context);
  const auto lines =
      journal::tail(configuration.settings.paths.audit_log, static_cast<std::size_t>(context.line.limit)).or_throw();
  for (const auto& line : lines) context.out << line << '\n';  // JSON already
  return exit_done;
}

int audit_verify(const Context& context) {
  const auto configuration = usable_configuration(context);
  const Paths& paths = configuration.settings.paths;
  require_readable_state(configuration.settings);
  std::optional<journal::AuditHead> head;
  std::error_code error;
  if (std::filesystem::exists(paths.database(), error))
    head = journal::Journal::open(paths.database(), journal::Journal::Mode::read_only).or_throw()->audit_head();
  const auto verdict = journal::verify_audit(paths.audit_log, head);
  if (context.line.json) {
    boost::json::array files;
    for (const auto& file : verdict.files) files.push_back(boost::json::value(file.string()));
    service::print_json(
        context.out,
        boost::json::object{
            {"ok", verdict.ok},
            {"entries", verdict.entries},
            {"problem", verdict.ok ? boost::json::value(nullptr) : boost::json::value(verdict.problem)},
            {"begins_at", verdict.first},
            {"files", std::move(files)},
            {"note", verdict.note.empty() ? boost::json::value(nullptr) : boost::json::value(verdict.note)},
            {"file", verdict.file.empty() ? boost::json::value(nullptr) : boost::json::value(verdict.file.string())},
            {"line", verdict.line ? boost::json::value(*verdict.line) : boost::json::value(nullptr)}});
  } else if (verdict.ok) {
    context.out << paths.audit_log.string() << ": whole; entries in its chain: " << verdict.entries
                << (verdict.note.empty() ? "" : "; " + verdict.note) << '\n';
    if (verdict.files.size() > 1)
      for (const auto& file : verdict.files) context.out << "  " << file.string() << '\n';
  } else {
    const auto& file = verdict.file.empty() ? paths.audit_log : verdict.file;
    std::cerr << file.string() << (verdict.line ? ":" + std::to_string(*verdict.line) : "") << ": " << verdict.problem
              << "; " << verdict.entries << " entries before it are whole\n";
  }
  return verdict.ok ? exit_done : exit_failed;
}

}  // namespace certherd::cli
