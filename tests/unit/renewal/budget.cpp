#include <ostream>

#include <doctest/doctest.h>
#include <certherd/renewal/budget.hpp>

#include <cmath>
#include <random>

#include "support/moments.hpp"

using namespace certherd;
using namespace std::chrono_literals;
using renewal::Budgets;
using Kind = RateLimit::Kind;
using certherd::test::day;
using certherd::test::now;

namespace {

const std::vector<RateLimit> limits{{Kind::new_orders, 300, 3h},
                                    {Kind::registered_domain, 50, 7 * day},
                                    {Kind::exact_set, 5, 7 * day},
                                    {Kind::failed_validations, 5, 1h}};

renewal::Order order(const std::string& name, bool renewal = false) {
  return {"le", "acme-1", {name + ".example.com"}, {"example.com"}, renewal};
}

/// Orders that go through at one instant.
template <class Make>
int how_many(Budgets& budgets, TimePoint at, Make make) {
  int count = 0;
  for (; count < 1000; ++count) {
    const renewal::Order next = make(count);
    if (budgets.wait(next, limits, at)) break;
    budgets.take(next, limits, at);
  }
  return count;
}

double tokens(const Budgets& budgets, const std::string& limit) {
  for (const auto& bucket : budgets.all())
    if (bucket.limit == limit) return bucket.tokens;
  return NAN;
}

}  // namespace

