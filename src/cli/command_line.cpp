#include <certherd/certbot/command.hpp>
#include <certherd/cli/command_line.hpp>

#include <CLI/CLI.hpp>

#include <iostream>

namespace certherd::cli {
namespace {

/// Options and arguments of every verb, bound to one CommandLine.
class Parser {
public:
  Parser() {
    app_.set_version_flag("--version", "certherd " CERTHERD_VERSION);
    app_.add_option("--config", line_.config, "Configuration file")->capture_default_str();
    app_.add_flag("--json", line_.json, "Print the facts as JSON, for programs");
    app_.add_flag("-v", line_.verbosity, "Say more; -vv shows certbot's own output");
    app_.fallthrough();
    app_.require_subcommand(1);
    app_.footer(
        "Exit codes: 0 done, 1 failed, 2 usage, 3 configuration invalid, 4 blocked by the preflight,\n"
        "5 some of several failed, 6 another certherd holds the state directory.\n\n'certherd VERB --help' explains a "
        "verb.");
    add_service();
    add_issue();
    add_check();
    add_revoke();
    add_reports();
    add_nested();
  }

  std::variant<CommandLine, int> parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? exit_done : exit_usage;
    }
    if (!since_.empty()) {
      const auto since = parse_duration(since_);
      if (!since) return usage("--since: " + since.fault().text());
      line_.since = *since;
    }
    line_.limit = line_.verb == Verb::audit_tail ? tail_lines_ : history_limit_;
    if (renews_) line_.all = line_.names.empty();
    const bool takes_certificates = line_.verb == Verb::issue || line_.verb == Verb::check;
    if (takes_certificates && line_.all != line_.names.empty()) {
      const std::string verb = line_.verb == Verb::issue ? "issue" : "check";
      return usage(verb +
                   (line_.all ? " takes names or --all, not both" : " needs the names of certificates, or --all"));
    }
    return line_;
  }

private:
  CLI::App* verb(CLI::App& parent, const std::string& name, Verb verb, const std::string& what,
                 const std::string& examples) {
    CLI::App* app = parent.add_subcommand(name, what);
    app->callback([this, verb] { line_.verb = verb; });
    app->footer("Examples:\n" + examples);
    return app;
  }

  void add_service() {
    verb(app_, "run", Verb::run, "The service: every certificate kept valid until SIGTERM (systemd starts it)",
         "  systemctl start certherd\n  certherd -v --config ./test.yaml run");
    CLI::App* log = app_.add_subcommand("log", "The service log");
    log->require_subcommand(1);
    verb(*log, "level", Verb::log_level, "How much the running service says in its log",
         "  certherd log level debug\n  certherd log level info")
        ->add_option("LEVEL", line_.level, "debug, info, warning or error")
        ->required();
  }

  void add_issue() {
    CLI::App* app = verb(app_, "issue", Verb::issue,
                         "Get what is missing, due or changed, now: order, validate, publish, run the hooks",
                         "  certherd issue example.com\n  certherd issue --all\n  certherd issue --force example.com");
    app->add_option("NAME", line_.names, "Certificates by name");
    app->add_flag("--all", line_.all, "Every certificate of the configuration");
    app->add_flag("--force", line_.force, "A new certificate even where the present one is not due");
    CLI::App* renew = app_.add_subcommand("renew", "Like issue, for every certificate unless some are named");
    renew->callback([this] {
      line_.verb = Verb::issue;
      renews_ = true;
    });
    renew->footer("Examples:\n  certherd renew\n  certherd renew --force example.com");
    renew->add_option("NAME", line_.names, "Certificates by name; none: all of them");
    renew->add_flag("--force", line_.force, "A new certificate even where the present one is not due");
  }

  void add_check() {
    CLI::App* app = verb(app_, "check", Verb::check,
                         "Whether an order would succeed, as far as DNS tells: zone and servers, CAA, account scope,\n"
                         "CNAMEs, split horizon. Nothing is ordered or changed",
                         "  certherd check example.com\n  certherd check --all\n"
                         "  certherd check --online-provider example.com\n  certherd --json check example.com");
    app->add_option("NAME", line_.names, "Certificates by name");
    app->add_flag("--all", line_.all, "Every certificate of the configuration");
    app->add_flag("--online-provider", line_.online_provider,
                  "Ask the DNS providers too what the accounts may do, where the plugins-map knows how");
  }

