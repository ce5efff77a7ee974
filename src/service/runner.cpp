#include "run_steps.hpp"

#include <certherd/base/text.hpp>
#include <certherd/certbot/lineage.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/service/runner.hpp>
#include <certherd/store/current.hpp>
#include <certherd/store/pem.hpp>

#include <random>

namespace certherd::service {
namespace {

std::string new_run_id(const std::string& certificate, TimePoint now) {
  static constexpr char digits[] = "0123456789abcdef";
  std::random_device random;
  std::string id;
  for (const char c : format_utc(now).substr(0, 19))
    if (c != '-' && c != ':') id += c;
  // Names can be as long as a file name may be; the id is one too and has more to hold.
  id += "Z-" + certificate.substr(0, 100) + "-";
  for (unsigned i = 0, bits = random(); i < 6; ++i, bits >>= 4) id += digits[bits & 15];
  return id;
}

/// The newest Run that published.
std::optional<Run> last_deployed(journal::Journal& journal, const std::string& certificate) {
  journal::HistoryFilter filter;
  filter.certificate = certificate;
  filter.limit = 50;
  for (auto& run : journal.history(filter))
    if (run.outcome == Outcome::deployed || run.outcome == Outcome::deployed_hook_failed) return std::move(run);
  return std::nullopt;
}

std::optional<CertificateFacts> saved_facts(const Paths& paths, const std::string& name) {
  const auto lineage = certbot::lineage_of(paths.certbot_dir(name) / "config", name);
  const auto facts = store::read_facts_file(lineage.cert);
  return facts ? std::optional(*facts) : std::nullopt;
}

}  // namespace

renewal::Decision decide(const Settings& settings, journal::Journal* journal, const Certificate& certificate,
                         TimePoint now, bool forced) {
  renewal::Situation situation{certificate, {}, saved_facts(settings.paths, certificate.name), {}, {}, now, forced};
  if (const auto current = store::current(settings.paths, certificate.name)) {
    situation.published = current->facts;
    if (const auto run = journal ? last_deployed(*journal, certificate.name) : std::nullopt) {
      situation.published_ca = run->ca;
      situation.published_for = run->domains;
    }
  }
  return renewal::decide(situation);
}

boost::asio::awaitable<Run> run_certificate(Host& host, const Certificate& certificate, renewal::Decision decision,
                                            Actor actor, RunObserver& observer) {
  Run run;
  run.started = std::chrono::system_clock::now();
  run.id = new_run_id(certificate.name, run.started);
  run.certificate = certificate.name;
  run.domains = certificate.domains;
  run.provider = certificate.provider;
  run.account = certificate.account;
  run.ca = certificate.ca;
  run.actor = std::move(actor);
  run.reason = decision.reason;
  RunSteps steps(host, certificate, std::move(decision), std::move(run), observer);
  co_return co_await steps.execute();
}

}  // namespace certherd::service