TEST_SUITE("renewal/budget") {
  TEST_CASE("a burst up to each limit, and no further") {
    Budgets domains({}), accounts({}), sets({}), renewals({});
    CHECK(how_many(domains, now, [](int i) { return order(std::to_string(i)); }) == 49);
    CHECK(how_many(accounts, now, [](int i) {
            auto next = order(std::to_string(i));
            next.registered_domains = {std::to_string(i) + ".org"};
            return next;
          }) == 298);
    CHECK(how_many(sets, now, [](int) { return order("same", true); }) == 4);
    CHECK(how_many(renewals, now, [](int i) { return order(std::to_string(i), true); }) == 1000);
  }

  TEST_CASE("whoever must wait is told until when and by which limit, and goes then") {
    Budgets budgets({});
    how_many(budgets, now, [](int) { return order("same"); });
    const auto wait = budgets.wait(order("same"), limits, now);
    REQUIRE(wait);
    CHECK(wait->why == "the rate limit of le: 5 certificates for exactly these names in 7d (exact_set)");
    CHECK(wait->until > now);
    CHECK(wait->until <= now + 31min);
    CHECK(budgets.wait(order("same"), limits, wait->until - 2s));
    CHECK_FALSE(budgets.wait(order("same"), limits, wait->until));
    budgets.take(order("same"), limits, wait->until);
    const auto next = budgets.wait(order("same"), limits, wait->until);
    REQUIRE(next);
    CHECK(next->until - wait->until >= 33h);
    CHECK(next->until - wait->until <= 34h);
    CHECK_FALSE(budgets.wait(order("other"), limits, now));
  }

  TEST_CASE("the longest of several waits is the one that is told") {
    Budgets budgets({{"le", "new_orders", "acme-1", 0, now}, {"le", "registered_domain", "example.com", 0, now}});
    const auto wait = budgets.wait(order("a"), limits, now);
    REQUIRE(wait);
    CHECK(wait->why == "the rate limit of le: 50 certificates for example.com in 7d (registered_domain)");
    auto elsewhere = order("a");
    elsewhere.registered_domains = {"example.org"};
    CHECK(budgets.wait(elsewhere, limits, now)->until == now + 36s);
    CHECK_FALSE(budgets.wait(order("a", true), limits, now));
    CHECK_FALSE(budgets.wait(order("a"), {}, now));  // no limits are known
    auto other_ca = order("a");
    other_ca.ca = "zerossl";
    CHECK_FALSE(budgets.wait(other_ca, limits, now));
  }

  TEST_CASE("what an Attempt without a certificate gives back: the limits that count certificates") {
    Budgets budgets({});
    for (int i = 0; i < 40; ++i) {
      REQUIRE_FALSE(budgets.wait(order("same"), limits, now));
      CHECK(budgets.take(order("same"), limits, now).size() == 3);
      CHECK(budgets.give_back(order("same"), limits, now).size() == 2);
    }
    CHECK(tokens(budgets, "new_orders") < 259);
    CHECK(tokens(budgets, "exact_set") > 4.9);
    CHECK(tokens(budgets, "exact_set") <= 5);
    budgets.give_back(order("same"), limits, now);
    CHECK(tokens(budgets, "exact_set") <= 5);  // never more than it holds
  }

  TEST_CASE("failed validations: counted for each name, and needed before the order begins") {
    Budgets budgets({});
    const std::vector<std::string> both{"example.com", "*.example.com"};
    auto pair = order("a");
    pair.domains = both;
    budgets.failed_validation("le", "acme-1", both, limits, now);
    budgets.failed_validation("le", "acme-1", both, limits, now);
    // One is left, and this order may fail twice.
    const auto wait = budgets.wait(pair, limits, now);
    REQUIRE(wait);
    CHECK(wait->why == "the rate limit of le: 5 failed validations of example.com in 1h (failed_validations)");
    CHECK(wait->until == now + 12min);
    auto apex = pair;
    apex.domains = {"example.com"};
    CHECK_FALSE(budgets.wait(apex, limits, now));
    CHECK_FALSE(budgets.wait(order("www"), limits, now));
    pair.acme_account = "acme-2";
    CHECK_FALSE(budgets.wait(pair, limits, now));
  }

  TEST_CASE("an order of more names than the limit allows failures can go when the bucket is full") {
    Budgets budgets({});
    const std::vector<RateLimit> narrow{{Kind::failed_validations, 1, 1h}, {Kind::exact_set, 1, 1h}};
    auto pair = order("a");
    pair.domains = {"example.com", "*.example.com"};
    CHECK_FALSE(budgets.wait(pair, narrow, now));
    budgets.take(pair, narrow, now);
    CHECK(budgets.wait(pair, narrow, now)->until == now + 1h);
    budgets.failed_validation("le", "acme-1", pair.domains, narrow, now + 10min);
    CHECK(budgets.wait(pair, narrow, now + 10min)->until == now + 70min);
  }

  TEST_CASE("what is saved goes on after a restart") {
    Budgets before({});
    std::vector<Bucket> saved;
    for (int i = 0; i < 4; ++i) saved = before.take(order("same"), limits, now);
    CHECK(saved.size() == 3);
    Budgets after(before.all());
    CHECK(after.wait(order("same"), limits, now)->until == before.wait(order("same"), limits, now)->until);
    Budgets from_last(saved);
    CHECK(from_last.wait(order("same"), limits, now)->until == before.wait(order("same"), limits, now)->until);
  }

  TEST_CASE("nonsense from a database holds nobody and gives nothing") {
    Budgets budgets({{"le", "exact_set", "a.example.com", NAN, now},
                     {"le", "new_orders", "acme-1", -1e9, now},
                     {"le", "registered_domain", "example.com", 1e9, now}});
    CHECK(budgets.wait(order("a"), limits, now)->until == now + 36s);
    CHECK(how_many(budgets, now + 1h, [](int i) { return order(std::to_string(i)); }) == 49);
  }

  TEST_CASE("a clock that goes back gives no tokens, takes none, and holds nobody longer than a refill") {
    for (const auto step : {std::chrono::seconds(10s), std::chrono::seconds(2h), std::chrono::seconds(365 * day)}) {
      CAPTURE(step.count());
      Budgets budgets({});
      how_many(budgets, now, [](int) { return order("same"); });
      const auto there = budgets.wait(order("same"), limits, now);
      const TimePoint back = now - step;
      const auto wait = budgets.wait(order("same"), limits, back);
      REQUIRE(wait);
      CHECK(wait->until - back == there->until - now);
      CHECK(budgets.wait(order("same"), limits, wait->until - 5s)->until == wait->until);
      CHECK_FALSE(budgets.wait(order("same"), limits, wait->until));
      for (const auto& bucket : budgets.take(order("same"), limits, back)) CHECK(bucket.tokens >= 0);
    }
  }

  TEST_CASE("a CA's refusal holds what its words are about") {
    const TimePoint until = now + 5h;
    struct Row {
      std::optional<Kind> limit;
      bool same_set, same_domain, same_account_renewal, same_account;
    };
    const Row rows[] = {{std::nullopt, true, true, true, true},
                        {Kind::new_orders, true, true, false, true},
                        {Kind::registered_domain, true, true, false, false},
                        {Kind::exact_set, true, false, false, false},
                        {Kind::failed_validations, true, false, false, false}};
    for (const auto& row : rows) {
      CAPTURE(row.limit.has_value());
      Budgets budgets({});
      const auto saved = budgets.rate_limited(order("a"), row.limit, until, now);
      CHECK_FALSE(saved.empty());
      Budgets again(saved);
      auto elsewhere = order("b");
      elsewhere.registered_domains = {"example.org"};
      auto stranger = elsewhere;
      stranger.acme_account = "acme-2";
      for (auto* b : {&budgets, &again}) {
        CHECK(b->wait(order("a"), limits, now).has_value() == row.same_set);
        CHECK(b->wait(order("b"), limits, now).has_value() == row.same_domain);
        CHECK(b->wait(order("b", true), limits, now).has_value() == row.same_account_renewal);
        CHECK(b->wait(elsewhere, limits, now).has_value() == row.same_account);
        CHECK_FALSE(b->wait(stranger, limits, now));
        CHECK(b->wait(order("a"), limits, now)->until == until);
        CHECK_FALSE(b->wait(order("a"), limits, until));
        CHECK_FALSE(b->wait(order("a"), limits, now - 2h));  // the clock was stepped back
      }
    }
  }

  TEST_CASE("buckets that are full again and refusals that are over are forgotten") {
    Budgets budgets({});
    budgets.take(order("a"), limits, now);
    budgets.rate_limited(order("a"), Kind::exact_set, now + 1h, now);
    std::map<std::string, Ca> cas;
    cas["le"].rate_limits = limits;
    CHECK(budgets.forget_full(cas, now).empty());
    CHECK(budgets.forget_full(cas, now + 2h).size() == 2);  // new_orders and the refusal
    CHECK(budgets.forget_full(cas, now + 8 * day).size() == 2);
    CHECK(budgets.all().empty());
  }

  TEST_CASE("Boulder's words") {
    CHECK(renewal::limit_named("too many new orders (300) from this account in the last 3h0m0s, retry after ...") ==
          Kind::new_orders);
    CHECK(renewal::limit_named("too many certificates (5) already issued for this exact set of identifiers in the "
                               "last 168h0m0s, retry after 2025-09-18 09:13:16 UTC") == Kind::exact_set);
    CHECK(renewal::limit_named("Error creating new order :: too many certificates (5) already issued for this exact "
                               "set of domains in the last 168 hours: example.com") == Kind::exact_set);
    CHECK(renewal::limit_named("too many certificates (50) already issued for \"example.com\" in the last 168h0m0s") ==
          Kind::registered_domain);
    CHECK(renewal::limit_named("too many failed authorizations (5) for \"example.com\" in the last 1h0m0s") ==
          Kind::failed_validations);
    CHECK_FALSE(renewal::limit_named("slow down"));
    CHECK_FALSE(renewal::limit_named(""));
  }

  TEST_CASE("random orders with random clocks never exceed a limit in any stretch of time") {
    std::mt19937 random(11);
    const std::vector<RateLimit> narrow{{Kind::new_orders, 7, 1h}, {Kind::exact_set, 3, 2h}};
    Budgets budgets({});
    TimePoint real = now;
    std::vector<TimePoint> taken, same;
    Milliseconds off{0};
    for (int i = 0; i < 4000; ++i) {
      real += Seconds(random() % 300);
      if (random() % 10 == 0) {
        const Milliseconds step = Seconds(static_cast<int>(random() % 86400)) * (off.count() > 0 ? -1 : 1);
        budgets.clock_stepped(step);
        off += step;
      }
      const TimePoint seen = real + off;
      const bool again = random() % 4 == 0;
      const auto next = order(again ? "same" : std::to_string(i));
      if (budgets.wait(next, narrow, seen)) continue;
      budgets.take(next, narrow, seen);
      taken.push_back(real);
      if (again) same.push_back(real);
    }
    CHECK(taken.size() > 200);
    const auto within = [](const std::vector<TimePoint>& times, double amount, double a_second) {
      for (std::size_t i = 0; i < times.size(); ++i)
        for (std::size_t j = i; j < times.size() && j < i + 50; ++j)
          if (static_cast<double>(j - i + 1) >
              amount + std::chrono::duration<double>(times[j] - times[i]).count() * a_second + 1e-3)
            return false;
      return true;
    };
    CHECK(within(taken, 7, 7 / 3600.0));
    CHECK(within(same, 3, 3 / 7200.0));
  }
}
