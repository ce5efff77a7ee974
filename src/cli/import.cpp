#include "runs.hpp"

#include <certherd/base/text.hpp>
#include <certherd/ca/known_cas.hpp>
#include <certherd/os/file.hpp>
#include <certherd/service/import_certbot.hpp>
#include <certherd/service/json.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <iostream>

namespace certherd::cli {
namespace fs = std::filesystem;
namespace {

/// What is done with the import, and how that went.
struct Written {
  fs::path file;          ///< empty: none was needed
  bool included = false;  ///< the configuration includes it already
  std::vector<service::Adopted> adopted;
};

/// The configuration that the import joins; before there is one, an empty one.
service::Configuration configuration_to_join(const Context& context) {
  std::error_code error;
  const bool present = fs::exists(context.line.config, error);
  if (present || context.line.write) return usable_configuration(context, service::MapExtent::whole);
  auto configuration = service::load_configuration(context.line.config, service::MapExtent::whole);
  configuration.settings = Settings{};
  for (const auto& [id, known] : ca::known_cas()) {
    Ca ca;
    ca.id = id;
    ca.server = known.server;
    configuration.settings.cas.emplace(id, std::move(ca));
  }
  return configuration;
}

/// The configuration with the new file. Throws ConfigurationInvalid, the file gone again, when the two do not go
/// together.
service::Configuration joined(const Context& context, const service::CertbotImport& import, Written& written) {
  auto configuration = service::load_configuration(context.line.config, service::MapExtent::whole);
  const auto knows_all = [&] {
    return std::all_of(import.certificates.begin(), import.certificates.end(),
                       [&](const auto& one) { return configuration.settings.find(one.wanted.name) != nullptr; });
  };
  written.included = knows_all();
  if (!written.included && configuration.valid())
    configuration = service::load_configuration(context.line.config, service::MapExtent::whole, {written.file});
  if (configuration.valid()) return configuration;
  print_faults(configuration.faults, "");
  if (!written.file.empty()) {
    std::error_code ignored;
    fs::remove(written.file, ignored);
    std::cerr << written.file.string() << " would not go together with the configuration and was removed again\n";
  }
  throw ConfigurationInvalid{};
}

/// Throws StateHeld with what to do about a service that runs.
service::State take_state_for_import(const Settings& settings) {
  try {
    return service::take_state(settings);
  } catch (const service::StateHeld& held) {
    throw service::StateHeld({held.fault().message,
                              "where that is the service: systemctl stop certherd, import again, systemctl start "
                              "certherd; without --write it need not be stopped",
                              {}});
  }
}

Written write(const Context& context, const service::CertbotImport& import, const Settings& settings,
              const std::string& yaml, TimePoint now) {
  Written written;
  const StateForItsOwner for_owner(settings);
  // First of all: nobody else may publish meanwhile, and a host that cannot keep state gets no configuration.
  service::State state = take_state_for_import(settings);
  if (import.has_news()) {
    const fs::path directory = settings.file.parent_path() / "conf.d";
    written.file = directory / "imported-certbot.yaml";
    std::error_code error;
    if (fs::exists(fs::symlink_status(written.file, error)))
      throw Failed({written.file.string() + " is there already, of an earlier import, and is left alone",
                    "move its entries to a file of another name, or move it away, and import again",
                    {}});
    if (!fs::is_directory(directory, error)) os::make_directory(directory, 0755).or_throw();
    os::create_file(written.file, yaml, 0644).or_throw();
    os::sync_directory(directory).or_throw();
  }
  const auto configuration = joined(context, import, written);
  written.adopted = service::adopt(state, configuration.settings, import, local_user(), now);
  return written;
}

void print_remarks(const service::CertbotImport& import) {
  for (const auto& remark : import.remarks) {
    std::cerr << (remark.left_out ? "left out: " : "note: ");
    if (!remark.lineage.empty()) std::cerr << printable(remark.lineage) << ": ";
    std::cerr << printable(remark.text) << '\n';
  }
}

std::string to_include(const Settings& settings) {
  return "add it to 'include' of " + settings.file.string() + ": include: [conf.d/*.yaml]";
}

void print(const Context& context, const Settings& settings, const Written& written) {
  std::ostream& out = context.out;
  if (!written.file.empty()) {
    out << "wrote " << written.file.string() << '\n';
    if (written.included)
      out << "the configuration includes it\n";
    else
      std::cerr << "the configuration does not include it yet: " << to_include(settings) << '\n';
  }
  for (const auto& one : written.adopted) {
    out << one.certificate << ": ";
    if (one.generation)
      out << coloured(context.terminal, Colour::green, "published") << " as it is, valid until "
          << format_utc_minutes(one.generation->facts.not_after) << " UTC\n";
    else if (one.fault)
      out << coloured(context.terminal, Colour::red, "not published") << ": " << one.fault->text() << '\n';
    else
      out << one.note << '\n';
  }
  if (written.adopted.empty()) out << "nothing to take over\n";
}

boost::json::value json_of(const service::Adopted& adopted) {
  if (adopted.generation)
    return boost::json::object{
        {"published", true}, {"generation", adopted.generation->number}, {"note", nullptr}, {"fault", nullptr}};
  return boost::json::object{
      {"published", false},
      {"generation", nullptr},
      {"note", adopted.note.empty() ? boost::json::value(nullptr) : boost::json::value(adopted.note)},
      {"fault", adopted.fault ? boost::json::value(adopted.fault->text()) : boost::json::value(nullptr)}};
}

boost::json::object json_of(const service::CertbotImport& import, const std::string& yaml, const Written& written) {
  boost::json::array certificates;
  for (const auto& one : import.certificates) {
    boost::json::object object = service::to_json(one.wanted);
    object["configured"] = one.configured;
    object["live"] = one.live.string();
    object["facts"] = service::to_json(one.facts);
    object["adopted"] = nullptr;
    for (const auto& adopted : written.adopted)
      if (adopted.certificate == one.wanted.name) object["adopted"] = json_of(adopted);
    certificates.push_back(std::move(object));
  }
  boost::json::array left_out, notes;
  for (const auto& remark : import.remarks)
    (remark.left_out ? left_out : notes)
        .push_back(
            boost::json::object{{"certificate", remark.lineage.empty() ? boost::json::value(nullptr)
                                                                       : boost::json::value(printable(remark.lineage))},
                                {"text", printable(remark.text)}});
  return {{"directory", import.directory.string()},
          {"certificates", std::move(certificates)},
          {"left_out", std::move(left_out)},
          {"notes", std::move(notes)},
          {"yaml", yaml},
          {"file", written.file.empty() ? boost::json::value(nullptr) : boost::json::value(written.file.string())},
          {"included", written.file.empty() ? boost::json::value(nullptr) : boost::json::value(written.included)}};
}

int exit_code(const Written& written) {
  const auto failed = std::count_if(written.adopted.begin(), written.adopted.end(),
                                    [](const auto& one) { return one.fault.has_value(); });
  if (failed == 0) return exit_done;
  return failed == static_cast<std::ptrdiff_t>(written.adopted.size()) ? exit_failed : exit_some_failed;
}

}  // namespace

int import_certbot(const Context& context) {
  const auto configuration = configuration_to_join(context);
  const Settings& settings = configuration.settings;
  const auto now = std::chrono::system_clock::now();
  const auto import =
      service::read_certbot_directory(context.line.names.front(), settings, configuration.providers, now).or_throw();
  const std::string yaml = service::import_yaml(import, now);
  Written written;
  if (context.line.write) written = write(context, import, settings, yaml, now);
  if (context.line.json) {
    service::print_json(context.out, json_of(import, yaml, written));
    return exit_code(written);
  }
  print_remarks(import);
  if (context.line.write)
    print(context, settings, written);
  else
    context.out << yaml;
  return exit_code(written);
}

}  // namespace certherd::cli
