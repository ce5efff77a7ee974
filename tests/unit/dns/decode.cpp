#include <ostream>

#include <doctest/doctest.h>
#include <support/dns_oracle.hpp>
#include <support/dns_samples.hpp>

#include <random>

using namespace certherd;

namespace {

/// Changes a message in one to four places, as lines and liars do: bytes, bits, pieces taken out, doubled or exchanged.
class Mutator {
public:
  std::string mutated(std::string wire, const std::string& other) {
    for (std::size_t left = 1 + below(4); left > 0; --left) change(wire, other);
    return wire;
  }
  std::size_t below(std::size_t count) { return random_() % std::max<std::size_t>(count, 1); }

private:
  void change(std::string& wire, const std::string& other) {
    if (wire.empty()) return;
    static constexpr unsigned char telling[] = {0, 1, 2, 12, 41, 63, 64, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xff};
    const std::size_t at = below(wire.size());
    const std::size_t size = 1 + below(std::min<std::size_t>(wire.size() - at, 24));
    switch (below(8)) {
      case 0:
        wire[at] = static_cast<char>(random_());
        break;
      case 1:
        wire[at] = static_cast<char>(telling[below(std::size(telling))]);
        break;
      case 2:
        wire[at] = static_cast<char>(wire[at] ^ (1 << below(8)));
        break;
      case 3:
        wire[at] = static_cast<char>(wire[at] + (below(2) ? 1 : -1));  // a length, a count
        break;
      case 4:
        wire.erase(at, size);
        break;
      case 5:
        wire.insert(at, wire.substr(below(wire.size()), size));
        break;
      case 6:
        wire.replace(at, size, other.substr(below(other.size()), size));
        break;
      case 7:  // a compression pointer
        wire.replace(at, 2, {static_cast<char>(0xc0 + below(2)), static_cast<char>(random_())});
        break;
    }
  }

  std::mt19937 random_{20261123};  // the same each time
};

}  // namespace

TEST_SUITE("dns/decode") {
  TEST_CASE("real answers: ldns reads the same") {
    for (const auto& sample : test::dns_samples()) {
      CAPTURE(sample.title);
      const auto judged = test::judge_message(sample.wire);
      CHECK(judged.compared);
      CHECK(judged.problem.empty());
    }
  }

  TEST_CASE("a hundred thousand damaged answers: a Fault or what is really there, and no step beyond the end") {
    const auto samples = test::dns_samples();
    Mutator mutator;
    int accepted = 0;
    int compared = 0;
    for (int i = 0; i < 100'000; ++i) {
      const auto& sample = samples[mutator.below(samples.size())];
      const std::string wire = mutator.mutated(sample.wire, samples[mutator.below(samples.size())].wire);
      const auto judged = test::judge_message(wire);
      if (!judged.problem.empty()) {
        std::string hex;
        for (const char c : wire) hex += std::string(1, "0123456789abcdef"[(c >> 4) & 15]) + "0123456789abcdef"[c & 15];
        FAIL_CHECK(judged.problem, " in ", hex);
        break;
      }
      accepted += judged.accepted;
      compared += judged.compared;
    }
    // Both ways were gone often enough to mean something.
    CHECK(accepted > 20'000);
    CHECK(accepted < 80'000);
    CHECK(compared > 10'000);
  }

  TEST_CASE("pure noise is a Fault") {
    std::mt19937 random(1);
    for (int i = 0; i < 2000; ++i) {
      std::string wire(random() % 600, '\0');
      for (auto& c : wire) c = static_cast<char>(random());
      const auto judged = test::judge_message(wire);
      CHECK(judged.problem.empty());
    }
  }
}
