#include <doctest/doctest.h>
#include <certherd/service/agenda.hpp>

#include <string>
#include <vector>

using certherd::Seconds;
using certherd::TimePoint;
using certherd::service::Agenda;
using certherd::service::WaitingLines;

namespace {

TimePoint at(int seconds) {
  return TimePoint{} + Seconds(1'700'000'000 + seconds);
}

}  // namespace

TEST_SUITE("service/agenda") {
  TEST_CASE("the earliest comes first, and only when it is due") {
    Agenda agenda;
    agenda.set("b", at(20));
    agenda.set("a", at(30));
    agenda.set("c", at(10));
    CHECK(agenda.next() == at(10));
    CHECK_FALSE(agenda.take_due(at(9)));
    CHECK(agenda.take_due(at(30)) == "c");
    CHECK(agenda.take_due(at(30)) == "b");
    CHECK(agenda.take_due(at(30)) == "a");
    CHECK_FALSE(agenda.take_due(at(30)));
    CHECK_FALSE(agenda.next());
  }

  TEST_CASE("a new time takes the place of the old one") {
    Agenda agenda;
    agenda.set("a", at(10));
    agenda.set("a", at(50));
    CHECK(agenda.when("a") == at(50));
    CHECK_FALSE(agenda.take_due(at(49)));
    agenda.remove("a");
    CHECK_FALSE(agenda.when("a"));
    CHECK_FALSE(agenda.first());
  }

  TEST_CASE("in a line the soonest to expire is first, and what has nothing published before it") {
    WaitingLines lines;
    CHECK(lines.stand("late", "orders", at(300)));
    CHECK(lines.stand("soon", "orders", at(100)));
    CHECK_FALSE(lines.stand("late", "orders", at(300)));
    CHECK(lines.stand("new", "orders", std::nullopt));
    CHECK_FALSE(lines.stand("soon", "orders", at(100)));
    CHECK(lines.leave("new") == "soon");
    CHECK_FALSE(lines.leave("new"));
    CHECK_FALSE(lines.leave("late"));  // it was not the first: nobody is called
    CHECK_FALSE(lines.leave("soon"));  // nobody is left
  }

  TEST_CASE("lines for different limits do not know each other; who changes line leaves the other") {
    WaitingLines lines;
    CHECK(lines.stand("a", "orders", at(1)));
    CHECK(lines.stand("b", "domain", at(2)));
    CHECK_FALSE(lines.stand("b", "orders", at(2)));
    CHECK(lines.stand("c", "domain", at(3)));
    CHECK(lines.leave("a") == "b");
    lines.clear();
    CHECK_FALSE(lines.leave("b"));
    CHECK(lines.stand("c", "orders", at(9)));
  }
}
