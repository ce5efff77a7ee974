#pragma once

#include <certherd/model/settings.hpp>
#include <certherd/model/state.hpp>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace certherd::renewal {

/// What an order costs.
struct Order {
  std::string ca;
  std::string acme_account;  ///< any text that tells the CA's accounts apart
  std::vector<std::string> domains;
  std::vector<std::string> registered_domains;  ///< of the domains, by the public suffix list
  /// The same set of names as a certificate that this CA issued before: exempt from new_orders and registered_domain,
  /// not from exact_set and failed_validations (https://letsencrypt.org/docs/rate-limits/, renewals without ARI).
  bool renewal = false;
};

/// A mirror of the CAs' rate limits as token buckets, so that no order is made that a CA would refuse. A bucket holds
/// at most `amount` tokens and gains amount/per; every order and every failed validation costs one. What an order can
/// cost in failed validations must be there before it begins.
///
/// The buckets of orders hold a little less than the CA's, at most 1 %: the CA counts an order some seconds after it
/// was taken here and a certificate some minutes after that, sometimes sooner and sometimes later.
///
/// A clock that is stepped gives no tokens and takes none, as long as clock_stepped() is told of it (a ClockWatch
/// knows). A bucket that is found in the future all the same, since the step happened while certherd was away, counts
/// from now on with the tokens it has.
class Budgets {
public:
  explicit Budgets(std::vector<Bucket> buckets);

  struct Wait {
    TimePoint until;
    std::string why;  ///< one line: "the rate limit of letsencrypt: 300 new orders of this account in 3h (new_orders)"
    std::string bucket;  ///< whoever waits for the same one can wait in line: no use asking before the first has gone
  };

  /// Until when an order would break a limit, and the one that holds it longest; nullopt: it may go.
  std::optional<Wait> wait(const Order& order, std::span<const RateLimit> limits, TimePoint now);

  /// Counts an order: just before each Attempt. The buckets to be saved before certbot is started.
  std::vector<Bucket> take(const Order& order, std::span<const RateLimit> limits, TimePoint now);

  /// An Attempt ended and certainly left no certificate: those limits that count certificates, not orders
  /// (registered_domain, exact_set), get their token back. Not after a crash, a timeout or an interruption.
  std::vector<Bucket> give_back(const Order& order, std::span<const RateLimit> limits, TimePoint now);

  /// Counts failed authorizations: each of the domains (of an order, "*.x" as written) that failed, or all of them when
  /// the CA did not say which.
  std::vector<Bucket> failed_validation(const std::string& ca, const std::string& acme_account,
                                        std::span<const std::string> domains, std::span<const RateLimit> limits,
                                        TimePoint now);

  /// The CA refused an order because of the limit: nothing like it before `until`. `limit` as limit_named() found it;
  /// absent: no order of the account.
  std::vector<Bucket> rate_limited(const Order& order, std::optional<RateLimit::Kind> limit, TimePoint until,
                                   TimePoint now);

  /// Buckets that are full again and refusals that are over say nothing any more: taken out, and given back to be
  /// removed from the database.
  std::vector<Bucket> forget_full(const std::map<std::string, Ca>& cas, TimePoint now);

  /// The wall clock was stepped by so much (forward: positive), and is believed: everything is moved with it. All of it
  /// is to be saved.
  std::vector<Bucket> clock_stepped(Milliseconds by);

  std::vector<Bucket> all() const;

private:
  using Key = std::tuple<std::string, std::string, std::string>;  ///< ca, limit, key
  struct Level {
    double tokens = 0;
    TimePoint at;
  };

  double level(const Key& key, const RateLimit& limit, TimePoint now);
  Bucket spend(const Key& key, const RateLimit& limit, int count, TimePoint now);
  void wait_for(std::optional<Wait>& longest, const Key& key, const RateLimit& limit, int count, TimePoint now);
  void wait_for_refusals(std::optional<Wait>& longest, const Order& order, TimePoint now);

  std::map<Key, Level> buckets_;
};

/// Which limit a CA's words are about ("too many certificates (5) already issued for this exact set of identifiers …"),
/// as Boulder (Let's Encrypt) writes them; nullopt: they do not say.
std::optional<RateLimit::Kind> limit_named(std::string_view problem_detail);

}  // namespace certherd::renewal
