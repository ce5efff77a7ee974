#include <certherd/base/text.hpp>
#include <certherd/model/run.hpp>

#include <algorithm>
#include <array>

namespace certherd {
namespace {

constexpr std::array<std::string_view, 4> outcomes{"deployed", "deployed, hook failed", "failed", "interrupted"};
constexpr std::array<std::string_view, 3> actor_kinds{"scheduler", "user", "token"};

}  // namespace

std::string to_string(const Actor& actor) {
  std::string text(actor_kinds[static_cast<std::size_t>(actor.kind)]);
  if (actor.kind != Actor::Kind::scheduler) text += ":" + actor.id + ":" + actor.label;
  return text;
}

std::optional<Actor> parse_actor(std::string_view text) {
  const auto parts = split(text, ':');
  const auto kind = std::find(actor_kinds.begin(), actor_kinds.end(), parts[0]);
  if (kind == actor_kinds.end()) return std::nullopt;
  Actor actor;
  actor.kind = static_cast<Actor::Kind>(kind - actor_kinds.begin());
  if (actor.kind == Actor::Kind::scheduler) return parts.size() == 1 ? std::optional(actor) : std::nullopt;
  if (parts.size() < 3) return std::nullopt;
  actor.id = parts[1];
  actor.label = join(std::span(parts).subspan(2), ":");
  return actor;
}

std::string_view to_string(Outcome outcome) {
  return outcomes[static_cast<std::size_t>(outcome)];
}

std::optional<Outcome> parse_outcome(std::string_view text) {
  const auto found = std::find(outcomes.begin(), outcomes.end(), text);
  if (found == outcomes.end()) return std::nullopt;
  return static_cast<Outcome>(found - outcomes.begin());
}

}  // namespace certherd
