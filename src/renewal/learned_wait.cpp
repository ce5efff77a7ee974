#include <certherd/renewal/learned_wait.hpp>

#include <algorithm>
#include <cstdio>
#include <optional>

namespace certherd::renewal {
namespace {

constexpr std::size_t enough_samples = 5;
constexpr Milliseconds least_learned{5'000};
constexpr Milliseconds most_learned{600'000};
constexpr Milliseconds least_margin{2'000};
/// What is left of a boost after each Attempt that went well; below `spent` it is none any more. Of the bound below
/// which the wait is not ended, nothing that can be seen from here takes the place: it stays longer.
constexpr double decay = 0.9;
constexpr double slow_decay = 0.99;
constexpr Milliseconds spent{1'000};

std::string text_of(Milliseconds time) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(time.count()) / 1000);
  return text;
}

std::string text_of(Seconds time) {
  return std::to_string(time.count()) + " s";
}

Milliseconds margin_of(Milliseconds time) {
  return std::max(least_margin, time / 4);
}

/// What one Attempt says of the servers' speed; nullopt: nothing.
std::optional<Milliseconds> speed_of(const WaitSample& sample) {
  if (!sample.lagged) return sample.slowest;
  const Milliseconds seen = sample.slowest.value_or(Milliseconds(0));
  if (sample.sequel == WaitSample::Sequel::missed) return std::max(seen, sample.waited);
  // What with its margin makes the same wait again.
  return std::max({seen, std::min(sample.waited - least_margin, sample.waited * 4 / 5), Milliseconds(0)});
}

/// A wait that a failure has doubled and that decays since.
struct Boost {
  Milliseconds wait{0};
  Milliseconds at_first{0};
  TimePoint since;

  void double_of(Milliseconds waited, TimePoint when) {
    const Milliseconds doubled = std::clamp(2 * waited, least_learned, most_learned);
    if (doubled < wait) return;
    *this = {doubled, doubled, when};
  }
  void go_well(double rest) {
    wait = Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(wait.count()) * rest));
    if (wait < spent) wait = Milliseconds(0);
  }
  std::string decayed() const { return wait < at_first ? ", by now " + text_of(wait) : ""; }
};

struct Boosts {
  Boost wait;
  Boost not_ended;
};

Boosts boosts_of(const std::vector<WaitSample>& newest_first) {
  Boosts boosts;
  for (auto sample = newest_first.rbegin(); sample != newest_first.rend(); ++sample) {
    if (sample->sequel == WaitSample::Sequel::missed) {
      boosts.wait.double_of(sample->waited, sample->when);
      if (sample->ended) boosts.not_ended.double_of(sample->waited, sample->when);
    } else if (sample->sequel == WaitSample::Sequel::found) {
      boosts.wait.go_well(decay);
      boosts.not_ended.go_well(slow_decay);
    }
  }
  return boosts;
}

/// What the servers' speed asks for, before any failure.
Milliseconds wait_by_speed(const std::vector<WaitSample>& samples, Seconds provider_default,
                           std::vector<Reasoning>& because) {
  std::vector<Milliseconds> speeds;
  for (const auto& sample : samples)
    if (const auto speed = speed_of(sample)) speeds.push_back(*speed);
  if (speeds.size() < enough_samples) {
    because.push_back({"only " + std::to_string(speeds.size()) + " of the " + std::to_string(enough_samples) +
                           " runs that it takes have shown how long this account's name servers need: the provider's " +
                           text_of(provider_default),
                       {}});
    return provider_default;
  }
  std::sort(speeds.begin(), speeds.end());
  const Milliseconds slowest = speeds[(speeds.size() * 95 + 99) / 100 - 1];
  const Milliseconds margin = margin_of(slowest);
  because.push_back({"in 95 % of the last " + std::to_string(speeds.size()) +
                         " runs of this account the slowest name server had the records within " + text_of(slowest) +
                         "; with a margin of " + text_of(margin) + " that is " + text_of(slowest + margin),
                     {}});
  if (slowest + margin < least_learned)
    because.push_back({"it is never shorter than " + text_of(std::chrono::ceil<Seconds>(least_learned)), {}});
  return std::max(slowest + margin, least_learned);
}

}  // namespace

LearnedWait learn_wait(const std::vector<WaitSample>& all, Seconds provider_default) {
  const auto newest = static_cast<std::ptrdiff_t>(std::min(all.size(), remembered_waits));
  const std::vector<WaitSample> samples(all.begin(), all.begin() + newest);
  LearnedWait learned;
  Milliseconds wait = wait_by_speed(samples, provider_default, learned.because);
  const auto [boost, not_ended] = boosts_of(samples);
  if (boost.wait > wait) {
    learned.because.push_back(
        {"doubled to " + text_of(boost.at_first) + boost.decayed() + ", since the CA found no record", boost.since});
    wait = boost.wait;
  }
  const Milliseconds most = std::max(most_learned, Milliseconds(provider_default));
  if (wait > most) {
    learned.because.push_back({"it is never longer than " + text_of(std::chrono::ceil<Seconds>(most)), {}});
    wait = most;
  }
  learned.seconds = std::chrono::ceil<Seconds>(wait);
  learned.not_ended_before = not_ended.wait;
  if (not_ended.wait > Milliseconds(0))
    learned.because_not_ended.push_back({"the wait is not ended before " + text_of(not_ended.at_first) +
                                             not_ended.decayed() +
                                             ": the CA found no record although every name server had it here",
                                         not_ended.since});
  return learned;
}

}  // namespace certherd::renewal
