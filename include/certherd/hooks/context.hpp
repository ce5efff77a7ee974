#pragma once

#include <certherd/model/generation.hpp>
#include <certherd/model/run.hpp>
#include <certherd/model/settings.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace certherd::hooks {

/// "deployed", "failed", "expiring", "recovered": as in the configuration, a HookJob and the environment.
std::string_view to_string(HookEvent event);
std::optional<HookEvent> parse_event(std::string_view text);

/// What a Hook is told.
struct HookContext {
  HookEvent event = HookEvent::deployed;
  std::string certificate;
  std::vector<std::string> domains;  ///< as configured
  std::string run;
  std::optional<Outcome> outcome;
  std::filesystem::path lineage;         ///< store_dir/<name>: the link that always leads to the current Generation
  std::optional<Generation> generation;  ///< what was published
  std::optional<std::filesystem::path> previous_generation;  ///< its directory, if it is still there
  std::optional<Failure> failure;
  /// Every Certificate that this one execution serves, when a Hook with `batch` serves several; else empty.
  std::vector<std::string> certificates;
  std::string host;  ///< this machine's name, for who gets webhooks of many; may be empty
};

/// The context of an event of a Run. Everything in it is in the journal too, so that a Hook that was owed when the
/// process died can be told the same after the restart.
HookContext context_of(HookEvent event, const Run& run, const Paths& paths,
                       const std::optional<Generation>& previous = {}, const std::string& host = {});

/// The environment of a command, the whole of it but for HOME:
///
///   PATH, LANG                     fixed: the usual system directories; C.UTF-8
///   CERTHERD_EVENT                 "deployed", "failed", "expiring" or "recovered"
///   CERTHERD_NAME                  the certificate's name
///   CERTHERD_NAMES                 every certificate that this execution serves, separated by spaces: several with
///                                  `batch`, and everything else speaks of the last of them
///   CERTHERD_DOMAINS               its domains as configured, separated by spaces
///   CERTHERD_RUN                   the Run's id
///   CERTHERD_OUTCOME               the Run's outcome; absent while it has none
///   CERTHERD_PREVIOUS_GENERATION   directory of the Generation before; empty: there is none
/// and when a Generation was published:
///   RENEWED_LINEAGE                directory of the PEM files, store_dir/<name>: as certbot gives it to deploy hooks
///   RENEWED_DOMAINS                the names in the certificate, separated by spaces: likewise
///   CERTHERD_CERT, CERTHERD_CHAIN, CERTHERD_FULLCHAIN, CERTHERD_KEY
///                                  the four files below RENEWED_LINEAGE; these paths stay the same for ever
///   CERTHERD_GENERATION            directory of the Generation itself: whoever copies several of the files takes them
///                                  from there, so that all are of one Generation
///   CERTHERD_SERIAL                hexadecimal
///   CERTHERD_NOT_AFTER             RFC 3339, UTC
/// and when the Run failed:
///   CERTHERD_FAILURE_CLASS         for example "txt_missing"
///   CERTHERD_ERROR                 what certbot, the CA or certherd said, at most 8 KiB
///   CERTHERD_FIX                   what to do
std::vector<std::pair<std::string, std::string>> environment(const HookContext& context);

/// The body of a webhook: one JSON object, keys in this order.
///
///   text                 one line for people; chat servers (Slack, Mattermost) show just this
///   certificates []      every certificate that this execution serves
///   event, certificate, domains [], run, host, outcome
///   generation           null or {directory, lineage, number, serial, issuer, key, domains [], not_before, not_after}
///   previous_generation  directory or null
///   failure              null or {class, phase, error, problem_type, detail, fix}
///
/// Times are RFC 3339 in UTC. What is not known is null.
std::string webhook_body(const HookContext& context);

}  // namespace certherd::hooks
