#include <ostream>

#include <doctest/doctest.h>
#include <certherd/cli/waterfall.hpp>

#include <sstream>

using namespace certherd;

namespace {

std::string drawn(const PhaseTimeline& timeline, int width) {
  cli::Terminal terminal;
  terminal.width = width;
  std::ostringstream out;
  cli::print_waterfall(out, terminal, timeline);
  return out.str();
}

const TimePoint start{Seconds(1000)};

}  // namespace

TEST_SUITE("cli/waterfall") {
  TEST_CASE("bars stand on one scale, one after the other") {
    const PhaseTimeline timeline{{{Phase::startup, start, Milliseconds(1000), false},
                                  {Phase::propagation, start + Seconds(1), Milliseconds(2000), false},
                                  {Phase::notify, start + Seconds(3), Milliseconds(4), false},
                                  {Phase::validation, start + Milliseconds(3004), Milliseconds(996), true}}};
    CHECK(drawn(timeline, 50) ==
          "  startup             1.0 s  #####\n"
          "  propagation         2.0 s       ##########\n"
          "  notify              0.0 s                 |\n"
          "  validation          1.0 s                 ##### failed here\n");
  }

  TEST_CASE("a terminal that is too narrow still gets a bar, and nothing gives nothing") {
    const PhaseTimeline timeline{{{Phase::startup, start, Milliseconds(1000), false}}};
    CHECK(drawn(timeline, 5) == "  startup             1.0 s  ##########\n");
    CHECK(drawn({}, 80).empty());
  }

  TEST_CASE("a timeline of no length does not divide by zero") {
    const PhaseTimeline timeline{{{Phase::startup, start, Milliseconds(0), false}}};
    CHECK(drawn(timeline, 50) == "  startup             0.0 s  |\n");
  }
}
