#include "verbs.hpp"

#include <certherd/base/text.hpp>
#include <certherd/certbot/installed.hpp>
#include <certherd/service/json.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>

#include <iostream>

namespace certherd::cli {
namespace {

/// certbot and its plugins, or why they cannot be told. No configuration is needed to look at the plugins-map.
Result<certbot::InstalledCertbot> look_at_certbot(const Settings& settings) {
  boost::asio::io_context io{1};
  os::StopSignal stop(io.get_executor());
  Result<certbot::InstalledCertbot> result = Fault{};
  boost::asio::co_spawn(
      io,
      [&]() -> boost::asio::awaitable<void> {
        result = co_await certbot::inspect_certbot(settings.certbot.executable,
                                                   settings.paths.state_dir / "certbot.json", stop);
      },
      [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
      });
  io.run();
  return result;
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

}  // namespace

int providers(const Context& context) {
  const auto configuration = service::load_configuration(context.line.config, service::MapExtent::whole);
  const auto certbot = look_at_certbot(configuration.settings);
  if (!certbot) std::cerr << "warning: " << certbot.fault().text() << '\n';
  if (certbot)
    for (const auto& broken : certbot->broken) std::cerr << "warning: broken certbot plugin: " << broken << '\n';
  if (!context.line.names.empty()) {
    const auto found = configuration.providers.find(context.line.names.front());
    if (found == configuration.providers.end()) {
      std::vector<std::string> ids;
      for (const auto& [id, unused] : configuration.providers) ids.push_back(id);
      std::cerr << "there is no provider '" << printable(context.line.names.front()) << "'";
      if (const auto meant = closest(context.line.names.front(), ids))
        std::cerr << "; did you mean '" << *meant << "'?";
      std::cerr << '\n';
      return exit_usage;
    }
    if (context.line.json) {
      auto object = service::to_json(found->second);
      object["installed"] = installed_text(certbot, found->second);
      service::print_json(context.out, object);
    } else {
      print_provider(context, found->second, certbot);
    }
    return exit_done;
  }
  Table table({"ID", "PROVIDER", "PLUGIN", "INSTALLED", "CREDENTIALS", "WAITS", "DEBIAN PACKAGE"});
  boost::json::array array;
  for (const auto& [id, provider] : configuration.providers) {
    if (context.line.json) {
      auto object = service::to_json(provider);
      object["installed"] = installed_text(certbot, provider);
      array.push_back(std::move(object));
    }
    table.add({id, provider.title, provider.authenticator, installed_text(certbot, provider),
               credentials_text(provider), std::to_string(provider.seconds().count()) + " s",
               provider.debian_package.empty() ? "-" : provider.debian_package});
  }
  if (context.line.json)
    service::print_json(context.out, array);
  else
    table.print(context.out, context.terminal);
  return exit_done;
}

}  // namespace certherd::cli
