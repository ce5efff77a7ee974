#include <ostream>

#include <doctest/doctest.h>

#include "loaded.hpp"

using namespace certherd;
using namespace certherd::test;
using namespace std::chrono_literals;
using Kind = RateLimit::Kind;

namespace {

constexpr std::chrono::days day{1};

}  // namespace

TEST_SUITE("config/service") {
  TEST_CASE("what the service needs is read") {
    const Loaded loaded(head + R"(max_parallel: 8
expiring: [1d, 30d, 36h]
log_file: logs/certherd.log
control: {socket_mode: 0600, socket_group: admins}
cas:
  lab:
    server: https://localhost:14000/dir
    max_parallel: 4
    rate_limits:
      - {limit: new_orders, amount: 300, per: 3h}
      - {limit: registered_domain, amount: 50, per: 7d}
      - {limit: exact_set, amount: 5, per: 7d}
      - {limit: failed_validations, amount: 5, per: 1h}
accounts:
  main: {provider: cloudflare, credentials_file: cf.ini, max_parallel: 2}
hooks:
  tell: {webhook: https://chat.example.com/, on: [failed, expiring, recovered], batch: 30s}
)");
    REQUIRE(loaded.faults() == Texts{});
    const Settings& settings = loaded.config.settings;
    CHECK(settings.max_parallel == 8);
    CHECK(settings.expiring == std::vector<Seconds>{30 * day, 36h, 24h});
    CHECK(settings.log_file == loaded.dir.path() / "logs/certherd.log");
    CHECK(settings.control.socket_mode == 0600);
    CHECK(settings.control.socket_group == "admins");
    CHECK(settings.cas.at("lab").max_parallel == 4);
    CHECK(settings.cas.at("lab").rate_limits == std::vector<RateLimit>{{Kind::new_orders, 300, 3h},
                                                                       {Kind::registered_domain, 50, 7 * day},
                                                                       {Kind::exact_set, 5, 7 * day},
                                                                       {Kind::failed_validations, 5, 1h}});
    CHECK(settings.accounts.at("main").max_parallel == 2);
    CHECK(settings.hooks.at("tell").on == std::vector{HookEvent::failed, HookEvent::expiring, HookEvent::recovered});
    CHECK(settings.hooks.at("tell").batch == 30s);
  }

  TEST_CASE("what is not said has its default") {
    const Loaded loaded(head + "hooks: {a: {command: [/bin/true]}}\naccounts: {m: {provider: cloudflare}}\n");
    REQUIRE(loaded.faults() == Texts{});
    const Settings& settings = loaded.config.settings;
    CHECK_FALSE(settings.max_parallel);
    CHECK(settings.expiring == std::vector<Seconds>{14 * day, 7 * day, 3 * day, 1 * day});
    CHECK(settings.log_file.empty());
    CHECK(settings.control.socket_mode == 0660);
    CHECK(settings.control.socket_group.empty());
    CHECK_FALSE(settings.hooks.at("a").batch);
    CHECK_FALSE(settings.accounts.at("m").max_parallel);
    CHECK(settings.cas.at("letsencrypt").rate_limits == test_cas.at("letsencrypt").rate_limits);
    CHECK(settings.cas.at("letsencrypt").rate_limits.size() == 1);
    CHECK_FALSE(settings.cas.at("letsencrypt").max_parallel);
    CHECK(settings.cas.at("zerossl").rate_limits.empty());
  }

  TEST_CASE("a built-in CA keeps its limits, has others, or none") {
    const auto limits = [](const std::string& text) {
      const Loaded loaded(head + "cas:\n  letsencrypt: " + text + "\n");
      REQUIRE(loaded.faults() == Texts{});
      return loaded.config.settings.cas.at("letsencrypt").rate_limits;
    };
    CHECK(limits("{email: a@example.com}") == test_cas.at("letsencrypt").rate_limits);
    CHECK(limits("{rate_limits: [{limit: exact_set, amount: 1, per: 1h}]}") ==
          std::vector<RateLimit>{{Kind::exact_set, 1, 1h}});
    CHECK(limits("{rate_limits: off}").empty());
    CHECK(limits("{rate_limits: []}").empty());
  }

  TEST_CASE("no thresholds at all: nobody is told") {
    const Loaded loaded(head + "expiring: []\n");
    CHECK(loaded.faults() == Texts{});
    CHECK(loaded.config.settings.expiring.empty());
  }

  TEST_CASE("rate limits that are none") {
    const Loaded loaded(head + R"(cas:
  a: {server: 'https://a.example/', rate_limits: 5}
  b: {server: 'https://b.example/', rate_limits: [{limit: orders, amount: 0, per: 3}]}
  c: {server: 'https://c.example/', rate_limits: [{limit: new_orders}]}
  d: {server: 'https://d.example/', rate_limits: [new_orders]}
  e:
    server: https://e.example/
    rate_limits:
      - {limit: exact_set, amount: 5, per: 7d}
      - {limit: exact_set, amount: 6, per: 7d, burst: 3}
      - {limit: exact_set, amount: 6, per: 7d}
)");
    CHECK(
        loaded.faults() ==
        Texts{"3:50 'rate_limits' of CA 'a' must be a list of limits, or off; write rate_limits: [{limit: "
              "new_orders, amount: 300, per: 3h}]",
              "4:59 'orders' is not a value of 'limit'; known: new_orders, registered_domain, exact_set, "
              "failed_validations",
              "4:75 'amount' of a rate limit of CA 'b' is 0; it can be 1 to 1000000",
              "4:83 'per' of a rate limit of CA 'b': '3' is not a duration: the unit is missing; write a whole number "
              "and s, m, h or d: 30s, 10m, 2h, 5d",
              "5:51 a rate limit of CA 'c' needs the key 'amount'", "5:51 a rate limit of CA 'c' needs the key 'per'",
              "6:51 a rate limit of CA 'd' must be a map of keys and values, and this is a single value",
              "11:48 'burst' is not a key of a rate limit of CA 'e'; known: limit, amount, per",
              "12:9 the limit 'exact_set' stands twice in CA 'e'; keep one of them"});
  }

  TEST_CASE("parallelism, thresholds, the socket, batches: wrong values are told at their place") {
    const Loaded loaded(head + R"(max_parallel: 0
expiring: [14d, 7, 0d, 14d]
control: {socket_mode: 0666, sockets: 1}
accounts:
  m: {provider: cloudflare, max_parallel: many}
cas:
  a: {server: 'https://a.example/', max_parallel: 1001}
hooks:
  h: {command: [/bin/true], batch: 0s, on: [recoverd]}
)");
    CHECK(loaded.faults() ==
          Texts{"2:15 'max_parallel' of the configuration is 0; it can be 1 to 1000",
                "3:17 'expiring': '7' is not a duration: the unit is missing; write a whole number and s, m, h or d: "
                "30s, 10m, 2h, 5d",
                "3:20 'expiring' tells of what is about to end: each duration must be longer than zero",
                "3:24 '14d' stands twice in 'expiring'; remove one of them",
                "4:24 'socket_mode' of 'control' would let everybody on this host order certherd about; use 0660 and a "
                "socket_group",
                "4:30 'sockets' is not a key of 'control'; known: socket_mode, socket_group",
                "6:43 'max_parallel' of account 'm': 'many' is not a number; write a whole number from 1 to 1000 in "
                "plain decimal",
                "8:51 'max_parallel' of CA 'a' is 1001; it can be 1 to 1000",
                "10:36 'batch' of hook 'h' must be longer than zero",
                "10:44 'recoverd' is not an event; did you mean 'recovered'?"});
  }
}
