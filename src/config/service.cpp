#include "entries.hpp"

#include <certherd/base/text.hpp>

#include <algorithm>
#include <functional>

namespace certherd::config {
using os::YamlNode;

namespace {

const std::vector<std::string> limit_words{"new_orders", "registered_domain", "exact_set", "failed_validations"};

std::optional<RateLimit> read_rate_limit(const YamlNode& node, const std::string& ca, Faults& faults) {
  const std::size_t before = faults.size();
  Section section(node, "a rate limit of " + ca, faults);
  if (!section.usable()) return std::nullopt;
  for (const char* key : {"limit", "amount", "per"}) section.require(key);
  const auto word = section.choice("limit", limit_words);
  const auto amount = section.integer("amount", 1, 1'000'000);
  const auto per = section.duration("per");
  section.finish();
  if (faults.size() > before || !word || !amount || !per) return std::nullopt;
  return RateLimit{*parse_rate_limit(limit_words[*word]), static_cast<int>(*amount), *per};
}

void read_expiring(Section& main, Settings& settings) {
  const auto words = main.texts("expiring");
  if (!words) return;
  const YamlNode& list = *main.get("expiring");
  settings.expiring.clear();
  for (std::size_t i = 0; i < words->size(); ++i) {
    const SourceMark& mark = list.items[i].mark;
    const auto duration = parse_duration((*words)[i]);
    auto& all = settings.expiring;
    if (!duration)
      main.fault(mark, "'expiring': " + duration.fault().message, duration.fault().fix);
    else if (duration->count() == 0)
      main.fault(mark, "'expiring' tells of what is about to end: each duration must be longer than zero");
    else if (std::find(all.begin(), all.end(), *duration) != all.end())
      main.fault(mark, "'" + (*words)[i] + "' stands twice in 'expiring'", "remove one of them");
    else
      all.push_back(*duration);
  }
  std::sort(settings.expiring.begin(), settings.expiring.end(), std::greater<>());
}

void read_control(const YamlNode* node, ControlSettings& control, Faults& faults) {
  if (!node) return;
  Section section(*node, "'control'", faults);
  if (!section.usable()) return;
  control.socket_mode = section.mode("socket_mode").value_or(control.socket_mode);
  control.socket_group = section.text("socket_group").value_or(control.socket_group);
  if (control.socket_mode & 0007)
    section.fault(node->find("socket_mode")->mark,
                  "'socket_mode' of 'control' would let everybody on this host order certherd about",
                  "use 0660 and a socket_group");
  section.finish();
}

}  // namespace

std::optional<int> read_max_parallel(Section& section) {
  const auto number = section.integer("max_parallel", 1, 1000);
  return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

std::vector<RateLimit> read_rate_limits(const YamlNode& node, Section& ca) {
  if (node.is_scalar() && to_lower(node.text) == "off") return {};
  if (!node.is_sequence()) {
    ca.fault(node.mark, "'rate_limits' of " + ca.what() + " must be a list of limits, or off",
             "write rate_limits: [{limit: new_orders, amount: 300, per: 3h}]");
    return {};
  }
  std::vector<RateLimit> limits;
  for (const auto& item : node.items) {
    const auto limit = read_rate_limit(item, ca.what(), ca.faults());
    if (!limit) continue;
    const bool twice =
        std::any_of(limits.begin(), limits.end(), [&](const RateLimit& other) { return other.kind == limit->kind; });
    if (twice)
      ca.fault(item.mark, "the limit '" + std::string(to_string(limit->kind)) + "' stands twice in " + ca.what(),
               "keep one of them");
    else
      limits.push_back(*limit);
  }
  return limits;
}

void read_service(Section& main, Settings& settings) {
  settings.max_parallel = read_max_parallel(main);
  read_expiring(main, settings);
  read_control(main.get("control"), settings.control, main.faults());
  settings.log_file = main.path("log_file").value_or(settings.log_file);
}

}  // namespace certherd::config
