#include <certherd/base/text.hpp>
#include <certherd/certbot/installed.hpp>

#include <algorithm>
#include <ostream>

#include <doctest/doctest.h>
#include <support/coroutine.hpp>
#include <support/temp_dir.hpp>

using namespace certherd;
using namespace certherd::certbot;
namespace fs = std::filesystem;

namespace {

Result<InstalledCertbot> inspect(const fs::path& executable, const fs::path& cache) {
  return test::run_with_stop([&](os::StopSignal& stop) { return inspect_certbot(executable, cache, stop); });
}

/// A Python environment with a certbot of its own, as `python3 -m venv` lays it out.
struct Surroundings {
  test::TempDir directory;
  fs::path packages = directory.path() / "packages";
  fs::path certbot;
  fs::path cache = directory.path() / "cache.json";

  Surroundings() {
    add_package("certbot", "2.11.0", "null = certbot.null:Installer\nstandalone = certbot.standalone:Authenticator\n");
    // A Python that knows these packages alone, whatever this machine has installed.
    const auto python =
        test::write_script(directory.path() / "bin/python3",
                           "#!/bin/sh\nshift 2\nexec /usr/bin/python3 -I -S -c \"import sys; sys.path.insert(0, '" +
                               packages.string() + "')\n$1\"\n");
    certbot = test::write_script(directory.path() / "bin/certbot", "#!" + python.string() + "\nimport certbot\n");
  }

  void add_package(const std::string& name, const std::string& version, const std::string& plugins,
                   bool module = true) const {
    std::string file = name;
    std::replace(file.begin(), file.end(), '-', '_');
    const fs::path info = packages / (file + "-" + version + ".dist-info");
    test::write_file(info / "METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n");
    test::write_file(info / "entry_points.txt", "[certbot.plugins]\n" + plugins);
    if (module) test::write_file(packages / file / "__init__.py", "raise RuntimeError('must not be imported')\n");
  }

  Result<InstalledCertbot> inspect() const { return ::inspect(certbot, cache); }
};

}  // namespace

