#pragma once

#include <certherd/certbot/timeline.hpp>
#include <certherd/model/failure.hpp>
#include <certherd/model/phase.hpp>

#include <string_view>

namespace certherd::certbot {

/// A class, and what a person should do if that is more than the class's own fix says. `fix` may hold {domain},
/// {challenge}, {provider}, {package} and {wait}.
struct Verdict {
  FailureClass failure_class{};
  std::string_view fix;
};

/// By the CA's own words.
Verdict judge_problem(const Problem& problem, Phase phase);

/// By certbot's words: `text` holds the final error and the exceptions behind it.
Verdict judge_text(std::string_view text, Phase phase);

}  // namespace certherd::certbot
