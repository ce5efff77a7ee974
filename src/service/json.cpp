#include <certherd/service/json.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace certherd::service {
namespace json = boost::json;
namespace {

double seconds(Milliseconds duration) {
  return static_cast<double>(duration.count()) / 1000.0;
}

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::array visibility_json(const std::vector<ServerVisibility>& visibility) {
  json::array servers;
  for (const auto& server : visibility)
    servers.push_back(json::object{
        {"server", server.server},
        {"address", server.address},
        {"seconds", server.visible_after ? json::value(seconds(*server.visible_after)) : json::value(nullptr)},
        {"error", text_or_null(server.error)}});
  return servers;
}

json::object attempt_json(const Attempt& attempt) {
  return {{"number", attempt.number},
          {"started", format_utc(attempt.started)},
          {"ended", format_utc(attempt.ended)},
          {"certbot_version", attempt.certbot_version},
          {"command", attempt.command_line},
          {"exit_code", or_null(attempt.exit_code)},
          {"signal", or_null(attempt.signal)},
          {"user_seconds", seconds(attempt.usage.user)},
          {"system_seconds", seconds(attempt.usage.system)},
          {"max_rss_kib", attempt.usage.max_rss_kib},
          {"phases", to_json(attempt.timeline)},
          {"visibility", visibility_json(attempt.visibility)},
          {"wait_ended_seconds", attempt.wait_ended ? json::value(seconds(*attempt.wait_ended)) : json::value(nullptr)},
          {"failure", to_json(attempt.failure)}};
}

}  // namespace

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value to_json(const std::optional<Failure>& failure) {
  if (!failure) return nullptr;
  return json::object{
      {"class", to_string(failure->failure_class)},
      {"meaning", traits(failure->failure_class).meaning},
      {"phase", failure->phase ? json::value(to_string(*failure->phase)) : json::value(nullptr)},
      {"error", failure->error},
      {"problem_type", text_or_null(failure->problem_type)},
      {"problem_detail", text_or_null(failure->problem_detail)},
      {"problem_domain", text_or_null(failure->problem_domain)},
      {"hint", text_or_null(failure->hint)},
      {"fix", failure->fix.empty() ? traits(failure->failure_class).fix : std::string_view(failure->fix)},
      {"retry_after_seconds",
       failure->retry_after ? json::value(failure->retry_after->count()) : json::value(nullptr)}};
}

