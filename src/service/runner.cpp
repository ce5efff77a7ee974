#include "run_steps.hpp"

#include <certherd/service/runner.hpp>

#include "certbot_call.hpp"

namespace certherd::service {

AccountDesk::Place& AccountDesk::of(const std::string& ca) {
  auto& place = places_[ca];
  if (!place) place = std::make_unique<Place>(executor_);
  return *place;
}

boost::asio::awaitable<Finished> run_certificate(Host host, Assignment assignment, RunObserver& observer) {
  const Certificate& certificate = assignment.certificate;
  Run run;
  run.started = assignment.queued;
  run.id = new_run_id(certificate.name, std::chrono::system_clock::now());
  run.certificate = certificate.name;
  run.domains = certificate.domains;
  run.provider = certificate.provider;
  run.account = certificate.account;
  run.ca = certificate.ca;
  run.actor = assignment.actor;
  run.reason = assignment.decision.reason;
  RunSteps steps(std::move(host), std::move(assignment), std::move(run), observer);
  co_return co_await steps.execute();
}

}  // namespace certherd::service
