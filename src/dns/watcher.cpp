#include <certherd/dns/watcher.hpp>

#include <algorithm>

#include "quietly.hpp"
#include "together.hpp"

namespace certherd::dns {

namespace asio = boost::asio;

Watcher::Watcher(asio::any_io_executor executor, asio::thread_pool& pool, std::vector<WatchedName> names,
                 WatchOptions options)
    : executor_(std::move(executor)), pool_(pool), names_(std::move(names)), options_(options), timer_(executor_) {
  for (std::size_t i = 0; i < names_.size(); ++i)
    for (const auto& server : names_[i].servers)
      if (!server.address.empty()) looks_.push_back({i, server.name, server.address, std::nullopt, {}});
}

asio::awaitable<bool> Watcher::run() {
  while (!looks_.empty() && !stopped_) {
    // A new one each time: it would keep the answers.
    ClientOptions client_options;
    client_options.patience = options_.patience;
    client_options.tries = 1;
    Client client(executor_, pool_, std::move(client_options));
    std::vector<asio::awaitable<void>> tasks;
    for (auto& at : looks_)
      if (!at.visible_after) tasks.push_back(look(client, at));
    co_await together(executor_, std::move(tasks));
    const bool all =
        std::all_of(looks_.begin(), looks_.end(), [](const Look& at) { return at.visible_after.has_value(); });
    if (all) co_return true;
    if (stopped_) break;
    const auto since = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - options_.begun);
    timer_.expires_after(std::clamp(since / 10, options_.first_pause, options_.longest_pause));
    co_await timer_.async_wait(quietly);
  }
  co_return false;
}

void Watcher::stop() {
  stopped_ = true;
  timer_.cancel();
}

asio::awaitable<void> Watcher::look(Client& client, Look& at) {
  const WatchedName& wanted = names_[at.name];
  const Reply reply = co_await client.ask(at.address, wanted.name, RecordType::txt);
  at.error = reply.error.empty() && !reply.message.authoritative ? "not authoritative" : reply.error;
  const auto records = reply.message.of(wanted.name, RecordType::txt);
  const bool all =
      at.error.empty() && std::all_of(wanted.values.begin(), wanted.values.end(), [&](const std::string& value) {
        return std::any_of(records.begin(), records.end(), [&](const Record& record) { return record.data == value; });
      });
  if (all)
    at.visible_after = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - options_.begun);
}

std::vector<ServerVisibility> Watcher::visibility() const {
  std::vector<ServerVisibility> servers;
  for (const auto& at : looks_) {
    auto same = std::find_if(servers.begin(), servers.end(), [&](const ServerVisibility& known) {
      return known.server == at.server && known.address == at.address;
    });
    if (same == servers.end()) {
      servers.push_back({at.server, at.address, at.visible_after, at.error});
      continue;
    }
    // The last of its names counts.
    if (!at.visible_after || !same->visible_after)
      same->visible_after.reset();
    else
      same->visible_after = std::max(*same->visible_after, *at.visible_after);
    if (!at.error.empty()) same->error = at.error;
  }
  return servers;
}

}  // namespace certherd::dns
