#include "revocation_stream.hpp"

#include <certherd/base/text.hpp>
#include <certherd/certbot/command.hpp>
#include <certherd/os/log.hpp>
#include <certherd/service/events.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <memory>

#include "lines.hpp"
#include "request_body.hpp"

namespace certherd::api {
namespace {

namespace asio = boost::asio;

/// Tells the client, and the service log what an administrator should know later.
class RevocationObserver : public service::RunObserver {
public:
  RevocationObserver(const std::string& name, bool output, const std::shared_ptr<Lines>& lines)
      : client_({name}, output ? service::EventWriter::Detail::output : service::EventWriter::Detail::phases,
                [lines](const std::string& line) { lines->push(line); }) {}
  void certbot_said(const Run& run, std::string_view line) override { client_.certbot_said(run, line); }
  void warning(const Run& run, std::string_view text) override {
    os::log(os::LogLevel::warning, run.certificate + ": " + std::string(text),
            {run.certificate, {}, {}, "revocation.warning"});
    client_.warning(run, text);
  }

private:
  service::EventWriter client_;
};

void log_outcome(const std::string& name, const Result<service::RevokeOutcome>& outcome) {
  os::LogFields fields{name, {}, {}, "revocation.failed"};
  if (!outcome) {
    os::log(os::LogLevel::error, name + ": not revoked: " + outcome.fault().text(), fields);
  } else if (outcome->failure) {
    fields.failure_class = traits(outcome->failure->failure_class).name;
    os::log(os::LogLevel::error,
            name + ": not revoked: " + std::string(fields.failure_class) + ": " + bounded(outcome->failure->error, 500),
            fields);
  } else {
    fields.event = "revocation.done";
    os::log(os::LogLevel::warning,
            name + ": serial " + outcome->serial + (outcome->already_revoked ? " was revoked already" : " is revoked"),
            fields);
  }
}

asio::awaitable<void> revoke(service::Service& service, service::Revocation wanted, bool output,
                             std::shared_ptr<Lines> lines) {
  const std::string name = wanted.certificate;
  RevocationObserver observer(name, output, lines);
  Result<service::RevokeOutcome> outcome = Fault{};
  try {
    outcome = co_await service.supervisor().revoke(std::move(wanted), observer);
  } catch (const Failed& failed) {
    outcome = failed.fault();
  } catch (const std::exception& error) {
    outcome = Fault{name + ": " + error.what(), "", {}};
  }
  log_outcome(name, outcome);
  lines->push(service::revoked_line(outcome));
  lines->end();
}

std::string reason_of(const boost::json::object& body) {
  const auto known = certbot::revocation_reasons();
  std::string reason = body.contains("reason") ? text(body, "reason") : std::string(known.front());
  if (std::find(known.begin(), known.end(), reason) != known.end()) return reason;
  const std::vector<std::string> words(known.begin(), known.end());
  throw Refused{400,
                {"'" + printable(reason) + "' is no reason for a revocation", "use one of " + join(words, ", "), {}}};
}

/// Begins it, if there is something to revoke; on the io_context's thread.
asio::awaitable<std::optional<Refused>> begin(service::Service& service, service::Revocation wanted, bool output,
                                              std::shared_ptr<Lines> lines) {
  const std::string& name = wanted.certificate;
  const service::Entry* entry = service.supervisor().roster().find(name);
  if (!entry) co_return Refused{404, unknown_certificate(name)};
  if (!entry->current)
    co_return Refused{409, {"nothing is published for " + name + ", so there is nothing to revoke", "", {}}};
  os::log(os::LogLevel::info, name + ": " + to_string(wanted.actor) + " asks for its revocation: " + wanted.reason,
          {name, {}, {}, "revocation.asked"});
  asio::co_spawn(service.executor(), revoke(service, std::move(wanted), output, std::move(lines)), asio::detached);
  co_return std::nullopt;
}

}  // namespace

std::optional<std::string> revocation_of(std::string_view path) {
  constexpr std::string_view before = "/v1/certificates/", after = "/revoke";
  if (!path.starts_with(before) || !path.ends_with(after) || path.size() <= before.size() + after.size())
    return std::nullopt;
  const auto name = path.substr(before.size(), path.size() - before.size() - after.size());
  if (name.find('/') != name.npos) return std::nullopt;
  return std::string(name);
}

void revoke_and_watch(service::Service& service, const std::string& name, const service::Request& request,
                      service::Stream& out) {
  const auto body = body_of(request);
  service::Revocation wanted{name, reason_of(body), request.actor};
  const auto lines = std::make_shared<Lines>();
  const auto refused = asio::co_spawn(service.executor(),
                                      begin(service, std::move(wanted), flag(body, "output"), lines), asio::use_future)
                           .get();
  if (refused) throw Refused(*refused);
  out.on_gone([lines] { lines->end(); });
  while (auto line = lines->pop())
    if (!out.write(*line)) return;
}

}  // namespace certherd::api