  void add_revoke() {
    CLI::App* app = verb(app_, "revoke", Verb::revoke,
                         "Ask the CA to revoke the published certificate; its files stay until they are replaced",
                         "  certherd revoke example.com --reason keycompromise\n  certherd why example.com");
    app->add_option("NAME", line_.names, "A certificate's name")->required()->expected(1);
    const auto reasons = certbot::revocation_reasons();
    app->add_option("--reason", line_.reason, "Why, as the CA will publish it")
        ->capture_default_str()
        ->check(CLI::IsMember(std::vector<std::string>(reasons.begin(), reasons.end())));
  }

  void add_reports() {
    verb(app_, "list", Verb::list, "Every certificate: expiry, next renewal, last outcome",
         "  certherd list\n  certherd --json list");
    verb(app_, "show", Verb::show,
         "One certificate, or one run as a waterfall of its phases with the error word for word",
         "  certherd show example.com\n  certherd show 20261123T214418Z-example.com-1f3a2b")
        ->add_option("NAME|RUN", line_.names, "A certificate's name, or a run's id or the beginning of it")
        ->required()
        ->expected(1);
    verb(app_, "why", Verb::why, "What happens next for a certificate, when, and because of what",
         "  certherd why example.com")
        ->add_option("NAME", line_.names, "A certificate's name")
        ->required()
        ->expected(1);
    CLI::App* history =
        verb(app_, "history", Verb::history, "The runs, newest first",
             "  certherd history\n  certherd history example.com --failed\n  certherd history --since 7d");
    history->add_option("NAME", line_.names, "Only this certificate")->expected(0, 1);
    history->add_flag("--failed", line_.failed, "Only runs that did not end well");
    history->add_option("--since", since_, "Only runs of the last 30s, 10m, 2h, 7d …");
    history->add_option("--limit", history_limit_, "At most so many; 0: all")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    verb(app_, "providers", Verb::providers, "The plugins-map: what certherd can drive, what is installed here",
         "  certherd providers\n  certherd providers cloudflare")
        ->add_option("ID", line_.names, "One provider: its keys, flags and packages")
        ->expected(0, 1);
  }

  void add_nested() {
    CLI::App* config = app_.add_subcommand("config", "The configuration");
    config->require_subcommand(1);
    verb(*config, "check", Verb::config_check,
         "Report everything that is wrong with the configuration and the credentials",
         "  certherd config check\n  certherd --config ./test.yaml config check");
    CLI::App* hooks = app_.add_subcommand("hooks", "Hooks that are owed");
    hooks->require_subcommand(1);
    verb(*hooks, "list", Verb::hooks_list, "Hook jobs that have not succeeded yet, and when they are tried again",
         "  certherd hooks list\n  certherd --json hooks list --all")
        ->add_flag("--all", line_.all, "The newest that are done or dropped as well");
    verb(*hooks, "retry", Verb::hooks_retry, "Try every owed hook job now", "  certherd hooks retry");
    CLI::App* import = app_.add_subcommand("import", "Certificates that another ACME client looks after");
    import->require_subcommand(1);
    CLI::App* certbot = verb(*import, "certbot", Verb::import_certbot,
                             "Print configuration for the certificates of certbot; with --write also take them over as "
                             "they are, without a new order",
                             "  certherd import certbot /etc/letsencrypt\n"
                             "  certherd import certbot /etc/letsencrypt --write");
    certbot->add_option("DIR", line_.names, "certbot's configuration directory")->required()->expected(1);
    certbot->add_flag("--write", line_.write,
                      "Write conf.d/imported-certbot.yaml beside the configuration file and publish the certificates");
    CLI::App* audit = app_.add_subcommand("audit", "The audit log");
    audit->require_subcommand(1);
    CLI::App* tail = verb(*audit, "tail", Verb::audit_tail, "The newest entries",
                          "  certherd audit tail\n  certherd audit tail -n 50");
    tail->add_option("-n,--lines", tail_lines_, "How many")->capture_default_str()->check(CLI::PositiveNumber);
    verb(*audit, "verify", Verb::audit_verify, "Check the chain: no entry changed, removed, reordered or cut off",
         "  certherd audit verify");
  }

  static int usage(const std::string& text) {
    std::cerr << text << "\nRun with --help for more information.\n";
    return exit_usage;
  }

  CommandLine line_;
  std::string since_;
  bool renews_ = false;
  int history_limit_ = 50;
  int tail_lines_ = 10;
  CLI::App app_{
      "certherd keeps certificates valid: it runs certbot with the right DNS plugin for each of them,\n"
      "measures every phase, publishes the result atomically and fires the hooks.",
      "certherd"};
};

}  // namespace

std::variant<CommandLine, int> parse_command_line(int argc, const char* const* argv) {
  return Parser().parse(argc, argv);
}

}  // namespace certherd::cli
