#include <certherd/renewal/retry.hpp>
#include <certherd/service/import_certbot.hpp>
#include <certherd/store/current.hpp>
#include <certherd/store/publish.hpp>
#include <certherd/store/verify.hpp>

#include "certbot_call.hpp"

namespace certherd::service {
namespace {

/// The Run of an adoption, so that history, list and show know where the certificate came from.
Run run_of(const Certificate& wanted, const ImportedCertificate& one, const Actor& actor) {
  Run run;
  run.started = std::chrono::system_clock::now();
  run.id = new_run_id(wanted.name, run.started);
  run.certificate = wanted.name;
  run.domains = wanted.domains;
  run.provider = wanted.provider;
  run.account = wanted.account;
  run.ca = wanted.ca;
  run.actor = actor;
  run.reason = "imported from " + one.live.string();
  return run;
}

void add_span(Run& run, Phase phase, TimePoint start) {
  const auto length = std::chrono::system_clock::now() - start;
  run.timeline.spans.push_back({phase, start, std::chrono::duration_cast<Milliseconds>(length), false});
}

/// What is adopted is as it is wanted, its profile included: nothing is to be ordered for it before its time.
CertificateState state_after(journal::Journal& journal, const Certificate& wanted, TimePoint now) {
  CertificateState state;
  for (auto& known : journal.states())
    if (known.certificate == wanted.name) state = std::move(known);
  state.certificate = wanted.name;
  state.profile = wanted.profile;
  return renewal::after_success(std::move(state), std::nullopt, now);
}

Adopted adopt_one(State& state, const Settings& settings, const Certificate& wanted, const ImportedCertificate& one,
                  const Actor& actor, TimePoint now) {
  Adopted adopted;
  adopted.certificate = wanted.name;
  if (const auto current = store::current(settings.paths, wanted.name)) {
    adopted.note = current->facts.serial == one.facts.serial
                       ? "is published already"
                       : "has a certificate of its own in the store already, which stays";
    return adopted;
  }
  Run run = run_of(wanted, one, actor);
  const auto facts = store::verify(one.pems, wanted, now, nullptr);
  if (!facts) {
    adopted.fault = facts.fault();
    return adopted;
  }
  add_span(run, Phase::verify, run.started);
  state.journal->begin_run(run);
  const auto publishing = std::chrono::system_clock::now();
  const auto published = store::publish(settings.paths, wanted, one.pems, *facts);
  add_span(run, Phase::publish, publishing);
  if (published) {
    run.outcome = Outcome::deployed;
    adopted.generation = run.generation = *published;
  } else {
    run.outcome = Outcome::failed;
    Failure& failure = run.failure.emplace();
    failure.failure_class = FailureClass::publish_failed;
    failure.phase = Phase::publish;
    failure.error = published.fault().message;
    failure.fix = published.fault().fix;
    run.timeline.spans.back().failed = true;
    adopted.fault = published.fault();
  }
  run.ended = std::chrono::system_clock::now();
  state.journal->finish_run(run);
  if (published) state.journal->save_state(state_after(*state.journal, wanted, now));
  state.journal->save_audit_head(state.audit.append(journal::audit_entry(run, "import")).or_throw());
  return adopted;
}

}  // namespace

std::vector<Adopted> adopt(State& state, const Settings& settings, const CertbotImport& import, const Actor& actor,
                           TimePoint now) {
  std::vector<Adopted> all;
  for (const auto& one : import.certificates)
    if (const Certificate* const wanted = settings.find(one.wanted.name))
      all.push_back(adopt_one(state, settings, *wanted, one, actor, now));
  return all;
}

}  // namespace certherd::service
