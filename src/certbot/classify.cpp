#include <certherd/base/text.hpp>
#include <certherd/certbot/classify.hpp>
#include <certherd/model/zones.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

#include "failure_rules.hpp"

namespace certherd::certbot {
namespace {

constexpr std::string_view unexpected = "An unexpected error occurred:";
constexpr std::string_view masked = "AttributeError: can't set attribute";
constexpr std::array<std::string_view, 5> advice{"Ask for help or search for solutions", "Saving debug log to",
                                                 "See the logfile", "- - - - -", unexpected};
constexpr Milliseconds clock_tolerance{3'600'000};

std::string last_line(std::string_view output) {
  std::string last;
  for (const auto& line : split(output, '\n')) {
    const auto text = trim(line);
    const bool noise =
        text.empty() || std::any_of(advice.begin(), advice.end(), [&](auto start) { return text.starts_with(start); });
    if (!noise) last = text;
  }
  return last;
}

/// The exception that AttributeError hides: the last one before it.
std::string behind_mask(const LogFacts& facts) {
  const auto found = std::find_if(facts.exceptions.rbegin(), facts.exceptions.rend(),
                                  [](const auto& exception) { return exception != masked; });
  return found == facts.exceptions.rend() ? std::string(masked) : *found;
}

const Problem* problem_of(const Ending& ending) {
  const auto& facts = ending.facts;
  if (facts.problem) return &*facts.problem;
  if (ending.phase != Phase::validation) return nullptr;
  for (const auto& authorization : facts.authorizations)
    if (authorization.problem) return &*authorization.problem;
  return nullptr;
}

void replace_all(std::string& text, std::string_view what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

std::string filled_in(std::string_view fix, const Ending& ending, const Failure& failure) {
  std::string domain = failure.problem_domain;
  if (domain.empty() && !ending.facts.identifiers.empty()) domain = ending.facts.identifiers.front();
  if (domain.starts_with("*.")) domain.erase(0, 2);
  std::string package = "the plugin";
  if (const auto* provider = ending.provider) {
    package = provider->debian_package.empty() ? provider->pypi_package + " from PyPI" : provider->debian_package;
    if (provider->debian_package.empty() && provider->pypi_package.empty()) package = "the plugin of " + provider->id;
  }
  std::string text(fix);
  replace_all(text, "{domain}", domain.empty() ? "the domain" : domain);
  replace_all(text, "{challenge}", domain.empty() ? "the challenge name" : challenge_name(domain));
  replace_all(text, "{provider}", ending.provider ? ending.provider->id : "the provider");
  replace_all(text, "{package}", package);
  replace_all(text, "{wait}", ending.facts.announced ? format_duration(*ending.facts.announced) : "no fixed time");
  return text;
}

std::string clock_advice(const LogFacts& facts) {
  if (!facts.skew || std::chrono::abs(*facts.skew) <= clock_tolerance) return {};
  const bool behind = *facts.skew > Milliseconds(0);
  return "this host's clock is " + format_elapsed(std::chrono::abs(*facts.skew)) + (behind ? " behind" : " ahead of") +
         " the CA's: set it (timedatectl set-ntp true)";
}

std::string left_behind(const Ending& ending) {
  const bool written = ending.phase >= Phase::provision && ending.phase <= Phase::cleanup;
  if (!written || !(ending.killed || ending.unknown)) return {};
  std::vector<std::string> names;
  for (const auto& authorization : ending.facts.authorizations) {
    auto name = challenge_name(authorization.domain);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return (ending.killed ? "certbot was killed and could not clean up: remove the TXT records it left at "
                        : "certbot may not have cleaned up: look for TXT records at ") +
         join(names, ", ");
}

/// Ended by a signal or by us.
std::optional<Failure> judge_end(const Ending& ending) {
  Failure failure;
  failure.phase = ending.phase;
  const std::string phase(to_string(ending.phase));
  if (ending.stopped) {
    failure.failure_class = FailureClass::interrupted;
    failure.error = "certherd was told to stop and ended certbot in phase " + phase;
  } else if (ending.timed_out) {
    failure.failure_class = FailureClass::certbot_timeout;
    failure.error = "certbot took too long and was ended in phase " + phase;
  } else if (ending.signal) {
    const int signal = *ending.signal;
    const bool outside =
        signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT || signal == SIGKILL;
    failure.failure_class = outside ? FailureClass::interrupted : FailureClass::certbot_crash;
    const char* const description = sigdescr_np(signal);
    failure.error = "certbot was ended by signal " + std::to_string(signal) + " (" +
                    (description ? description : "of no name") + ") in phase " + phase;
    if (signal == SIGKILL)
      failure.fix = "something outside certherd killed certbot: look for the kernel's out-of-memory killer in its log";
    if (!outside) failure.fix = "a library of certbot crashed: check the host's packages and memory";
  } else if (ending.unknown && ending.facts.errors.empty()) {
    failure.failure_class = FailureClass::interrupted;
    failure.error =
        "certbot ended in phase " + phase + ", and how is not known: the process that it was forked from died";
  } else {
    return std::nullopt;
  }
  if (auto rest = left_behind(ending); !rest.empty()) failure.fix += (failure.fix.empty() ? "" : "; ") + rest;
  return failure;
}

}  // namespace

std::string final_error(const LogFacts& facts, std::string_view output) {
  std::vector<std::string> parts;
  for (const auto& error : facts.errors)
    if (error != unexpected) parts.push_back(error);
  if (parts.empty() && !facts.exceptions.empty()) parts.push_back(facts.exceptions.back());
  if (parts.empty()) return last_line(output);
  const std::string error = join(parts, "\n");
  return error == masked ? behind_mask(facts) : error;
}

std::optional<Failure> classify(const Ending& ending) {
  if (ending.exit_code == 0 || (ending.unknown && !ending.facts.saved_at.empty())) return std::nullopt;
  if (auto failure = judge_end(ending)) return failure;
  const auto& facts = ending.facts;
  Failure failure;
  failure.phase = ending.phase;
  failure.error = final_error(facts, ending.output);
  failure.hint = facts.hint;
  if (failure.error.empty())
    failure.error = "certbot ended with status " + std::to_string(ending.exit_code.value_or(-1)) + " and said nothing";
  Verdict verdict;
  if (const auto* problem = problem_of(ending)) {
    failure.problem_type = problem->type;
    failure.problem_detail = problem->detail;
    failure.problem_domain = problem->domain;
    verdict = judge_problem(*problem, ending.phase);
  } else if (facts.in_plugin_loading) {
    verdict = {FailureClass::plugin_broken, {}};
  } else {
    verdict = judge_text(failure.error + "\n" + join(facts.exceptions, "\n"), ending.phase);
  }
  failure.failure_class = verdict.failure_class;
  if (!verdict.fix.empty()) failure.fix = filled_in(verdict.fix, ending, failure);
  failure.retry_after = facts.retry_after;
  if (const auto clock = clock_advice(facts); !clock.empty())
    failure.fix = failure.fix.empty() ? clock : clock + "; " + failure.fix;
  return failure;
}

}  // namespace certherd::certbot
