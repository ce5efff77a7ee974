#include <certherd/base/text.hpp>
#include <certherd/base/words.hpp>
#include <certherd/model/run.hpp>

namespace certherd {
namespace {

constexpr Words<Outcome, 5> outcomes{{"deployed", "deployed, hook failed", "failed", "blocked", "interrupted"}};
constexpr Words<Actor::Kind, 3> actor_kinds{{"scheduler", "user", "token"}};

}  // namespace

std::string to_string(const Actor& actor) {
  std::string text(actor_kinds.of(actor.kind));
  if (actor.kind != Actor::Kind::scheduler) text += ":" + actor.id + ":" + actor.label;
  return text;
}

std::optional<Actor> parse_actor(std::string_view text) {
  const auto parts = split(text, ':');
  const auto kind = actor_kinds.parse(parts[0]);
  if (!kind) return std::nullopt;
  Actor actor;
  actor.kind = *kind;
  if (actor.kind == Actor::Kind::scheduler) return parts.size() == 1 ? std::optional(actor) : std::nullopt;
  if (parts.size() < 3) return std::nullopt;
  actor.id = parts[1];
  actor.label = join(std::span(parts).subspan(2), ":");
  return actor;
}

std::string_view to_string(Outcome outcome) {
  return outcomes.of(outcome);
}

std::optional<Outcome> parse_outcome(std::string_view text) {
  return outcomes.parse(text);
}

}  // namespace certherd
