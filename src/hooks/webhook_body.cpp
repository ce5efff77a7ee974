#include "advice.hpp"

#include <certherd/base/text.hpp>
#include <certherd/hooks/context.hpp>

#include <boost/json.hpp>

namespace certherd::hooks {
namespace {

namespace json = boost::json;

json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value() : json::value(text);
}

json::array array_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

json::value generation_of(const HookContext& context) {
  if (!context.generation) return nullptr;
  const auto& [certificate, number, directory, facts] = *context.generation;
  json::object object;
  object["directory"] = directory;
  object["lineage"] = context.lineage.string();
  object["number"] = number;
  object["serial"] = facts.serial;
  object["issuer"] = facts.issuer;
  object["key"] = facts.key;
  object["domains"] = array_of(facts.domains);
  object["not_before"] = format_utc(facts.not_before);
  object["not_after"] = format_utc(facts.not_after);
  return object;
}

json::value failure_of(const HookContext& context) {
  if (!context.failure) return nullptr;
  const Failure& failure = *context.failure;
  json::object object;
  object["class"] = certherd::to_string(failure.failure_class);
  object["phase"] = failure.phase ? json::value(certherd::to_string(*failure.phase)) : json::value();
  object["error"] = printable(failure.error);
  object["problem_type"] = text_or_null(failure.problem_type);
  object["detail"] = text_or_null(printable(failure.problem_detail));
  object["fix"] = advice(failure);
  return object;
}

std::string summary(const HookContext& context) {
  std::string text = "certherd" + (context.host.empty() ? "" : " on " + context.host) + ": " + context.certificate;
  text += " " + std::string(to_string(context.event));
  if (context.generation) text += ", valid until " + format_utc_minutes(context.generation->facts.not_after) + " UTC";
  if (context.failure) {
    const auto& known = traits(context.failure->failure_class);
    text += " (" + std::string(known.name) + "): " + std::string(known.meaning);
  }
  return text;
}

}  // namespace

std::string webhook_body(const HookContext& context) {
  json::object object;
  object["text"] = summary(context);
  object["event"] = to_string(context.event);
  object["certificate"] = context.certificate;
  object["certificates"] =
      array_of(context.certificates.empty() ? std::vector{context.certificate} : context.certificates);
  object["domains"] = array_of(context.domains);
  object["run"] = context.run;
  object["host"] = text_or_null(context.host);
  object["outcome"] = context.outcome ? json::value(certherd::to_string(*context.outcome)) : json::value();
  object["generation"] = generation_of(context);
  object["previous_generation"] =
      context.previous_generation ? json::value(context.previous_generation->string()) : json::value();
  object["failure"] = failure_of(context);
  return json::serialize(object);
}

}  // namespace certherd::hooks
