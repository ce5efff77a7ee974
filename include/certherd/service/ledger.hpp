#pragma once

#include <certherd/journal/journal.hpp>
#include <certherd/model/failure.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/renewal/budget.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <optional>
#include <string>

namespace certherd::service {

/// What the CAs' rate limits still allow: renewal::Budgets, kept in the database. On the io_context's thread.
class Ledger {
public:
  Ledger(journal::Journal& journal, boost::asio::thread_pool& pool);

  /// Why an order for the Certificate must wait, and until when; nullopt: it may go. `renewal`: its set of names was
  /// certified before (then some limits do not count it).
  std::optional<renewal::Budgets::Wait> wait(const Settings& settings, const Certificate& certificate, bool renewal,
                                             TimePoint now);

  /// An order is about to be made: written down before it is, so that a crash in between errs on the safe side.
  /// Throws Failed when the database cannot be written.
  boost::asio::awaitable<void> take(const Settings& settings, const Certificate& certificate, bool renewal);

  /// What a failed order tells of the limits: failed validations, or the CA's own word that a limit is reached.
  boost::asio::awaitable<void> learn(const Settings& settings, const Certificate& certificate, bool renewal,
                                     const Failure& failure);

  /// The clock was set by so much, and what it says now is believed: what was counted before moves with it.
  boost::asio::awaitable<void> clock_stepped(Milliseconds by);

  /// Forgets what says nothing any more: limits that are wholly unused again, refusals that are over.
  boost::asio::awaitable<void> tidy(const Settings& settings);

private:
  boost::asio::awaitable<void> save(std::vector<Bucket> changed);

  journal::Journal& journal_;
  boost::asio::thread_pool& pool_;
  renewal::Budgets budgets_;
};

}  // namespace certherd::service
