#pragma once

#include <certherd/base/time.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/os/child.hpp>
#include <certherd/os/stop.hpp>

#include <boost/asio/awaitable.hpp>

namespace certherd::service {

/// Ends the certbots that an earlier life of certherd left running, and returns how many there were. The caller holds
/// the state directory, so none of them is ours: each process with a `--config-dir` below <state_dir>/certbot.
///
/// One that by its debug log has begun to clean up has its certificate as good as issued and gets `patience` to finish.
/// The others, and one that uses up its patience, get TERM, upon which certbot removes its TXT records, and KILL after
/// `grace`. All of them at the same time; what became of each is logged. The StopSignal ends the waiting: what still
/// runs is then left to the next start.
boost::asio::awaitable<int> end_orphans(const Paths& paths, Seconds grace, os::StopSignal& stop,
                                        Seconds patience = os::unstoppable_limit);

}  // namespace certherd::service