TEST_SUITE("certbot/installed") {
  TEST_CASE("version and plugins are read from the packages' metadata, no code of theirs runs") {
    Surroundings environment;
    environment.add_package("certbot-dns-cloudflare", "2.10.0",
                            "dns-cloudflare = certbot_dns_cloudflare.x:Authenticator\n");
    const auto found = environment.inspect().or_throw();
    CHECK(found.executable == environment.certbot);
    CHECK(found.version == Version{2, 11, 0});
    CHECK(found.version_text == "2.11.0");
    CHECK(found.interpreter == environment.directory.path() / "bin/python3");
    CHECK(found.authenticators ==
          std::map<std::string, std::string>{{"dns-cloudflare", "certbot-dns-cloudflare 2.10.0"},
                                             {"standalone", "certbot 2.11.0"}});
    CHECK(found.broken.empty());
  }

  TEST_CASE("a plugin whose module is gone is told of") {
    Surroundings environment;
    environment.add_package("certbot-dns-x", "1.0", "dns-x = certbot_dns_x:Authenticator\n", false);
    const auto found = environment.inspect().or_throw();
    CHECK(found.broken ==
          std::vector<std::string>{"dns-x (certbot-dns-x 1.0): there is no Python module certbot_dns_x"});
  }

  TEST_CASE("the answer is kept until a package is installed or the executable is replaced") {
    Surroundings environment;
    CHECK(environment.inspect().or_throw().version_text == "2.11.0");
    environment.add_package("certbot-dns-x", "1.0", "dns-x = certbot_dns_x:Authenticator\n");
    CHECK(environment.inspect().or_throw().authenticators.count("dns-x") == 1);
    fs::remove_all(environment.packages / "certbot-2.11.0.dist-info");
    environment.add_package("certbot", "3.0.0", "");
    test::write_script(environment.certbot, test::content(environment.certbot) + "# another\n");
    CHECK(environment.inspect().or_throw().version_text == "3.0.0");
  }

  TEST_CASE("a kept answer is taken without asking anybody") {
    Surroundings environment;
    CHECK(environment.inspect());
    std::string cached = test::content(environment.cache);
    cached.replace(cached.find("\"2.11.0\""), 8, "\"9.99.9\"");
    test::write_file(environment.cache, cached);
    CHECK(environment.inspect().or_throw().version_text == "9.99.9");
  }

  TEST_CASE("a damaged cache is no answer") {
    for (const std::string damage : {"{", "[]", "{\"format\": 1}"}) {
      CAPTURE(damage);
      Surroundings environment;
      test::write_file(environment.cache, damage);
      CHECK(environment.inspect().or_throw().version_text == "2.11.0");
    }
  }

  TEST_CASE("an executable that is no Python script is asked itself") {
    const test::TempDir directory;
    const auto certbot =
        test::write_script(directory.path() / "certbot",
                           "#!/bin/sh\ncase $1 in\n--version) echo certbot 5.1.0;;\nplugins) printf '* "
                           "dns-route53\\nDescription: x\\n\\n* "
                           "standalone\\nDescription: y\\n';;\nesac\n");
    const auto found = inspect(certbot, directory.path() / "cache.json").or_throw();
    CHECK(found.version == Version{5, 1, 0});
    CHECK(found.interpreter == "");
    CHECK(found.authenticators == std::map<std::string, std::string>{{"dns-route53", ""}, {"standalone", ""}});
    CHECK_FALSE(fs::exists(directory.path() / "cache.json"));
    CHECK_FALSE(fs::exists(directory.path() / "cache.json.scratch"));
  }

  TEST_CASE("what is missing or not executable is a fault that says what to do") {
    const test::TempDir directory;
    const fs::path missing = directory.path() / "certbot";
    CHECK(inspect(missing, directory.path() / "cache").fault().text() ==
          missing.string() + " is not there; install certbot: apt install certbot");
    test::write_file(missing, "#!/bin/sh\n");
    fs::permissions(missing, fs::perms::owner_read);
    CHECK(inspect(missing, directory.path() / "cache").fault().text() ==
          missing.string() + " is not an executable file; set certbot.executable to certbot itself");
    CHECK(inspect(directory.path(), directory.path() / "cache").fault().message ==
          directory.path().string() + " is not an executable file");
  }

  TEST_CASE("a program that is not certbot is recognized") {
    const test::TempDir directory;
    const auto silent = test::write_script(directory.path() / "silent", "#!/bin/sh\nexit 0\n");
    CHECK(inspect(silent, directory.path() / "cache").fault().text() ==
          "'" + silent.string() +
              " --version' does not answer as certbot does: it printed nothing; set certbot.executable to certbot "
              "itself, or "
              "reinstall it");
    const auto other = test::write_script(directory.path() / "other", "#!/bin/sh\necho acme.sh v3\n");
    CHECK(inspect(other, directory.path() / "cache").fault().message ==
          "'" + other.string() + " --version' does not answer as certbot does: it printed: acme.sh v3");
    const auto failing = test::write_script(directory.path() / "failing",
                                            "#!/bin/sh\ncase $1 in --version) echo certbot 5.1.0;; *) exit 1;; esac\n");
    CHECK(inspect(failing, directory.path() / "cache").fault().message ==
          "'" + failing.string() + " plugins --authenticators' does not answer as certbot does: it printed nothing");
  }

  TEST_CASE("the interpreter of a script") {
    const test::TempDir directory;
    const auto of = [&](const std::string& text) {
      test::write_file(directory.path() / "script", text);
      return script_interpreter(directory.path() / "script");
    };
    CHECK(of("#!/usr/bin/python3\nimport sys\n") == "/usr/bin/python3");
    CHECK(of("#! /opt/venv/bin/python3.11 -E\n") == "/opt/venv/bin/python3.11");
    CHECK(of("#!/bin/sh\nexec certbot\n") == "");
    CHECK(of("\x7f"
             "ELF") == "");
    CHECK(of("#!") == "");
    CHECK(of("") == "");
    CHECK(of("#!/usr/bin/env python3\n").filename() == "python3");
    CHECK(script_interpreter(directory.path() / "missing") == "");
  }

  TEST_CASE("certbot's answers") {
    CHECK(version_in_output("certbot 2.1.0\n") == "2.1.0");
    CHECK(version_in_output("some warning\ncertbot 5.7.0.dev0\n") == "5.7.0.dev0");
    CHECK(version_in_output("certbot: error\n") == "");
    CHECK(version_in_output("") == "");
    CHECK(plugins_in_output("- - -\n* dns-a\nDescription: * no\n\n* b\n") == std::vector<std::string>{"dns-a", "b"});
  }
}
