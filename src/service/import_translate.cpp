#include "import_translate.hpp"

#include <certherd/base/text.hpp>
#include <certherd/certbot/arguments.hpp>
#include <certherd/config/domain.hpp>
#include <certherd/model/zones.hpp>
#include <certherd/os/file.hpp>
#include <certherd/store/verify.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace certherd::service {
namespace fs = std::filesystem;
namespace {

/// Options of [renewalparams] that are translated here, or say nothing about the certificate.
constexpr std::array<std::string_view, 27> understood{"account",
                                                      "archive_dir",
                                                      "authenticator",
                                                      "autorenew",
                                                      "config_dir",
                                                      "deploy_hook",
                                                      "elliptic_curve",
                                                      "installer",
                                                      "key_type",
                                                      "logs_dir",
                                                      "must_staple",
                                                      "post_hook",
                                                      "pre_hook",
                                                      "pref_challs",
                                                      "preferred_chain",
                                                      "preferred_profile",
                                                      "renew_hook",
                                                      "required_profile",
                                                      "reuse_key",
                                                      "rsa_key_size",
                                                      "server",
                                                      "version",
                                                      "work_dir",
                                                      "renew_by_default",
                                                      "manual_public_ip_logging_ok",
                                                      "allow_subset_of_names",
                                                      "expand"};

const char* why_not_dns(const std::string& authenticator) {
  if (authenticator == "manual") return "it is validated by the plugin 'manual', that is by scripts or by hand";
  for (const char* http : {"webroot", "nginx", "apache", "standalone"})
    if (authenticator == http) return "it is validated over HTTP, and certherd validates over DNS alone";
  return nullptr;
}

}  // namespace

std::string option_of_flag(const std::string& flag) {
  std::string option = flag.substr(std::min(flag.find_first_not_of('-'), flag.size()));
  std::replace(option.begin(), option.end(), '-', '_');
  return option;
}

void ImportTranslation::add(const fs::path& file) {
  ImportedCertificate one;
  Certificate& wanted = one.wanted;
  wanted.name = file.stem().string();
  const auto text = os::read_file(file);
  const auto conf = text ? parse_lineage_conf(*text, wanted.name) : Result<LineageConf>(text.fault());
  if (!conf) {
    import_.remarks.push_back({wanted.name, conf.fault().text(), true, {}});
    return;
  }
  const std::size_t remarks_before = import_.remarks.size();
  try {
    translate(*conf, one);
    import_.certificates.push_back(std::move(one));
  } catch (const LeftOut& left) {
    // What else there is to say is of no use to somebody who first has to see to this.
    import_.remarks.resize(remarks_before);
    const bool told = !wanted.domains.empty() && !wanted.provider.empty() && config::fit_as_name(wanted.name);
    import_.remarks.push_back({wanted.name, left.why, true, told ? std::optional<Certificate>(wanted) : std::nullopt});
  }
}

void ImportTranslation::translate(const LineageConf& conf, ImportedCertificate& one) {
  Certificate& wanted = one.wanted;
  read_files(conf, one);
  take_domains(one);
  if (const auto* present = settings_.find(wanted.name)) {
    one.wanted = *present;
    one.configured = true;
    remark(one, "the configuration has it already (" + to_string(present->mark) + ")");
    return;
  }
  take_key(conf, one);
  take_options(conf, one);
  const Provider& provider = take_provider(conf, one);
  take_ca(conf, one);
  take_account(conf, provider, one);
  take_certbot_args(conf, provider, one);
  check(provider, one);
  take_hooks(conf, one);
}

/// DIR/live/NAME, also where DIR is a copy and the renewal file names the original. A lineage that somebody has moved
/// is where the renewal file says.
void ImportTranslation::read_files(const LineageConf& conf, ImportedCertificate& one) {
  one.live = import_.directory / "live" / conf.name;
  if (const auto named = conf.paths.find("cert"); named != conf.paths.end()) {
    const fs::path directory = fs::path(named->second).parent_path();
    if (directory.filename() != conf.name || directory.parent_path().filename() != "live") one.live = directory;
  }
  auto pems = store::read_pem_set(one.live);
  if (!pems) throw LeftOut{pems.fault().text()};
  const auto facts = store::read_facts(pems->cert, (one.live / "cert.pem").string());
  if (!facts) throw LeftOut{facts.fault().text()};
  one.pems = std::move(*pems);
  one.facts = *facts;
}

void ImportTranslation::take_domains(ImportedCertificate& one) {
  if (one.facts.domains.empty()) throw LeftOut{"its certificate is for no domain"};
  for (const auto& domain : one.facts.domains) {
    const auto checked = config::normalise_domain(domain);
    if (!checked) throw LeftOut{checked.fault().text()};
    one.wanted.domains.push_back(*checked);
  }
  if (!config::fit_as_name(one.wanted.name))
    throw LeftOut{"'" + printable(one.wanted.name) +
                  "' cannot be the name of a certificate: " + "use letters, digits, '.', '-' and '_'"};
}

