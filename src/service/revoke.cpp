#include <certherd/base/text.hpp>
#include <certherd/certbot/attempt.hpp>
#include <certherd/certbot/command.hpp>
#include <certherd/certbot/lineage.hpp>
#include <certherd/os/file.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/renewal/retry.hpp>
#include <certherd/service/revoke.hpp>
#include <certherd/store/current.hpp>

#include <exception>

#include "certbot_call.hpp"
#include "trouble.hpp"

namespace certherd::service {
namespace fs = std::filesystem;
namespace {

bool is_problem(const Failure& failure, std::string_view type) {
  return failure.problem_type.ends_with(":" + std::string(type));
}

class RevocationSteps {
public:
  RevocationSteps(Host host, const Certificate& certificate, const std::string& issued_by, Revocation wanted,
                  RunObserver& observer)
      : host_(std::move(host)),
        certificate_(certificate),
        ca_(issuing_ca(issued_by)),
        reason_(std::move(wanted.reason)),
        observer_(observer) {
    run_.started = std::chrono::system_clock::now();
    run_.id = new_run_id(certificate.name, run_.started);
    run_.certificate = certificate.name;
    run_.domains = certificate.domains;
    run_.ca = ca_.id;
    run_.actor = std::move(wanted.actor);
  }

  boost::asio::awaitable<Result<RevokeOutcome>> work() {
    if (!host_.certbot) co_return *host_.certbot_fault;
    auto published = store::current(host_.settings().paths, certificate_.name);
    if (!published) {
      Fault nothing{"nothing is published for " + certificate_.name + ", so there is nothing to revoke", "", {}};
      co_return nothing;
    }
    generation_ = std::move(*published);
    outcome_.certificate = certificate_.name;
    outcome_.serial = generation_.facts.serial;
    outcome_.not_after = generation_.facts.not_after;
    outcome_.ca = ca_.id;
    if (const auto ready = prepare(); !ready) co_return ready.fault();

    const auto accounts = certbot::accounts_registered(host_.settings().paths.ca_account_dir(ca_.id), ca_.server);
    outcome_.by_own_key = accounts == 0;
    if (const auto asked = co_await ask(); !asked) co_return asked.fault();
    const bool not_ours = outcome_.failure && is_problem(*outcome_.failure, "unauthorized");
    if (not_ours && !outcome_.by_own_key) {
      outcome_.by_own_key = true;
      if (const auto asked = co_await ask(); !asked) co_return asked.fault();
    }
    co_await record();
    co_return outcome_;
  }

private:
  /// The CA that issued what is published, which need not be the one that the configuration names by now.
  const Ca& issuing_ca(const std::string& issued_by) const {
    const auto& cas = host_.settings().cas;
    const auto found = cas.find(issued_by);
    return found != cas.end() ? found->second : cas.at(certificate_.ca);
  }

  Result<void> prepare() {
    const Paths& paths = host_.settings().paths;
    auto trust = host_.trust.of(paths, ca_);
    if (!trust) return trust.fault();
    trust_ = std::move(*trust);
    for (const auto& directory : {paths.ca_account_dir(ca_.id), paths.run_dir(run_.id)})
      if (auto made = os::make_directory(directory, 0700); !made) return made;
    return certbot::prepare_directories(paths.certbot_dir(certificate_.name), paths.ca_account_dir(ca_.id));
  }

  /// With one signer, up to two executions. The Fault is one of ours; what certbot and the CA say goes into the
  /// outcome.
  boost::asio::awaitable<Result<void>> ask() {
    for (int tries = 1;; ++tries) {
      auto asked = co_await ask_once();
      if (!asked || !outcome_.failure) co_return asked;
      const bool again =
          renewal::second_attempt_at_once(outcome_.failure->failure_class, tries, outcome_.failure->retry_after);
      if (!again) co_return asked;
    }
  }

  boost::asio::awaitable<Result<void>> ask_once() {
    certbot::RevokeInput input{
        certbot_host(host_, certificate_.name, trust_), ca_, fs::path(generation_.directory) / "cert.pem", reason_, {}};
    if (outcome_.by_own_key) input.key = fs::path(generation_.directory) / "privkey.pem";
    auto command = certbot::revoke_command(input);
    if (!command) co_return command.fault();
    const int number = static_cast<int>(run_.attempts.size()) + 1;
    outcome_.transcript = host_.settings().paths.run_dir(run_.id) / ("revoke-" + std::to_string(number) + ".log");
    auto child = attempt_input(host_, std::move(*command), outcome_.transcript, {});
    child.number = number;
    certbot::AttemptCallbacks callbacks;
    callbacks.line = [this](std::string_view line) { observer_.certbot_said(run_, line); };
    auto result = co_await certbot::run_attempt(std::move(child), std::move(callbacks), host_.stop);
    if (!result) co_return result.fault();
    if (result->unrecorded) observer_.warning(run_, result->unrecorded->text());
    const Attempt& attempt = run_.attempts.emplace_back(std::move(result->attempt));
    outcome_.failure = attempt.failure;
    if (outcome_.failure && is_problem(*outcome_.failure, "alreadyRevoked")) {
      outcome_.already_revoked = true;
      outcome_.failure.reset();
    }
    co_return Result<void>();
  }

  journal::AuditEntry entry() {
    run_.ended = std::chrono::system_clock::now();
    run_.reason = reason_ + ", serial " + generation_.facts.serial;
    if (outcome_.by_own_key) run_.reason += ", signed with the certificate's own key";
    run_.failure = outcome_.failure;
    auto entry = journal::audit_entry(run_, "revoke");
    entry.run.clear();  // none that the journal would know
    entry.outcome = outcome_.failure ? "failed" : outcome_.already_revoked ? "already revoked" : "revoked";
    return entry;
  }

  boost::asio::awaitable<void> record() {
    const auto write = [this] {
      const auto head = host_.state.audit.append(entry()).or_throw();
      host_.state.journal->save_audit_head(head);
    };
    const auto trouble = co_await os::offload(host_.pool, [&write] { return trouble_of(write); });
    if (!trouble.empty()) observer_.warning(run_, "this revocation is not in the audit log: " + trouble);
  }

  const Host host_;
  const Certificate& certificate_;
  const Ca& ca_;
  std::string reason_;
  RunObserver& observer_;
  Run run_;  ///< for the observer and the audit log; the journal has no revocations
  Generation generation_;
  certbot::Trust trust_;
  RevokeOutcome outcome_;
};

}  // namespace

boost::asio::awaitable<Result<RevokeOutcome>> revoke_certificate(Host host, const Certificate& certificate,
                                                                 std::string issued_by, Revocation wanted,
                                                                 RunObserver& observer) {
  RevocationSteps steps(std::move(host), certificate, issued_by, std::move(wanted), observer);
  co_return co_await steps.work();
}

}  // namespace certherd::service
