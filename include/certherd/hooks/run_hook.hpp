#pragma once

#include <certherd/base/redaction.hpp>
#include <certherd/hooks/context.hpp>
#include <certherd/model/run.hpp>
#include <certherd/model/settings.hpp>
#include <certherd/os/stop.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

namespace certherd::hooks {

/// What is kept of a Hook's output: its end.
inline constexpr std::size_t output_limit = 16 * 1024;
/// Between TERM and KILL of a command that took too long.
inline constexpr Seconds command_grace{5};

/// One try of an owed HookJob; gives it back with what happened: `done`, `tries`, `started`, `duration`, and for a
/// failure `error` ("hook reload-nginx: exit code 1"). Never throws because of a Hook.
///
/// A command is run as the list of arguments it is, without a shell, in / and with environment(context); it has
/// succeeded when its exit code is 0. After hook.timeout its process group gets TERM and, command_grace later, KILL;
/// nothing of the group outlives it. A webhook is a POST of webhook_body(context); it has succeeded when the answer is
/// 2xx. Its URL is a secret: the error names the host alone.
///
/// A stop request ends a command like its timeout; a webhook runs on to its own timeout. A job that was stopped is
/// still owed, and when it was not even started its `tries` stay as they were.
///
/// The arguments taken by reference must live until the coroutine has ended.
boost::asio::awaitable<HookJob> run_hook(const Hook& hook, const HookContext& context, HookJob job,
                                         boost::asio::thread_pool& pool, const Redactor& redactor,
                                         os::StopSignal& stop);

}  // namespace certherd::hooks
