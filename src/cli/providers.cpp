#include "verbs.hpp"

#include <certherd/base/text.hpp>
#include <certherd/certbot/installed.hpp>
#include <certherd/service/engine_desk.hpp>
#include <certherd/service/json.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>

#include <iostream>

namespace certherd::cli {
namespace {

struct Found {
  Result<certbot::InstalledCertbot> certbot = Fault{};
  Result<certbot::HostFacts> in_memory = Fault{};  ///< or why it is not kept there
};

boost::asio::awaitable<void> look(const Settings& settings, service::EngineDesk& engines, os::StopSignal& stop,
                                  Found& found) {
  found.certbot =
      co_await certbot::inspect_certbot(settings.certbot.executable, settings.paths.state_dir / "certbot.json", stop);
  if (!found.certbot) co_return;
  if (settings.certbot.engine == EngineChoice::plain)
    found.in_memory = Fault{"the configuration says engine: plain", {}, {}};
  else
    found.in_memory = co_await engines.probe(*found.certbot);
  engines.close();
}

/// certbot and its plugins, or why they cannot be told. No configuration is needed to look at the plugins-map.
Found look_at_certbot(const Settings& settings) {
  boost::asio::io_context io{1};
  os::StopSignal stop(io.get_executor());
  service::EngineDesk engines(io.get_executor(), [] { return true; });
  Found found;
  boost::asio::co_spawn(io, look(settings, engines, stop, found), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  io.run();
  return found;
}

std::string engine_text(const Found& found) {
  if (!found.in_memory) return "plain, each run starts certbot anew: " + found.in_memory.fault().message;
  return "warm, certbot " + found.in_memory->certbot_version + " is kept in memory with " +
         std::to_string(found.in_memory->plugins) + " plugins (" + std::to_string(found.in_memory->rss_kib / 1024) +
         " MiB) where several runs are wanted at a time";
}

boost::json::object engine_json(const Found& found) {
  if (found.in_memory) return {{"kind", "warm"}, {"reason", nullptr}};
  return {{"kind", "plain"}, {"reason", found.in_memory.fault().message}};
}

std::string installed_text(const Result<certbot::InstalledCertbot>& certbot, const Provider& provider) {
  if (!certbot) return "?";
  const auto found = certbot->authenticators.find(provider.authenticator);
  if (found == certbot->authenticators.end()) return "no";
  return found->second.empty() ? "yes" : found->second;
}

std::string credentials_text(const Provider& provider) {
  switch (provider.credentials_kind) {
    case CredentialsKind::ini_file:
      return "ini file";
    case CredentialsKind::json_file:
      return "JSON file";
    case CredentialsKind::file:
      return "file";
    case CredentialsKind::environment:
      return "environment";
    case CredentialsKind::none:
      return "none";
  }
  return {};
}

/// An account that can be pasted into the configuration.
void print_example(std::ostream& out, const Provider& provider) {
  if (provider.credentials_kind == CredentialsKind::none || provider.keys.empty()) return;
  out << "\n  # in the configuration\n  accounts:\n    " << provider.id << "-main:\n      provider: " << provider.id
      << "\n      zones: [example.com]\n      credentials:\n";
  const std::vector<std::string>* set = provider.alternatives.empty() ? nullptr : &provider.alternatives.front();
  for (const auto& key : provider.keys) {
    const bool in_set = set && std::find(set->begin(), set->end(), key.name) != set->end();
    if (!key.required && !in_set) continue;
    out << "        " << key.name << (key.pattern ? "1" : "") << ": "
        << (key.secret ? "{file: /etc/certherd/credentials/" + key.name + "}" : "...") << '\n';
  }
}

void print_provider(const Context& context, const Provider& provider,
                    const Result<certbot::InstalledCertbot>& certbot) {
  auto& out = context.out;
  const auto row = [&](const std::string& label, const std::string& text) {
    if (!text.empty())
      out << "  " << coloured(context.terminal, Colour::dim, fit(context.terminal, label, 13)) << ' ' << text << '\n';
  };
  const auto seconds = [](const std::optional<Seconds>& s) {
    return s ? std::to_string(s->count()) + " s" : std::string();
  };
  out << coloured(context.terminal, Colour::bold, provider.id) << "  " << provider.title << '\n';
  row("plugin", provider.authenticator);
  row("installed", installed_text(certbot, provider));
  row("Debian", provider.debian_package);
  row("PyPI", provider.pypi_package);
  row("credentials", credentials_text(provider) +
                         (provider.credentials_flag.empty() ? "" : ", " + provider.credentials_flag) +
                         (provider.credentials_optional ? " (optional)" : ""));
  for (const auto& key : provider.keys)
    row("  key", key.name + (key.pattern ? "*" : "") + (key.required ? ", required" : "") +
                     (key.secret ? ", secret" : "") + (key.file ? ", path of a second file" : "") +
                     (key.description.empty() ? "" : ": " + key.description));
  if (!provider.alternatives.empty()) {
    std::vector<std::string> sets;
    for (const auto& set : provider.alternatives) sets.push_back(join(set, " + "));
    row("exactly one", join(sets, "   or   "));
  }
  row("propagation", provider.propagation_flag.empty() ? "the plugin has no such flag" : provider.propagation_flag);
  if (provider.propagation_flag_until)
    row("", "gone from certbot " + to_string(*provider.propagation_flag_until) + " on");
  row("waits",
      std::to_string(provider.seconds().count()) + " s" +
          (provider.default_seconds ? " (the plugin's default: " + seconds(provider.default_seconds) + ")" : ""));
  if (provider.single_txt) row("limit", "one TXT record for a name: no apex and wildcard in one certificate");
  if (provider.certbot_min) row("certbot", "from " + to_string(*provider.certbot_min));
  if (provider.certbot_below) row("certbot", "below " + to_string(*provider.certbot_below));
  row("confidence", provider.confidence);
  row("note", provider.note);
  row("entry", provider.mark.file);
  print_example(out, provider);
}

boost::json::object provider_json(const Found& found, const Provider& provider) {
  auto object = service::to_json(provider);
  object["installed"] = installed_text(found.certbot, provider);
  if (found.certbot) object["engine"] = engine_json(found);
  return object;
}

void print_engine(std::ostream& out, const Found& found) {
  if (found.certbot) out << "\nengine: " << printable(engine_text(found)) << '\n';
}

int print_one(const Context& context, const service::Configuration& configuration, const Found& found) {
  const std::string& id = context.line.names.front();
  const auto entry = configuration.providers.find(id);
  if (entry == configuration.providers.end()) {
    std::vector<std::string> ids;
    for (const auto& [known, unused] : configuration.providers) ids.push_back(known);
    std::cerr << "there is no provider '" << printable(id) << "'";
    if (const auto meant = closest(id, ids)) std::cerr << "; did you mean '" << *meant << "'?";
    std::cerr << '\n';
    return exit_usage;
  }
  if (context.line.json) {
    service::print_json(context.out, provider_json(found, entry->second));
  } else {
    print_provider(context, entry->second, found.certbot);
    print_engine(context.out, found);
  }
  return exit_done;
}

int print_all(const Context& context, const service::Configuration& configuration, const Found& found) {
  if (context.line.json) {
    boost::json::array array;
    for (const auto& [id, provider] : configuration.providers) array.push_back(provider_json(found, provider));
    service::print_json(context.out, array);
    return exit_done;
  }
  Table table({"ID", "PROVIDER", "PLUGIN", "INSTALLED", "CREDENTIALS", "WAITS", "DEBIAN PACKAGE"});
  for (const auto& [id, provider] : configuration.providers)
    table.add({id, provider.title, provider.authenticator, installed_text(found.certbot, provider),
               credentials_text(provider), std::to_string(provider.seconds().count()) + " s",
               provider.debian_package.empty() ? "-" : provider.debian_package});
  table.print(context.out, context.terminal);
  print_engine(context.out, found);
  return exit_done;
}

}  // namespace

int providers(const Context& context) {
  const auto configuration = service::load_configuration(context.line.config, service::MapExtent::whole);
  const Found found = look_at_certbot(configuration.settings);
  if (!found.certbot) std::cerr << "warning: " << found.certbot.fault().text() << '\n';
  if (found.certbot)
    for (const auto& broken : found.certbot->broken) std::cerr << "warning: broken certbot plugin: " << broken << '\n';
  return context.line.names.empty() ? print_all(context, configuration, found)
                                    : print_one(context, configuration, found);
}

}  // namespace certherd::cli
