#include <certherd/journal/journal.hpp>

#include <ostream>

#include <doctest/doctest.h>

#include "sample_database.hpp"

using namespace certherd;
using namespace certherd::test;

namespace {

/// A state with something in each of its members.
CertificateState rich_state(const std::string& certificate = "example.com") {
  CertificateState state;
  state.certificate = certificate;
  state.failures = 3;
  state.failure_class = FailureClass::rate_limited;
  state.failed_at = at(1);
  state.retry_at = at(2);
  state.fingerprint = "sha256:ab";
  state.window = RenewalWindow{"aYhb.AIdl", at(3), at(4), "https://ca.example/why", at(5), at(6), at(7)};
  state.failed_told = at(8);
  state.expiring_told = Seconds(86400);
  state.expiring_serial = "1f3a";
  state.revoked_serial = "1f3b";
  state.profile = "shortlived";
  return state;
}

void check_same(const CertificateState& seen, const CertificateState& expected) {
  CHECK(seen.certificate == expected.certificate);
  CHECK(seen.failures == expected.failures);
  CHECK(seen.failure_class == expected.failure_class);
  CHECK(seen.failed_at == expected.failed_at);
  CHECK(seen.retry_at == expected.retry_at);
  CHECK(seen.fingerprint == expected.fingerprint);
  REQUIRE(seen.window.has_value() == expected.window.has_value());
  if (seen.window) {
    CHECK(seen.window->ari_id == expected.window->ari_id);
    CHECK(seen.window->start == expected.window->start);
    CHECK(seen.window->end == expected.window->end);
    CHECK(seen.window->explanation_url == expected.window->explanation_url);
    CHECK(seen.window->moment == expected.window->moment);
    CHECK(seen.window->fetched == expected.window->fetched);
    CHECK(seen.window->next_check == expected.window->next_check);
  }
  CHECK(seen.failed_told == expected.failed_told);
  CHECK(seen.expiring_told == expected.expiring_told);
  CHECK(seen.expiring_serial == expected.expiring_serial);
  CHECK(seen.revoked_serial == expected.revoked_serial);
  CHECK(seen.profile == expected.profile);
}

}  // namespace

TEST_SUITE("journal/states") {
  TEST_CASE("a state comes back as it was, also after reopening, and is replaced as a whole") {
    SampleDatabase database;
    database.journal->save_state(rich_state());
    database.journal.reset();
    database.journal = database.open();
    auto seen = database.journal->state("example.com");
    REQUIRE(seen);
    check_same(*seen, rich_state());
    CertificateState empty;
    empty.certificate = "example.com";
    database.journal->save_state(empty);
    seen = database.journal->state("example.com");
    REQUIRE(seen);
    check_same(*seen, empty);
    CHECK_FALSE(database.journal->state("example.org"));
  }

  TEST_CASE("ten thousand states in one transaction, sorted by name") {
    const SampleDatabase database;
    std::vector<CertificateState> states;
    for (int i = 0; i < 10'000; ++i) states.push_back(rich_state("host-" + std::to_string(200'000 - i)));
    database.journal->save_states(states);
    for (auto& state : states) state.failures = 4;
    database.journal->save_states(states);
    const auto seen = database.journal->states();
    REQUIRE(seen.size() == states.size());
    check_same(seen.front(), states.back());
    check_same(seen.back(), states.front());
    database.journal->save_states({});
    CHECK(database.journal->states().size() == states.size());
  }

  TEST_CASE("states that cannot be saved leave the older ones, all of them") {
    const SampleDatabase database;
    database.journal->save_states(std::vector{rich_state("a"), rich_state("b")});
    const auto reader = database.open(journal::Journal::Mode::read_only);
    auto changed = std::vector{rich_state("a"), rich_state("b")};
    for (auto& state : changed) state.failures = 9;
    CHECK_THROWS_AS(reader->save_states(changed), Failed);
    for (const auto& state : database.journal->states()) CHECK(state.failures == 3);
  }

  TEST_CASE("buckets: those saved take the place of their older selves") {
    SampleDatabase database;
    database.journal->save_buckets({{"letsencrypt", "orders", "account", 299.5, at(1)},
                                    {"letsencrypt", "domain", "example.com", 0.1 + 0.2, at(2)}});
    database.journal->save_buckets({{"letsencrypt", "orders", "account", 12.25, at(3)}});
    database.journal->save_buckets({});
    database.journal.reset();
    const auto buckets = database.open()->buckets();
    REQUIRE(buckets.size() == 2);
    CHECK(buckets[0].limit == "domain");
    CHECK(buckets[0].key == "example.com");
    CHECK(buckets[0].tokens == 0.1 + 0.2);
    CHECK(buckets[0].at == at(2));
    CHECK(buckets[1].ca == "letsencrypt");
    CHECK(buckets[1].tokens == 12.25);
    CHECK(buckets[1].at == at(3));
  }

  TEST_CASE("buckets that are removed are gone, others stay") {
    SampleDatabase database;
    const std::vector<Bucket> saved{{"letsencrypt", "domain", "example.com", 1, at(1)},
                                    {"letsencrypt", "domain", "example.org", 2, at(2)},
                                    {"zerossl", "domain", "example.com", 3, at(3)}};
    database.journal->save_buckets(saved);
    database.journal->remove_buckets({});
    database.journal->remove_buckets({saved[0], saved[1], {"letsencrypt", "domain", "never.seen", 0, at(1)}});
    database.journal.reset();
    const auto buckets = database.open()->buckets();
    REQUIRE(buckets.size() == 1);
    CHECK(buckets[0].ca == "zerossl");
  }
}