/// The key that the certificate has: what was asked for since would mean a new order.
void ImportTranslation::take_key(const LineageConf& conf, ImportedCertificate& one) {
  const auto words = split(one.facts.key, ' ');
  const auto size = words.size() == 2 ? parse_number(words[1]) : std::nullopt;
  static const std::set<std::string> curves{"secp256r1", "secp384r1", "secp521r1"};
  if (words[0] == "rsa" && size && *size >= 2048 && *size <= 8192) {
    one.wanted.key_type = KeyType::rsa;
    one.wanted.rsa_key_size = static_cast<int>(*size);
  } else if (words[0] == "ecdsa" && words.size() == 2 && curves.contains(words[1])) {
    one.wanted.elliptic_curve = words[1];
  } else {
    throw LeftOut{"its key is " + one.facts.key + ", which certherd does not order"};
  }
  const std::string type = conf.option("key_type");
  if (!type.empty() && type != words[0])
    remark(one, "its key is " + one.facts.key + " and stays so, though its renewal file says key_type = " + type);
}

void ImportTranslation::take_options(const LineageConf& conf, ImportedCertificate& one) {
  Certificate& wanted = one.wanted;
  wanted.reuse_key = conf.is_true("reuse_key");
  wanted.preferred_chain = conf.option("preferred_chain");
  wanted.profile = conf.option("required_profile");
  if (const std::string preferred = conf.option("preferred_profile"); wanted.profile.empty() && !preferred.empty()) {
    wanted.profile = preferred;
    remark(one, "the ACME profile '" + preferred + "' was preferred and is required now");
  }
  if (conf.is_true("allow_subset_of_names"))
    remark(one, "allow_subset_of_names is not carried over: all of its domains must be valid");
  if (const std::string installer = conf.option("installer"); !installer.empty())
    remark(one, "certbot's installer '" + installer +
                    "' edited a server's configuration: point that to certherd's store yourself");
  const std::string own = option_of_flag("--" + conf.option("authenticator"));
  for (const auto& [key, value] : conf.options) {
    const bool known = std::find(understood.begin(), understood.end(), key) != understood.end();
    if (!known && !key.starts_with(own + "_"))
      remark(one, "the option " + printable(key) + " of its renewal file is not carried over");
  }
}

const Provider& ImportTranslation::take_provider(const LineageConf& conf, ImportedCertificate& one) {
  std::string authenticator = conf.option("authenticator");
  if (authenticator.empty()) throw LeftOut{"its renewal file names no authenticator"};
  // certbot before 1.7 knew plugins of others as "distribution:plugin".
  authenticator.erase(0, authenticator.rfind(':') + 1);
  if (const char* why = why_not_dns(authenticator))
    throw LeftOut{std::string(why) + "; write an entry with a dns_provider for it"};
  std::vector<const Provider*> fits;
  for (const auto& [id, provider] : providers_)
    if (provider.authenticator == authenticator) fits.push_back(&provider);
  if (fits.empty())
    throw LeftOut{"its plugin '" + printable(authenticator) +
                  "' is not in the plugins-map; plugins-map/README.md says how to add it"};
  const auto named = std::find_if(fits.begin(), fits.end(), [&](const Provider* provider) {
    return !conf.option(option_of_flag(provider->credentials_flag)).empty();
  });
  const Provider& provider = named != fits.end() ? **named : *fits.front();
  one.wanted.provider = provider.id;
  const std::string seconds = conf.option(option_of_flag(provider.propagation_flag));
  if (const auto number = parse_number(seconds); number && *number <= 86400)
    one.wanted.propagation = Seconds(*number);
  else if (!seconds.empty())
    remark(one, "its propagation time '" + printable(seconds) + "' is not carried over");
  return provider;
}

void ImportTranslation::take_certbot_args(const LineageConf& conf, const Provider& provider, ImportedCertificate& one) {
  if (!conf.is_true("must_staple")) return;
  const std::string argument = "--must-staple";
  if (certbot::refused_argument(argument, provider))
    remark(one, "must_staple is not carried over");
  else
    one.wanted.certbot_args.push_back(argument);
}

/// Whether it may be published as it is, and is worth renewing.
void ImportTranslation::check(const Provider& provider, ImportedCertificate& one) {
  if (one.facts.not_after <= now_)
    throw LeftOut{"it expired at " + format_utc_minutes(one.facts.not_after) +
                  " UTC; if it is still needed, take its entry into the configuration"};
  if (const auto facts = store::verify(one.pems, one.wanted, now_, nullptr); !facts)
    throw LeftOut{one.live.string() + ": " + facts.fault().text()};
  std::set<std::string> names;
  for (const auto& domain : one.wanted.domains)
    if (!names.insert(challenge_name(domain)).second && provider.single_txt)
      throw LeftOut{"provider '" + provider.id + "' holds one TXT record for a name, and '" + challenge_name(domain) +
                    "' would need two; make two certificates of it"};
}

}  // namespace certherd::service