json::array texts(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

json::object to_json(const HookJob& job) {
  return {{"run", job.run},
          {"certificate", job.certificate},
          {"next_try", job.next_try ? json::value(format_utc(*job.next_try)) : json::value(nullptr)},
          {"dropped", job.dropped},
          {"ran_with", job.ran_with},
          {"hook", job.hook},
          {"event", job.event},
          {"position", job.position},
          {"done", job.done},
          {"tries", job.tries},
          {"started", job.started == TimePoint{} ? json::value(nullptr) : json::value(format_utc(job.started))},
          {"seconds", seconds(job.duration)},
          {"error", text_or_null(job.error)},
          {"output", job.output}};
}

json::array to_json(const PhaseTimeline& timeline) {
  json::array phases;
  for (const auto& span : timeline.spans) {
    json::object phase{
        {"phase", to_string(span.phase)}, {"start", format_utc(span.start)}, {"seconds", seconds(span.duration)}};
    if (span.failed) phase["failed"] = true;
    phases.push_back(std::move(phase));
  }
  return phases;
}

json::object to_json(const CertificateFacts& facts) {
  return {{"domains", texts(facts.domains)},
          {"serial", facts.serial},
          {"issuer", facts.issuer},
          {"key", facts.key},
          {"not_before", format_utc(facts.not_before)},
          {"not_after", format_utc(facts.not_after)}};
}

json::object to_json(const Run& run) {
  json::array attempts;
  for (const auto& attempt : run.attempts) attempts.push_back(attempt_json(attempt));
  json::array hooks;
  for (const auto& job : run.hook_jobs) hooks.push_back(to_json(job));
  json::array findings;
  for (const auto& finding : run.findings) findings.push_back(to_json(finding));
  json::object object{{"run", run.id},
                      {"certificate", run.certificate},
                      {"domains", texts(run.domains)},
                      {"provider", run.provider},
                      {"account", text_or_null(run.account)},
                      {"ca", run.ca},
                      {"actor", to_string(run.actor)},
                      {"reason", run.reason},
                      {"started", format_utc(run.started)},
                      {"ended", run.outcome ? json::value(format_utc(run.ended)) : json::value(nullptr)},
                      {"outcome", run.outcome ? json::value(to_string(*run.outcome)) : json::value(nullptr)},
                      {"failure", to_json(run.failure)},
                      {"findings", std::move(findings)},
                      {"phases", to_json(run.timeline)},
                      {"attempts", std::move(attempts)},
                      {"hooks", std::move(hooks)},
                      {"generation", nullptr}};
  if (run.generation)
    object["generation"] = json::object{{"number", run.generation->number},
                                        {"directory", run.generation->directory},
                                        {"certificate", to_json(run.generation->facts)}};
  return object;
}

json::object to_json(const Certificate& certificate) {
  return {{"name", certificate.name},
          {"domains", texts(certificate.domains)},
          {"provider", certificate.provider},
          {"account", text_or_null(certificate.account)},
          {"ca", certificate.ca},
          {"hooks", texts(certificate.hooks)}};
}

json::object to_json(const Provider& provider) {
  static constexpr std::string_view kinds[] = {"ini_file", "json_file", "file", "environment", "none"};
  json::array keys;
  for (const auto& key : provider.keys)
    keys.push_back(json::object{{"name", key.name + (key.pattern ? "*" : "")},
                                {"required", key.required},
                                {"secret", key.secret},
                                {"file", key.file},
                                {"description", key.description}});
  json::array alternatives;
  for (const auto& set : provider.alternatives) alternatives.push_back(texts(set));
  const auto version = [](const std::optional<Version>& v) {
    return v ? json::value(to_string(*v)) : json::value(nullptr);
  };
  return {{"id", provider.id},
          {"title", provider.title},
          {"authenticator", provider.authenticator},
          {"credentials", kinds[static_cast<std::size_t>(provider.credentials_kind)]},
          {"credentials_flag", text_or_null(provider.credentials_flag)},
          {"credentials_optional", provider.credentials_optional},
          {"keys", std::move(keys)},
          {"alternatives", std::move(alternatives)},
          {"propagation_flag", text_or_null(provider.propagation_flag)},
          {"propagation_flag_until", version(provider.propagation_flag_until)},
          {"default_seconds",
           provider.default_seconds ? json::value(provider.default_seconds->count()) : json::value(nullptr)},
          {"seconds", provider.seconds().count()},
          {"single_txt", provider.single_txt},
          {"follows_cname", provider.follows_cname},
          {"own_zone", provider.own_zone},
          {"certbot_min", version(provider.certbot_min)},
          {"certbot_below", version(provider.certbot_below)},
          {"debian_package", text_or_null(provider.debian_package)},
          {"pypi_package", text_or_null(provider.pypi_package)},
          {"confidence", provider.confidence},
          {"note", text_or_null(provider.note)},
          {"file", provider.mark.file.text()}};
}

json::object to_json(const Fault& fault) {
  json::object object{{"file", nullptr},
                      {"line", nullptr},
                      {"column", nullptr},
                      {"message", fault.message},
                      {"fix", text_or_null(fault.fix)}};
  if (fault.mark) {
    object["file"] = fault.mark->file.text();
    object["line"] = fault.mark->line;
    object["column"] = fault.mark->column;
  }
  return object;
}

void print_json(std::ostream& out, const json::value& value) {
  out << json::serialize(value) << '\n';
}

}  // namespace certherd::service
