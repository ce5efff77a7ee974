#include "run_steps.hpp"

#include <certherd/base/text.hpp>
#include <certherd/service/runner.hpp>

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

}  // namespace

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
