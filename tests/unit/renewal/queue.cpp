#include <ostream>

#include <doctest/doctest.h>
#include <certherd/renewal/queue.hpp>

#include <algorithm>
#include <random>

#include "support/moments.hpp"

using namespace certherd;
using namespace std::chrono_literals;
using renewal::Queue;
using renewal::Ramp;
using renewal::Waiting;
using Names = std::vector<std::string>;
using certherd::test::now;

namespace {

const Ramp no_ramp{1, 0ms};

Waiting waiting(const std::string& name, std::uint64_t order = 0) {
  Waiting w;
  w.certificate = name;
  w.challenge_names = {"_acme-challenge." + name};
  w.account = "cf";
  w.ca = "le";
  w.expires = now + 100h;
  w.order = order;
  return w;
}

/// Starts what can be started at that moment.
Names start_all(Queue& queue, TimePoint at = now) {
  Names started;
  while (const auto next = queue.next(at)) {
    queue.started(*next, at);
    started.push_back(*next);
  }
  return started;
}

}  // namespace

TEST_SUITE("renewal/queue") {
  TEST_CASE("manual before scheduled, missing first, then who expires soonest, then who came first") {
    Queue queue({100, {}, {}}, no_ramp);
    queue.add(waiting("late.example", 1));
    auto soon = waiting("soon.example", 9);
    soon.expires = now + 1h;
    queue.add(soon);
    queue.add(waiting("later.example", 2));
    auto missing = waiting("missing.example", 8);
    missing.expires.reset();
    queue.add(missing);
    auto manual = waiting("manual.example", 7);
    manual.manual = true;
    queue.add(manual);
    CHECK(start_all(queue) ==
          Names{"manual.example", "missing.example", "soon.example", "late.example", "later.example"});
  }

  TEST_CASE("at most so many at a time, and the next when one has finished") {
    Queue queue({2, {}, {}}, no_ramp);
    for (int i = 0; i < 4; ++i) queue.add(waiting(std::to_string(i) + ".example", static_cast<std::uint64_t>(i)));
    CHECK(start_all(queue) == Names{"0.example", "1.example"});
    CHECK_FALSE(queue.wake_at(now));
    CHECK(queue.why("2.example", now) == "2 Runs are running, as many as max_parallel allows");
    queue.finished("1.example");
    CHECK(start_all(queue) == Names{"2.example"});
    CHECK(queue.running() == 2);
    CHECK(queue.waiting() == 1);
    CHECK(queue.is_running("2.example"));
    CHECK(queue.waits("3.example"));
  }

  TEST_CASE("a busy account or CA stands aside and holds nobody else up") {
    Queue queue({10, {{"cf", 1}}, {{"slow", 1}}}, no_ramp);
    for (int i = 0; i < 3; ++i)
      queue.add(waiting("cf" + std::to_string(i) + ".example", static_cast<std::uint64_t>(i)));
    for (int i = 0; i < 3; ++i) {
      auto w = waiting("s" + std::to_string(i) + ".example", static_cast<std::uint64_t>(10 + i));
      w.account = "other" + std::to_string(i);
      w.ca = "slow";
      queue.add(w);
    }
    auto free = waiting("free.example", 99);
    free.account = "free";
    queue.add(free);
    CHECK(start_all(queue) == Names{"cf0.example", "s0.example", "free.example"});
    CHECK(queue.why("cf1.example", now) == "account cf has as many Runs as its max_parallel allows");
    CHECK(queue.why("s1.example", now) == "CA slow has as many Runs as its max_parallel allows");
    CHECK_FALSE(queue.wake_at(now));
    queue.finished("cf0.example");
    CHECK(start_all(queue) == Names{"cf1.example"});
    queue.finished("s0.example");
    CHECK(start_all(queue) == Names{"s1.example"});
    queue.set_limits({10, {}, {}}, no_ramp);
    CHECK(start_all(queue) == Names{"cf2.example", "s2.example"});
  }

  TEST_CASE("overlapping challenge names never run at a time") {
    Queue queue({10, {}, {}}, no_ramp);
    queue.add(waiting("a.example", 1));
    auto both = waiting("both", 2);
    both.challenge_names = {"_acme-challenge.b.example", "_acme-challenge.a.example", "_acme-challenge.a.example"};
    queue.add(both);
    auto after = waiting("after", 3);
    after.challenge_names = {"_acme-challenge.b.example"};
    queue.add(after);
    queue.add(waiting("under.a.example", 4));
    CHECK(start_all(queue) == Names{"a.example", "after", "under.a.example"});
    CHECK(queue.why("both", now) == "a Run of after uses the same challenge name");
    queue.finished("a.example");
    CHECK(start_all(queue).empty());
    queue.finished("after");
    CHECK(start_all(queue) == Names{"both"});
  }

  TEST_CASE("single-TXT providers: a name above or below is in use too") {
    Queue queue({10, {}, {}}, no_ramp);
    const auto single = [](const std::string& name, std::uint64_t order) {
      auto w = waiting(name, order);
      w.single_txt = true;
      return w;
    };
    queue.add(single("home.duckdns.org", 1));
    queue.add(single("www.home.duckdns.org", 2));
    queue.add(single("other.duckdns.org", 3));
    queue.add(single("x.y.other.duckdns.org", 4));
    queue.add(waiting("sub.home.duckdns.org", 5));  // of another kind of provider
    CHECK(start_all(queue) == Names{"home.duckdns.org", "other.duckdns.org", "sub.home.duckdns.org"});
    queue.finished("home.duckdns.org");
    CHECK(start_all(queue) == Names{"www.home.duckdns.org"});
    queue.add(single("home.duckdns.org", 6));
    CHECK(start_all(queue).empty());
    queue.finished("www.home.duckdns.org");
    CHECK(start_all(queue) == Names{"home.duckdns.org"});
    queue.finished("other.duckdns.org");
    CHECK(start_all(queue) == Names{"x.y.other.duckdns.org"});
  }

  TEST_CASE("a second wish while the first runs follows it; removed and replaced ones do not start") {
    Queue queue({10, {}, {}}, no_ramp);
    queue.add(waiting("a.example"));
    start_all(queue);
    queue.add(waiting("a.example"));
    CHECK(start_all(queue).empty());
    CHECK(queue.why("a.example", now) == "a Run of it is running");
    queue.finished("a.example");
    CHECK(start_all(queue) == Names{"a.example"});
    queue.add(waiting("a.example"));
    CHECK(start_all(queue).empty());
    queue.remove("a.example");  // set aside already
    queue.finished("a.example");
    CHECK(start_all(queue).empty());
    queue.add(waiting("b.example", 1));
    queue.add(waiting("c.example", 2));
    auto urgent = waiting("c.example", 2);
    urgent.manual = true;
    queue.add(urgent);
    queue.remove("b.example");
    queue.remove("unknown");
    queue.finished("unknown");
    queue.started("unknown", now);
    CHECK(start_all(queue) == Names{"c.example"});
    CHECK(queue.why("unknown", now).empty());
  }

  TEST_CASE("the ramp: a burst, then one at a time; time that passes fills it again") {
    Queue queue({100, {}, {}}, Ramp{3, 500ms});
    for (int i = 0; i < 50; ++i) queue.add(waiting(std::to_string(i) + ".example"));
    CHECK(start_all(queue, now).size() == 3);
    CHECK(queue.wake_at(now) == now + 500ms);
    CHECK(queue.why("9.example", now) == "Runs are started one after the other");
    CHECK(start_all(queue, now + 499ms).empty());
    CHECK(start_all(queue, now + 500ms).size() == 1);
    CHECK(start_all(queue, now + 1600ms).size() == 2);
    CHECK(start_all(queue, now + 1h).size() == 3);
    CHECK(start_all(queue, now - 9000h).size() == 3);  // a clock stepped back costs a burst, not a year
    CHECK(queue.wake_at(now - 9000h) == now - 9000h + 500ms);
  }

  TEST_CASE("nothing to wake up for when nothing waits") {
    Queue queue({10, {}, {}}, Ramp{1, 500ms});
    CHECK_FALSE(queue.wake_at(now));
    queue.add(waiting("a.example"));
    CHECK(queue.wake_at(now) == now);
    start_all(queue);
    CHECK_FALSE(queue.wake_at(now));
  }

  TEST_CASE("defaults follow cores and memory, between 2 and 64") {
    constexpr std::uint64_t gib = 1ULL << 30U;
    CHECK(renewal::default_max_parallel(1, gib / 2) == 3);
    CHECK(renewal::default_max_parallel(1, gib) == 6);
    CHECK(renewal::default_max_parallel(1, 8 * gib) == 16);
    CHECK(renewal::default_max_parallel(2, 8 * gib) == 32);
    CHECK(renewal::default_max_parallel(64, 512 * gib) == 64);
    CHECK(renewal::default_max_parallel(0, 0) == 2);
    CHECK(renewal::default_ramp(0).burst == 2);
    CHECK(renewal::default_ramp(0).interval == 500ms);
    CHECK(renewal::default_ramp(4).burst == 8);
    CHECK(renewal::default_ramp(4).interval == 125ms);
  }

  TEST_CASE("forked certbots cost less: more of them, and faster one after the other") {
    constexpr std::uint64_t mib = 1ULL << 20U;
    const renewal::RunCost fork{20 * mib, renewal::cost_of_a_fork};
    CHECK(renewal::default_max_parallel(1, 8192 * mib, fork) == 80);
    CHECK(renewal::default_max_parallel(2, 8192 * mib, fork) == 160);
    CHECK(renewal::default_max_parallel(2, 1024 * mib, fork) == 25);
    CHECK(renewal::default_max_parallel(64, 512 * 1024 * mib, fork) == 200);
    CHECK(renewal::default_ramp(2, fork).burst == 4);
    CHECK(renewal::default_ramp(2, fork).interval == 50ms);
  }

  TEST_CASE("random additions, removals and ends: no overlap, no limit broken, nobody forgotten") {
    std::mt19937 random(3);
    Queue queue({12, {{"a0", 2}, {"a1", 3}}, {{"c0", 6}}}, no_ramp);
    std::map<std::string, Waiting> running;
    std::set<std::string> expected;
    std::uint64_t order = 0;
    const auto random_waiting = [&] {
      auto w = waiting(std::to_string(random() % 300) + ".example", ++order);
      w.challenge_names.push_back("_acme-challenge." + std::to_string(random() % 40) + ".shared");
      w.account = "a" + std::to_string(random() % 5);
      w.ca = "c" + std::to_string(random() % 3);
      w.manual = random() % 5 == 0;
      return w;
    };
    std::map<std::string, Waiting> known;
    const auto finish_one = [&] {
      auto it = std::next(running.begin(), static_cast<long>(random() % running.size()));
      queue.finished(it->first);
      running.erase(it);
    };
    for (int step = 0; step < 20'000; ++step) {
      const auto choice = random() % 10;
      if (choice < 5) {
        auto w = random_waiting();
        known[w.certificate] = w;
        expected.insert(w.certificate);
        queue.add(std::move(w));
      } else if (choice == 5 && !expected.empty()) {
        const std::string name = *expected.begin();
        expected.erase(name);
        queue.remove(name);
      } else if (!running.empty()) {
        finish_one();
      }
      while (const auto next = queue.next(now)) {
        const Waiting& w = known.at(*next);
        REQUIRE(expected.erase(*next) == 1);
        REQUIRE_FALSE(running.contains(*next));
        int same_account = 0, same_ca = 0;
        for (const auto& [name, other] : running) {
          same_account += other.account == w.account;
          same_ca += other.ca == w.ca;
          for (const auto& challenge : w.challenge_names)
            REQUIRE(std::find(other.challenge_names.begin(), other.challenge_names.end(), challenge) ==
                    other.challenge_names.end());
        }
        REQUIRE(running.size() < 12);
        if (w.account == "a0") REQUIRE(same_account < 2);
        if (w.account == "a1") REQUIRE(same_account < 3);
        if (w.ca == "c0") REQUIRE(same_ca < 6);
        queue.started(*next, now);
        running[*next] = w;
      }
      REQUIRE(queue.waiting() == expected.size());
      REQUIRE(queue.running() == running.size());
    }
    while (!running.empty()) {
      finish_one();
      for (const auto& name : start_all(queue)) {
        running[name] = known.at(name);
        expected.erase(name);
      }
    }
    CHECK(expected.empty());
    CHECK(queue.waiting() == 0);
  }

  TEST_CASE("ten thousand waiting, most of them held up: next() stays fast") {
    std::map<std::string, int> accounts;
    for (int i = 0; i < 5000; ++i) accounts["a" + std::to_string(i)] = 1;
    Queue queue({1000, {}, {{"le", 900}}}, no_ramp);
    queue.set_limits({1000, accounts, {{"le", 900}}}, no_ramp);
    for (int i = 0; i < 10'000; ++i) {
      auto w = waiting(std::to_string(i) + ".example", static_cast<std::uint64_t>(i));
      w.account = i < 4000 ? "a0" : "a" + std::to_string(i % 5000);
      if (i % 3 == 0) w.challenge_names.push_back("_acme-challenge.shared");
      queue.add(std::move(w));
    }
    const auto begin = std::chrono::steady_clock::now();
    int calls = 0;
    std::vector<std::string> running = start_all(queue);
    for (; calls < 2000; ++calls) {
      queue.finished(running.back());
      running.pop_back();
      for (auto& name : start_all(queue)) running.push_back(std::move(name));
    }
    const auto each = (std::chrono::steady_clock::now() - begin) / calls;
    MESSAGE("finished() and next() take " << std::chrono::duration<double, std::micro>(each).count() << " us");
    CHECK(each < 5ms);  // with sanitizers, without optimization, on a busy machine; ordinarily microseconds
  }
}
