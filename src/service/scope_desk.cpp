#include <certherd/dns/update.hpp>
#include <certherd/os/http.hpp>
#include <certherd/os/offload.hpp>
#include <certherd/providers/credentials.hpp>
#include <certherd/providers/zone_list.hpp>
#include <certherd/service/scope_desk.hpp>

namespace certherd::service {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kept_for{10};

std::string value_of(const providers::Credentials& credentials, const std::string& key) {
  const auto found = credentials.values.find(key);
  return found == credentials.values.end() ? std::string() : found->second;
}

/// "192.0.2.1:53", as dns::Client takes it.
std::string server_of(const UpdateKeys& keys, const providers::Credentials& credentials) {
  const std::string address = value_of(credentials, keys.server);
  const std::string port = value_of(credentials, keys.port);
  return (address.find(':') == std::string::npos ? address : "[" + address + "]") + ":" + (port.empty() ? "53" : port);
}

/// The credentials, or an answer in place of the provider's.
struct Loaded {
  std::optional<providers::Credentials> credentials;
  ScopeAnswer instead;
};

Loaded loaded(const Account& account, const Provider& provider) {
  Loaded result;
  auto credentials = providers::load_credentials(account, provider);
  if (credentials) {
    result.credentials = std::move(*credentials);
  } else {
    result.instead.says = ScopeAnswer::Says::unusable;
    result.instead.answer = credentials.fault().message;
  }
  return result;
}

}  // namespace

asio::awaitable<std::vector<ScopeAnswer>> ScopeDesk::ask(ConfigurationPtr configuration, const Certificate& certificate,
                                                         std::vector<std::string> names, dns::Client& client,
                                                         asio::thread_pool& pool, Milliseconds patience) {
  const auto until = Clock::now() + patience;
  std::vector<ScopeAnswer> answers;
  const Settings& settings = configuration->settings;
  const Provider& provider = configuration->providers.at(certificate.provider);
  const auto account = settings.accounts.find(certificate.account);
  const bool can_be_asked = !provider.zone_lists.empty() || provider.update_keys;
  if (account == settings.accounts.end() || provider.own_zone) co_return answers;
  answers.assign(names.size(), ScopeAnswer{});
  if (!can_be_asked) co_return answers;
  auto load = [configuration, &account = account->second, &provider] { return loaded(account, provider); };
  const Loaded found = co_await os::offload(pool, std::move(load));
  const auto& credentials = found.credentials;
  if (!credentials) {
    answers.assign(names.size(), found.instead);
    co_return answers;
  }
  if (provider.update_keys) {
    const UpdateKeys& keys = *provider.update_keys;
    const dns::TsigKey key{value_of(*credentials, keys.key_name), value_of(*credentials, keys.secret),
                           value_of(*credentials, keys.algorithm)};
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto left = std::chrono::duration_cast<Milliseconds>(until - Clock::now());
      std::string server = server_of(keys, *credentials);
      dns::TsigKey own_key = key;
      ScopeAnswer answer{ScopeAnswer::Says::nothing, "the server " + server, "not asked within the time", {}, false};
      if (left > Milliseconds(0))
        answer = co_await dns::ask_for_update(client, std::move(server), std::move(names[i]), std::move(own_key), left);
      answers[i] = std::move(answer);
    }
    co_return answers;
  }
  const ZoneList* list = providers::usable_zone_list(provider, *credentials);
  if (!list) co_return answers;
  Known& known = by_account_[certificate.account];
  if (!known.turns) known.turns = std::make_unique<os::Turns>(executor_);
  const auto turn = co_await known.turns->wait();
  if (!known.answer || known.configuration != configuration || Clock::now() - known.asked > kept_for) {
    auto question = [configuration, &provider, list, credentials, until] {
      return providers::ask_for_zones(provider, *list, *credentials, until, os::http_exchange);
    };
    ScopeAnswer answer = co_await os::offload(pool, std::move(question));
    known.answer = std::move(answer);
    known.configuration = configuration;
    known.asked = Clock::now();
  }
  answers.assign(names.size(), *known.answer);
  co_return answers;
}

}  // namespace certherd::service
