#pragma once

#include <certherd/service/service.hpp>

#include <memory>

namespace certherd::api {

// clang-format off
/// Opens the control socket of a service: <runtime_dir>/control.sock. Throws Failed when it cannot be made.
///
///   GET  /v1/status                    {"version", "status", "pid", "log_level", "certificates", "running", "waiting"}
///   GET  /v1/certificates              every Certificate, as `certherd --json list`
///   GET  /v1/certificates/NAME         one, with its last Run whole, as `certherd --json show NAME`
///   GET  /v1/certificates/NAME/why     [{"fact", "when"}]: what happens next, and because of what
///   POST /v1/certificates/NAME/revoke  {"reason": REASON, "output": bool}, both optional; answered by a line of JSON
///                                      for each event (service/events.hpp), the last with the outcome
///   GET  /v1/runs                      ?certificate=NAME&failed=1&since=SECONDS&limit=N
///   GET  /v1/runs/ID                   one whole Run
///   GET  /v1/hooks                     HookJobs that are owed; ?all=1: the newest others as well
///   POST /v1/hooks/retry               tries everything that is owed, now: {"owed": N}
///   POST /v1/issue                     {"certificates": [NAME...], "force": bool, "output": bool, "brief": bool}; answered at
///                                      once with 202, or with ?wait=1 by a line of JSON for each event
///   POST /v1/reload                    reads the configuration again: {"in_force", "faults", "warnings"}
///   POST /v1/log-level                 {"level": "debug" | "info" | "warning" | "error"}
///
/// Errors are {"error", "fix"} with a status of 4xx or 5xx.
// clang-format on
std::unique_ptr<service::Endpoint> open_control_socket(service::Service& service);

}  // namespace certherd::api
