#include <ostream>

#include <doctest/doctest.h>
#include <certherd/base/text.hpp>
#include <certherd/cli/command_line.hpp>

#include <iostream>
#include <sstream>

using namespace certherd;
using namespace certherd::cli;

namespace {

/// What the arguments give, and what was printed meanwhile.
struct Parsed {
  std::variant<CommandLine, int> result;
  std::string out;
  std::string err;

  const CommandLine& line() const { return std::get<CommandLine>(result); }
  int code() const { return std::get<int>(result); }
};

Parsed parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "certherd");
  std::ostringstream out, err;
  auto* const old_out = std::cout.rdbuf(out.rdbuf());
  auto* const old_err = std::cerr.rdbuf(err.rdbuf());
  Parsed parsed{parse_command_line(static_cast<int>(arguments.size()), arguments.data()), {}, {}};
  std::cout.rdbuf(old_out);
  std::cerr.rdbuf(old_err);
  parsed.out = out.str();
  parsed.err = err.str();
  return parsed;
}

}  // namespace

TEST_SUITE("cli/command_line") {
  TEST_CASE("global options stand before or after the verb") {
    for (const auto& arguments : {std::vector{"--json", "-vv", "--config", "x.yaml", "issue", "--force", "a", "b"},
                                  std::vector{"issue", "a", "b", "--force", "--config", "x.yaml", "-vv", "--json"}}) {
      const Parsed parsed = parse(arguments);
      const CommandLine& line = parsed.line();
      CHECK(line.verb == Verb::issue);
      CHECK(line.json);
      CHECK(line.force);
      CHECK_FALSE(line.all);
      CHECK(line.verbosity == 2);
      CHECK(line.config == "x.yaml");
      CHECK(line.names == std::vector<std::string>{"a", "b"});
    }
  }

  TEST_CASE("the configuration has its place unless another is named") {
    CHECK(parse({"list"}).line().config == "/etc/certherd/certherd.yaml");
  }

  TEST_CASE("verbs with two words, and their own defaults") {
    CHECK(parse({"config", "check"}).line().verb == Verb::config_check);
    CHECK(parse({"check", "a", "b"}).line().verb == Verb::check);
    CHECK(parse({"check", "a", "b"}).line().names == std::vector<std::string>{"a", "b"});
    CHECK(parse({"check", "--all"}).line().all);
    CHECK(parse({"audit", "verify"}).line().verb == Verb::audit_verify);
    CHECK(parse({"audit", "tail"}).line().limit == 10);
    CHECK(parse({"audit", "tail", "-n", "3"}).line().limit == 3);
    CHECK(parse({"history"}).line().limit == 50);
    CHECK(parse({"providers", "cloudflare"}).line().names == std::vector<std::string>{"cloudflare"});
  }

  TEST_CASE("history filters") {
    const Parsed parsed = parse({"history", "example.com", "--failed", "--since", "7d", "--limit", "0"});
    CHECK(parsed.line().names == std::vector<std::string>{"example.com"});
    CHECK(parsed.line().failed);
    CHECK(parsed.line().since == Seconds(7 * 86400));
    CHECK(parsed.line().limit == 0);
  }

  TEST_CASE("wrong usage: one message on standard error, exit code 2") {
    CHECK(parse({"issue"}).code() == exit_usage);
    CHECK(parse({"issue"}).err.find("issue needs the names of certificates, or --all") == 0);
    CHECK(parse({"check"}).err.find("check needs the names of certificates, or --all") == 0);
    CHECK(parse({"check", "--all", "a"}).err.find("check takes names or --all, not both") == 0);
    CHECK(parse({"issue", "--all", "a"}).err.find("issue takes names or --all, not both") == 0);
    CHECK(parse({"history", "--since", "7"}).err.find("--since: '7' is not a duration: the unit is missing") == 0);
    for (const auto& arguments :
         {std::vector<const char*>{}, std::vector{"isue"}, std::vector{"show"}, std::vector{"list", "--nope"},
          std::vector{"audit"}, std::vector{"history", "--limit", "-1"}}) {
      const Parsed parsed = parse(arguments);
      CHECK(parsed.code() == exit_usage);
      CHECK_FALSE(parsed.err.empty());
      CHECK(parsed.out.empty());
    }
  }

  TEST_CASE("help and version are no errors, and every verb's help has examples") {
    CHECK(parse({"--version"}).code() == exit_done);
    CHECK(parse({"--version"}).out.find("certherd ") == 0);
    for (const auto& arguments : {std::vector{"issue", "--help"}, std::vector{"list", "--help"},
                                  std::vector{"show", "--help"}, std::vector{"history", "--help"},
                                  std::vector{"providers", "--help"}, std::vector{"config", "check", "--help"},
                                  std::vector{"audit", "tail", "--help"}, std::vector{"audit", "verify", "--help"}}) {
      const Parsed parsed = parse(arguments);
      CHECK(parsed.code() == exit_done);
      CHECK_MESSAGE(parsed.out.find("Examples:\n  certherd ") != std::string::npos, parsed.out);
    }
  }

  TEST_CASE("a revocation names one certificate and a reason that certbot knows") {
    CHECK(parse({"revoke", "example.com"}).line().reason == "unspecified");
    const Parsed parsed = parse({"revoke", "example.com", "--reason", "keycompromise"});
    CHECK(parsed.line().verb == Verb::revoke);
    CHECK(parsed.line().names == std::vector<std::string>{"example.com"});
    CHECK(parsed.line().reason == "keycompromise");
    CHECK(parse({"revoke"}).code() == exit_usage);
    CHECK(parse({"revoke", "a", "b"}).code() == exit_usage);
    const Parsed wrong = parse({"revoke", "a", "--reason", "boredom"});
    CHECK(wrong.code() == exit_usage);
    CHECK(contains(wrong.err, "boredom"));
  }

  TEST_CASE("an import says from where, and writes only when told to") {
    const Parsed parsed = parse({"import", "certbot", "/etc/letsencrypt"});
    CHECK(parsed.line().verb == Verb::import_certbot);
    CHECK(parsed.line().names == std::vector<std::string>{"/etc/letsencrypt"});
    CHECK_FALSE(parsed.line().write);
    CHECK(parse({"import", "certbot", "/etc/letsencrypt", "--write"}).line().write);
    CHECK(parse({"import", "certbot"}).code() == exit_usage);
    CHECK(parse({"import"}).code() == exit_usage);
  }
}
