#include "caa_value.hpp"

#include <certherd/base/text.hpp>
#include <certherd/preflight/caa.hpp>

#include <algorithm>
#include <array>

namespace certherd::preflight {
namespace {

using Says = CaaVerdict::Says;

/// How far one record lets us through; the greatest decides, since authorizations are additive (RFC 8659 §4.2).
enum class Fit { other, excluded, unsure, allows };

struct Judged {
  const CaaRecord* record;
  Fit fit;
  std::string why;
  CaaValue value;
};

struct Constraint {
  Fit fit = Fit::allows;
  std::string why;
};

std::vector<std::string> values_of(const CaaValue& value, std::string_view tag) {
  std::vector<std::string> found;
  for (const auto& parameter : value.parameters)
    if (parameter.tag == tag) found.push_back(parameter.value);
  return found;
}

/// Let's Encrypt knows one account by several URIs: those that ACMEv1 gave it too.
bool another_name_at_lets_encrypt(std::string_view one, std::string_view other) {
  constexpr std::array<std::array<std::string_view, 2>, 2> services{
      {{"https://acme-v01.api.letsencrypt.org/", "https://acme-v02.api.letsencrypt.org/"},
       {"https://acme-staging.api.letsencrypt.org/", "https://acme-staging-v02.api.letsencrypt.org/"}}};
  const auto number = [](std::string_view uri) { return uri.substr(uri.rfind('/') + 1); };
  return std::any_of(services.begin(), services.end(), [&](const auto& hosts) {
    const auto here = [&](std::string_view uri) { return uri.starts_with(hosts[0]) || uri.starts_with(hosts[1]); };
    return here(one) && here(other) && !number(one).empty() && number(one) == number(other);
  });
}

/// RFC 8657 §3.
Constraint account_constraint(const CaaValue& value, const std::optional<std::string>& ours) {
  const auto uris = values_of(value, "accounturi");
  if (uris.empty()) return {};
  if (uris.size() > 1) return {Fit::excluded, "it has several accounturi parameters, which no account satisfies"};
  if (uris[0].empty()) return {Fit::excluded, "its accounturi is empty, which no account satisfies"};
  if (!ours) return {Fit::unsure, "the ACME account is not registered yet, so its accounturi cannot be compared"};
  if (uris[0] == *ours) return {};
  if (another_name_at_lets_encrypt(uris[0], *ours))
    return {Fit::unsure, "its accounturi is not the account's URI " + *ours + ", though maybe an old name of it"};
  return {Fit::excluded, "its accounturi names another account than ours, " + *ours};
}

/// RFC 8657 §4. Names are compared in their order, as boulder does; a malformed one ends that.
Constraint method_constraint(const CaaValue& value, const std::string& method) {
  const auto lists = values_of(value, "validationmethods");
  if (lists.empty()) return {};
  if (lists.size() > 1)
    return {Fit::excluded, "it has several validationmethods parameters, which Let's Encrypt refuses"};
  const auto malformed = [](const std::string& name) {
    return name.empty() || !std::all_of(name.begin(), name.end(), [](char c) {
             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
           });
  };
  const auto names = split(lists[0], ',');
  const auto ours = std::find(names.begin(), names.end(), method);
  const auto bad = std::find_if(names.begin(), names.end(), malformed);
  if (ours == names.end() || bad < ours)
    return {Fit::excluded, bad < ours ? "its validationmethods are malformed" : "its validationmethods lack " + method};
  if (bad != names.end()) return {Fit::unsure, "its validationmethods are malformed after " + method};
  return {};
}

/// The identity that the issuer names, as the CA writes it.
const std::string* identity(const std::string& issuer, const std::vector<std::string>& identities) {
  const auto found = std::find_if(identities.begin(), identities.end(),
                                  [&](const std::string& name) { return to_lower(name) == to_lower(issuer); });
  return found == identities.end() ? nullptr : &*found;
}

Judged judge_record(const CaaRecord& record, const CaaQuestion& question) {
  Judged judged{&record, Fit::other, "", parse_caa_value(record.value)};
  const CaaValue& value = judged.value;
  const auto* named = value.issuer.empty() ? nullptr : identity(value.issuer, question.identities);
  const bool maybe_us = named || (question.identities.empty() && !value.issuer.empty());
  const auto take = [&judged](Fit fit, std::string why) {
    if (judged.why.empty() || fit < judged.fit) judged.fit = fit, judged.why = std::move(why);
  };
  if (value.form == CaaValue::Form::malformed) {
    take(named ? Fit::excluded : Fit::other, value.trouble + ", so that it forbids every CA");
  } else if (value.issuer.empty()) {
    take(Fit::other, "it names no CA, so that it forbids every one");
  } else if (!maybe_us) {
    take(Fit::other, "it names another CA");
  } else {
    judged.fit = Fit::allows;
    const Constraint constraints[] = {account_constraint(value, question.account_uri),
                                      method_constraint(value, question.method)};
    for (const auto& constraint : constraints)
      if (constraint.fit != Fit::allows) take(constraint.fit, constraint.why);
    if (value.form == CaaValue::Form::disputed) take(Fit::unsure, value.trouble);
    if (!named) take(Fit::unsure, "the CA does not say by which name CAA records call it");
    if (named && *named != value.issuer)
      take(Fit::unsure, "the issuer is not written " + *named + ": RFC 8659 ignores case, Let's Encrypt does not");
  }
  return judged;
}

/// A record like `model` that lets us through; with what one for this CA constrains already, as far as that is known.
CaaRecord needed_record(const Judged& model, const CaaQuestion& question) {
  CaaRecord record{0, to_lower(model.record->tag), question.identities.front()};
  if (model.fit == Fit::other) return record;
  if (question.account_uri && !values_of(model.value, "accounturi").empty())
    record.value += "; accounturi=" + *question.account_uri;
  if (!values_of(model.value, "validationmethods").empty()) record.value += "; validationmethods=" + question.method;
  return record;
}

bool waits_for_account(const Judged& judged, const CaaQuestion& question) {
  return judged.fit == Fit::unsure && !question.account_uri && !values_of(judged.value, "accounturi").empty();
}

std::string why_none(const std::vector<Judged>& judged, const CaaQuestion& question) {
  if (judged.size() == 1 || judged.front().fit != Fit::other) return judged.front().why;
  return question.identities.empty() ? "they forbid every CA" : "none of them names " + join(question.identities, ", ");
}

std::string fix_of(const CaaVerdict& verdict, const CaaFacts& facts, const CaaQuestion& question) {
  if (question.identities.empty())
    return "Ask the CA which name its CAA records need, and add a record with it at " + facts.owner + ".";
  if (verdict.needed.empty()) return "Once the account is registered, see that accounturi is its URI.";
  return "Add the record " + verdict.needed +
         (facts.aliases.empty() ? "" : " where the aliases of " + facts.asked + " lead");
}

/// `relevant`: all of one tag, at least one.
CaaVerdict judge_relevant(const std::vector<const CaaRecord*>& relevant, const CaaFacts& facts,
                          const CaaQuestion& question) {
  std::vector<Judged> judged;
  judged.reserve(relevant.size());
  for (const auto* record : relevant) judged.push_back(judge_record(*record, question));
  const Fit best = std::max_element(judged.begin(), judged.end(), [](const Judged& a, const Judged& b) {
                     return a.fit < b.fit;
                   })->fit;
  std::erase_if(judged, [best](const Judged& one) { return one.fit != best; });
  CaaVerdict verdict;
  if (best == Fit::allows) {
    judged.erase(judged.begin() + 1, judged.end());
    verdict.why = "it names " + judged.front().value.issuer;
  } else {
    verdict.says = best == Fit::unsure ? Says::unsure : Says::forbidden;
    verdict.why = why_none(judged, question);
    if (!question.identities.empty() && !waits_for_account(judged.front(), question))
      verdict.needed = zone_file_line(facts.owner, needed_record(judged.front(), question));
    verdict.fix = fix_of(verdict, facts, question);
  }
  for (const auto& one : judged) verdict.records.push_back(zone_file_line(facts.owner, *one.record));
  return verdict;
}

/// Tags that no CA must know to issue by ACME, registered or proposed for other purposes: some CAs do know them.
bool known_to_some(std::string_view tag) {
  constexpr std::array<std::string_view, 5> tags{"contactemail", "contactphone", "issuemail", "issuevmc", "security"};
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

/// RFC 8659 §4.5: what a critical record of an unknown tag says, if there is one.
std::optional<CaaVerdict> judge_critical(const CaaFacts& facts) {
  const std::string fix = "Remove the record, or the flag if the CA is to ignore it.";
  std::optional<CaaVerdict> doubt;
  for (const auto& record : facts.records) {
    const std::string tag = to_lower(record.tag);
    if (tag == "issue" || tag == "issuewild" || tag == "iodef") continue;
    const std::vector<std::string> records{zone_file_line(facts.owner, record)};
    if (record.critical() && !known_to_some(tag))
      return CaaVerdict{Says::forbidden, "its tag is unknown and it is marked critical", records, "", fix};
    if (record.critical())
      doubt = {Says::unsure, "it is marked critical, and not every CA knows its tag", records, "", fix};
    else if ((record.flags & 1U) != 0)
      doubt = {Says::unsure, "Let's Encrypt takes flag 1 for the critical one, RFC 8659 does not", records, "", fix};
  }
  return doubt;
}

/// RFC 8659 §4.2, §4.3: the issuewild records of the set for a wildcard, if it has any, else the issue records.
CaaVerdict judge_set(const CaaFacts& facts, const CaaQuestion& question) {
  std::vector<const CaaRecord*> issue, issuewild;
  for (const auto& record : facts.records) {
    const std::string tag = to_lower(record.tag);
    if (tag == "issue") issue.push_back(&record);
    if (tag == "issuewild") issuewild.push_back(&record);
  }
  const bool wildcard = question.domain.starts_with("*.");
  const auto& relevant = wildcard && !issuewild.empty() ? issuewild : issue;
  if (!relevant.empty()) return judge_relevant(relevant, facts, question);
  return {Says::allowed, "no record of the set restricts who may issue", {}, "", ""};
}

void append_octet(std::string& line, unsigned char octet) {
  line += '\\';
  line += static_cast<char>('0' + octet / 100);
  line += static_cast<char>('0' + octet / 10 % 10);
  line += static_cast<char>('0' + octet % 10);
}

}  // namespace

CaaVerdict judge_caa(const CaaFacts& facts, const CaaQuestion& question) {
  if (!facts.error.empty())
    return {Says::unknown, facts.error, {}, "", "See why the servers do not answer it; none of them may fail on CAA."};
  if (facts.records.empty()) return {Says::allowed, "there is no CAA record up to the root", {}, "", ""};
  const auto critical = judge_critical(facts);
  if (critical && critical->says == Says::forbidden) return *critical;
  CaaVerdict verdict = judge_set(facts, question);
  return critical && verdict.says == Says::allowed ? *critical : verdict;
}

std::string zone_file_line(std::string_view owner, const CaaRecord& record) {
  std::string line = std::string(owner) + ". IN CAA " + std::to_string(record.flags) + ' ';
  for (const char c : record.tag)
    if (c > 0x20 && c < 0x7f)
      line += c;
    else
      append_octet(line, static_cast<unsigned char>(c));
  line += " \"";
  for (const char c : record.value) {
    if (c == '"' || c == '\\') line += '\\';
    if (c >= 0x20 && c < 0x7f)
      line += c;
    else
      append_octet(line, static_cast<unsigned char>(c));
  }
  return line + '"';
}

}  // namespace certherd::preflight
