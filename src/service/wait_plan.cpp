#include <certherd/renewal/learned_wait.hpp>
#include <certherd/service/wait_plan.hpp>

#include <algorithm>

namespace certherd::service {
namespace {

/// The configured number; nullopt: `auto`.
std::optional<Seconds> configured(const Configuration& configuration, const Certificate& certificate,
                                  const Provider& provider) {
  if (certificate.propagation || certificate.propagation_auto) return certificate.propagation;
  const auto account = configuration.settings.accounts.find(certificate.account);
  if (account != configuration.settings.accounts.end() &&
      (account->second.propagation || account->second.propagation_auto))
    return account->second.propagation;
  return provider.seconds();
}

bool ends_wait(const Configuration& configuration, const Provider& provider) {
  return configuration.settings.propagation.end_wait && provider.wait == WaitMechanism::fixed_sleep;
}

void append(std::vector<renewal::Reasoning>& all, const std::vector<renewal::Reasoning>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

WaitPlan plan_wait(const Configuration& configuration, const Certificate& certificate,
                   const std::vector<WaitSample>& samples) {
  const Provider& provider = configuration.providers.at(certificate.provider);
  const auto fixed = configured(configuration, certificate, provider);
  const auto learned = renewal::learn_wait(samples, provider.seconds());
  WaitPlan plan;
  plan.seconds = fixed.value_or(learned.seconds);
  if (!fixed) append(plan.because, learned.because);
  if (ends_wait(configuration, provider)) {
    plan.not_ended_before = learned.not_ended_before;
    append(plan.because, learned.because_not_ended);
    // The learned number decays faster: below this bound it would end the wait that must not be ended yet.
    if (!fixed) plan.seconds = std::max(plan.seconds, std::chrono::ceil<Seconds>(plan.not_ended_before));
  }
  if (!fixed)
    plan.because.push_back(
        {"so certbot waits at most " + std::to_string(plan.seconds.count()) + " s for its records to be seen", {}});
  return plan;
}

bool learns_wait(const Configuration& configuration, const Certificate& certificate) {
  const Provider& provider = configuration.providers.at(certificate.provider);
  return !configured(configuration, certificate, provider) || ends_wait(configuration, provider);
}

std::vector<WaitSample> wait_samples(journal::Journal& journal, const Certificate& certificate) {
  return journal.wait_samples(certificate.provider, certificate.account, renewal::remembered_waits);
}

}  // namespace certherd::service
