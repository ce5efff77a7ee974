#include <certherd/ca/known_cas.hpp>
#include <certherd/certbot/lineage.hpp>
#include <certherd/dns/survey.hpp>
#include <certherd/preflight/examine.hpp>
#include <certherd/service/preflight.hpp>

#include <algorithm>
#include <map>

namespace certherd::service {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

/// Of a whole preflight before an order.
constexpr std::chrono::seconds brief{5};
/// Runs that begin so shortly after one another ask together.
constexpr std::chrono::seconds batch_time{1};
/// For the CA's directory, when a Run needs to know its names.
constexpr Seconds brief_patience{3};
/// For a provider that is asked what an Account may do.
constexpr Seconds thorough_patience{20};

Milliseconds left_of(Milliseconds whole, Clock::time_point begun) {
  return std::max(Milliseconds(1), whole - std::chrono::duration_cast<Milliseconds>(Clock::now() - begun));
}

dns::ClientOptions client_options(const DnsSettings& dns) {
  dns::ClientOptions options;
  options.resolvers = dns.resolvers.empty() ? dns::system_resolvers() : dns.resolvers;
  return options;
}

/// How others see it. What the host itself uses is asked like they are, so that its answers stand beside theirs.
dns::SurveyOptions survey_options(const DnsSettings& dns, const std::vector<std::string>& own, bool with_public) {
  dns::SurveyOptions options;
  options.port = dns.port;
  const std::string whose = dns.resolvers.empty() ? "the system's resolver " : "the configured resolver ";
  options.views.push_back({whose + own.front(), own, true});
  if (with_public)
    for (const auto& resolver : dns.public_resolvers)
      options.views.push_back({"the public resolver " + resolver, {resolver}, false});
  return options;
}

/// What a Certificate's Account and Provider mean for all of its Domains.
preflight::Question question_for(const Settings& settings, const Certificate& certificate, const Provider& provider) {
  preflight::Question question;
  question.ca = certificate.ca;
  question.account_uri =
      certbot::account_uri(settings.paths.ca_account_dir(certificate.ca), settings.cas.at(certificate.ca).server);
  question.account = certificate.account;
  if (const auto account = settings.accounts.find(certificate.account); account != settings.accounts.end())
    question.account_zones = account->second.zones;
  for (const auto& [id, account] : settings.accounts)
    if (id != certificate.account) question.other_accounts.push_back({id, account.zones});
  question.provider = {provider.id, provider.follows_cname || provider.own_zone, provider.own_zone,
                       provider.single_txt};
  return question;
}

}  // namespace

/// The Client of the present batch, or that of a new one.
std::shared_ptr<dns::Client> PreflightDesk::client_of(const ConfigurationPtr& configuration) {
  const auto now = std::chrono::steady_clock::now();
  if (!batch_.client || batch_.configuration != configuration || now - batch_.begun > batch_time) {
    auto options = client_options(configuration->settings.dns);
    options.deadline = now + brief;
    batch_ = {std::make_shared<dns::Client>(executor_, directories_.pool(), std::move(options)), configuration, now};
  }
  return batch_.client;
}

/// The configuration's word, or the CA's own, or what is known of the CA.
asio::awaitable<std::vector<std::string>> PreflightDesk::identities(Ca ca, Seconds patience) {
  if (!ca.caa_identities.empty()) co_return ca.caa_identities;
  const auto directory = co_await directories_.of(ca, patience);
  if (directory && !directory->caa_identities.empty()) co_return directory->caa_identities;
  const auto known = ca::known_cas().find(ca.id);
  co_return known == ca::known_cas().end() ? std::vector<std::string>() : known->second.caa_identities;
}

asio::awaitable<std::vector<ScopeAnswer>> PreflightDesk::ask_provider(ConfigurationPtr configuration,
                                                                      const Certificate& certificate,
                                                                      dns::Client& client,
                                                                      const std::vector<DomainFacts>& facts,
                                                                      Milliseconds patience) {
  const bool follows = configuration->providers.at(certificate.provider).follows_cname;
  std::vector<std::string> names;
  names.reserve(facts.size());
  for (const auto& of : facts) names.push_back(preflight::place_of_writing(follows, of).name);
  co_return co_await scope_.ask(configuration, certificate, std::move(names), client, directories_.pool(), patience);
}

asio::awaitable<CertificateCheck> PreflightDesk::judge(ConfigurationPtr configuration, const Certificate& certificate,
                                                       std::vector<DomainFacts> facts, std::vector<ScopeAnswer> answers,
                                                       Seconds patience) {
  const Settings& settings = configuration->settings;
  auto question = question_for(settings, certificate, configuration->providers.at(certificate.provider));
  const bool restricted =
      std::any_of(facts.begin(), facts.end(), [](const auto& of) { return !of.caa.records.empty(); });
  if (restricted) question.ca_identities = co_await identities(settings.cas.at(certificate.ca), patience);
  CertificateCheck check;
  check.certificate = certificate.name;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const DomainFacts& of = facts[i];
    question.facts = of;
    if (i < answers.size()) question.scope_answer = std::move(answers[i]);
    question.same_place.clear();
    for (const auto& other : facts)
      if (other.domain != of.domain && other.final_name == of.final_name) question.same_place.push_back(other.domain);
    auto findings = preflight::examine(question);
    std::move(findings.begin(), findings.end(), std::back_inserter(check.findings));
  }
  check.domains = std::move(facts);
  co_return check;
}

asio::awaitable<std::vector<CertificateCheck>> PreflightDesk::check(ConfigurationPtr configuration,
                                                                    std::vector<const Certificate*> certificates,
                                                                    bool ask_providers) {
  const DnsSettings& dns = configuration->settings.dns;
  auto options = client_options(dns);
  auto surveyed = survey_options(dns, options.resolvers, true);
  dns::Client client(executor_, directories_.pool(), std::move(options));
  std::vector<std::string> domains;
  for (const auto* certificate : certificates)
    for (const auto& domain : certificate->domains)
      if (std::find(domains.begin(), domains.end(), domain) == domains.end()) domains.push_back(domain);
  auto all = co_await dns::survey(client, std::move(domains), std::move(surveyed));
  std::map<std::string, DomainFacts> by_domain;
  for (auto& facts : all) by_domain[facts.domain] = std::move(facts);
  std::vector<CertificateCheck> checks;
  for (const auto* certificate : certificates) {
    std::vector<DomainFacts> facts;
    facts.reserve(certificate->domains.size());
    for (const auto& domain : certificate->domains) facts.push_back(by_domain.at(domain));
    std::vector<ScopeAnswer> answers;
    if (ask_providers) answers = co_await ask_provider(configuration, *certificate, client, facts, thorough_patience);
    checks.push_back(
        co_await judge(configuration, *certificate, std::move(facts), std::move(answers), Directories::patience));
  }
  co_return checks;
}

asio::awaitable<CertificateCheck> PreflightDesk::check_before_order(ConfigurationPtr configuration,
                                                                    const Certificate& certificate) {
  const auto begun = Clock::now();
  const auto client = client_of(configuration);
  auto surveyed = survey_options(configuration->settings.dns, client->options().resolvers, false);
  auto domains = certificate.domains;
  auto facts = co_await dns::survey(*client, std::move(domains), std::move(surveyed));
  std::vector<ScopeAnswer> answers;
  if (configuration->settings.preflight_asks_provider)
    answers = co_await ask_provider(configuration, certificate, *client, facts, left_of(brief, begun));
  co_return co_await judge(configuration, certificate, std::move(facts), std::move(answers), brief_patience);
}

}  // namespace certherd::service
