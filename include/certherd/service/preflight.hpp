#pragma once

#include <certherd/dns/client.hpp>
#include <certherd/model/dns_facts.hpp>
#include <certherd/model/finding.hpp>
#include <certherd/service/directories.hpp>
#include <certherd/service/roster.hpp>
#include <certherd/service/scope_desk.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace boost::json {
class object;
}  // namespace boost::json

namespace certherd::service {

/// What was found out about one Certificate before an order.
struct CertificateCheck {
  std::string certificate;
  std::vector<DomainFacts> domains;  ///< in the order of the configuration
  std::vector<Finding> findings;
};

/// {"certificate", "severity", "findings", "domains"}: `severity` is the worst one, null without Findings.
boost::json::object to_json(const CertificateCheck& check);

/// Looks at DNS for Certificates, the same way for `certherd check` and for the preflight of a Run. Nothing is changed
/// and no order made. On the io_context's thread.
class PreflightDesk {
public:
  PreflightDesk(boost::asio::any_io_executor executor, Directories& directories)
      : executor_(std::move(executor)), directories_(directories), scope_(executor_) {}

  /// As thoroughly as it can be: with the public resolvers, and with time for servers that do not answer.
  /// `ask_providers`: what the Accounts may do is asked of the providers too.
  boost::asio::awaitable<std::vector<CertificateCheck>> check(ConfigurationPtr configuration,
                                                              std::vector<const Certificate*> certificates,
                                                              bool ask_providers);

  /// For a Run: after 5 s with what is known by then, without the public resolvers. Runs that begin within a second
  /// share their questions.
  boost::asio::awaitable<CertificateCheck> check_before_order(ConfigurationPtr configuration,
                                                              const Certificate& certificate);

  /// Where DNS over HTTPS may block.
  boost::asio::thread_pool& pool() { return directories_.pool(); }

private:
  struct Batch {
    std::shared_ptr<dns::Client> client;
    ConfigurationPtr configuration;
    std::chrono::steady_clock::time_point begun;
  };
  std::shared_ptr<dns::Client> client_of(const ConfigurationPtr& configuration);
  boost::asio::awaitable<std::vector<std::string>> identities(Ca ca, Seconds patience);
  boost::asio::awaitable<CertificateCheck> judge(ConfigurationPtr configuration, const Certificate& certificate,
                                                 std::vector<DomainFacts> facts, std::vector<ScopeAnswer> answers,
                                                 Seconds patience);
  boost::asio::awaitable<std::vector<ScopeAnswer>> ask_provider(ConfigurationPtr configuration,
                                                                const Certificate& certificate, dns::Client& client,
                                                                const std::vector<DomainFacts>& facts,
                                                                Milliseconds patience);

  boost::asio::any_io_executor executor_;
  Directories& directories_;
  ScopeDesk scope_;
  Batch batch_;
};

}  // namespace certherd::service
