#include <certherd/base/text.hpp>
#include <certherd/service/import_certbot.hpp>

#include <algorithm>

namespace certherd::service {
namespace {

/// In double quotes wherever a plain scalar could be taken for something else. YAML's double-quoted escapes are a
/// superset of these (YAML 1.2 §5.7).
std::string yaml_text(const std::string& text) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
  const bool letters = text.find_first_of("abcdfghijklmnopqrstuvwxyzABCDFGHIJKLMNOPQRSTUVWXYZ") != text.npos;
  static const std::vector<std::string> words{"true", "false", "yes", "no", "on", "off", "null", "y", "n"};
  const bool word = std::find(words.begin(), words.end(), to_lower(text)) != words.end();
  if (letters && !word && text.find_first_not_of(plain) == text.npos && !text.starts_with('-')) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    static constexpr char digits[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += std::string("\\x") + digits[byte >> 4] + digits[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string yaml_list(const std::vector<std::string>& texts) {
  std::vector<std::string> quoted;
  quoted.reserve(texts.size());
  for (const auto& text : texts) quoted.push_back(yaml_text(text));
  return "[" + join(quoted, ", ") + "]";
}

/// Lines of a comment; what comes from outside stays inside it.
std::string comment(const std::string& indent, const std::string& text) {
  std::string lines;
  for (const auto& line : split(printable(text), '\n')) lines.append(indent).append("# ").append(line).append("\n");
  return lines;
}

std::string entry_of(const Certificate& wanted, const std::string& indent) {
  std::string lines;
  const auto add = [&](const std::string& key, const std::string& value) {
    lines += indent + (lines.empty() ? "- " : "  ") + key + ": " + value + "\n";
  };
  add("name", yaml_text(wanted.name));
  add("domains", yaml_list(wanted.domains));
  add("dns_provider", yaml_text(wanted.provider));
  if (!wanted.account.empty()) add("account", yaml_text(wanted.account));
  if (!wanted.ca.empty()) add("ca", yaml_text(wanted.ca));
  if (wanted.propagation) add("propagation_seconds", std::to_string(wanted.propagation->count()));
  if (wanted.key_type == KeyType::rsa) {
    add("key_type", "rsa");
    add("rsa_key_size", std::to_string(wanted.rsa_key_size));
  } else {
    add("elliptic_curve", wanted.elliptic_curve);
  }
  if (wanted.reuse_key) add("reuse_key", "true");
  if (!wanted.preferred_chain.empty()) add("preferred_chain", yaml_text(wanted.preferred_chain));
  if (!wanted.profile.empty()) add("profile", yaml_text(wanted.profile));
  if (!wanted.certbot_args.empty()) add("certbot_args", yaml_list(wanted.certbot_args));
  if (!wanted.hooks.empty()) add("hooks", yaml_list(wanted.hooks));
  return lines;
}

std::string cas_of(const CertbotImport& import) {
  if (import.cas.empty()) return {};
  std::string lines = "\n# Not known to certherd. A private CA needs its root certificate too: ca_bundle: PATH\ncas:\n";
  for (const auto& [id, ca] : import.cas) lines += "  " + yaml_text(id) + ": {server: " + yaml_text(ca.server) + "}\n";
  return lines;
}

std::string accounts_of(const CertbotImport& import) {
  if (import.accounts.empty()) return {};
  std::string lines =
      "\n# The zones come from the domains of the certificates: write those instead that the credentials may really "
      "edit.\n"
      "accounts:\n";
  for (const auto& [id, account] : import.accounts)
    lines += "  " + yaml_text(id) + ":\n    provider: " + yaml_text(account.provider) +
             "\n    zones: " + yaml_list(account.zones) +
             "\n    credentials_file: " + yaml_text(account.credentials_file->string()) + "\n";
  return lines;
}

std::string hooks_of(const CertbotImport& import) {
  if (import.hooks.empty()) return {};
  std::string lines =
      "\n# certbot's deploy hooks. They run after certherd has published, as the user that certherd runs as, and find\n"
      "# certherd's directory of the certificate in RENEWED_LINEAGE. Commands that name certbot's live/ directory must "
      "be "
      "changed.\nhooks:\n";
  for (const auto& [id, hook] : import.hooks)
    lines += "  " + yaml_text(id) + ": {command: " + yaml_list(hook.command) + "}\n";
  return lines;
}

std::string certificates_of(const CertbotImport& import) {
  if (!import.has_news()) return {};
  std::string lines = "\ncertificates:\n";
  for (const auto& one : import.certificates) {
    if (one.configured) continue;
    for (const auto& remark : import.remarks)
      if (remark.lineage == one.wanted.name && !remark.left_out) lines += comment("  ", remark.text);
    lines += entry_of(one.wanted, "  ");
  }
  return lines;
}

std::string left_out_of(const CertbotImport& import) {
  std::string lines;
  for (const auto& remark : import.remarks) {
    if (!remark.left_out) continue;
    if (lines.empty()) lines = "\n# Left out:\n";
    lines += "#\n" + comment("", remark.lineage + ": " + remark.text);
    if (!remark.entry) continue;
    for (const auto& line : split(entry_of(*remark.entry, ""), '\n'))
      if (!line.empty()) lines += comment("", "    " + line);
  }
  return lines;
}

}  // namespace

std::string import_yaml(const CertbotImport& import, TimePoint now) {
  std::string text = comment(
      "", "Made of certbot's " + import.directory.string() + " by certherd on " + format_utc_minutes(now) +
              " UTC.\nThe ACME account of certbot was not copied: certherd registers one of its own at the first "
              "order, and what a CA limits\nper account it counts anew. Once certherd renews these, switch "
              "certbot's own renewal off for them (certbot delete, or its timer).");
  for (const auto& remark : import.remarks)
    if (remark.lineage.empty()) text += comment("", remark.text);
  return text + cas_of(import) + accounts_of(import) + hooks_of(import) + certificates_of(import) + left_out_of(import);
}

}  // namespace certherd::service
