#include <certherd/hooks/context.hpp>

#include "advice.hpp"

#include <certherd/base/text.hpp>
#include <certherd/base/words.hpp>

namespace certherd::hooks {
namespace {

constexpr Words<HookEvent, 4> events{{"deployed", "failed", "expiring", "recovered"}};
constexpr std::size_t error_limit = 8 * 1024;

using Environment = std::vector<std::pair<std::string, std::string>>;

void add_generation(Environment& environment, const HookContext& context) {
  const Generation& generation = *context.generation;
  environment.emplace_back("RENEWED_LINEAGE", context.lineage.string());
  environment.emplace_back("RENEWED_DOMAINS", join(generation.facts.domains, " "));
  environment.emplace_back("CERTHERD_CERT", (context.lineage / "cert.pem").string());
  environment.emplace_back("CERTHERD_CHAIN", (context.lineage / "chain.pem").string());
  environment.emplace_back("CERTHERD_FULLCHAIN", (context.lineage / "fullchain.pem").string());
  environment.emplace_back("CERTHERD_KEY", (context.lineage / "privkey.pem").string());
  environment.emplace_back("CERTHERD_GENERATION", generation.directory);
  environment.emplace_back("CERTHERD_SERIAL", generation.facts.serial);
  environment.emplace_back("CERTHERD_NOT_AFTER", format_utc(generation.facts.not_after));
}

void add_failure(Environment& environment, const Failure& failure) {
  environment.emplace_back("CERTHERD_FAILURE_CLASS", certherd::to_string(failure.failure_class));
  environment.emplace_back("CERTHERD_ERROR", bounded(printable(failure.error), error_limit));
  environment.emplace_back("CERTHERD_FIX", advice(failure));
}

}  // namespace

std::string_view to_string(HookEvent event) {
  return events.of(event);
}

std::optional<HookEvent> parse_event(std::string_view text) {
  return events.parse(text);
}

HookContext context_of(HookEvent event, const Run& run, const Paths& paths, const std::optional<Generation>& previous,
                       const std::string& host) {
  HookContext context;
  context.event = event;
  context.certificate = run.certificate;
  context.domains = run.domains;
  context.run = run.id;
  context.outcome = run.outcome;
  context.lineage = paths.store_dir / run.certificate;
  context.generation = run.generation;
  if (previous) context.previous_generation = previous->directory;
  context.failure = run.failure;
  context.host = host;
  return context;
}

Environment environment(const HookContext& context) {
  Environment environment{
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"LANG", "C.UTF-8"},
      {"CERTHERD_EVENT", std::string(to_string(context.event))},
      {"CERTHERD_NAME", context.certificate},
      {"CERTHERD_NAMES", context.certificates.empty() ? context.certificate : join(context.certificates, " ")},
      {"CERTHERD_DOMAINS", join(context.domains, " ")},
      {"CERTHERD_RUN", context.run},
  };
  if (context.outcome) environment.emplace_back("CERTHERD_OUTCOME", certherd::to_string(*context.outcome));
  environment.emplace_back("CERTHERD_PREVIOUS_GENERATION",
                           context.previous_generation ? context.previous_generation->string() : "");
  if (context.generation) add_generation(environment, context);
  if (context.failure) add_failure(environment, *context.failure);
  return environment;
}

}  // namespace certherd::hooks
