#include <certherd/base/text.hpp>
#include <certherd/base/time.hpp>
#include <certherd/certbot/installed.hpp>
#include <certherd/os/child.hpp>
#include <certherd/os/file.hpp>

#include <boost/json.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <optional>

#include "installed_cache.hpp"

namespace certherd::certbot {
namespace fs = std::filesystem;
namespace json = boost::json;
namespace asio = boost::asio;
namespace {

constexpr std::size_t output_limit = 1024 * 1024;

// Reads packages' metadata only: importing certbot would cost half a second and run every plugin's code. The first
// distribution on sys.path wins, as it does for imports. Needs Python 3.8 (importlib.metadata).
constexpr std::string_view metadata_script = R"(import importlib.metadata as m, importlib.util as u, json, os, sys
plugins, broken, seen = {}, [], set()
for d in m.distributions():
    name = d.metadata['Name']
    if name is None or name.lower() in seen: continue
    seen.add(name.lower())
    for e in d.entry_points:
        if e.group != 'certbot.plugins' or e.name == 'null': continue
        plugins.setdefault(e.name, name + ' ' + d.version)
        module = e.value.split(':')[0].split('.')[0]
        if u.find_spec(module) is None:
            broken.append('%s (%s %s): there is no Python module %s' % (e.name, name, d.version, module))
print(json.dumps({'version': m.version('certbot'), 'plugins': plugins, 'broken': broken,
                  'directories': [p for p in sys.path if os.path.isdir(p)]}))
)";

/// What a short-lived helper said.
struct Answer {
  std::optional<int> exit_code;
  std::string output;
};

asio::awaitable<Result<Answer>> ask(fs::path executable, std::vector<std::string> arguments, std::string home,
                                    os::StopSignal& stop) {
  constexpr Seconds limit{120};
  Answer answer;
  const std::string shown = executable.string();
  os::ChildCommand command;
  command.timeout = limit;
  command.executable = std::move(executable);
  command.arguments = std::move(arguments);
  command.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin:/snap/bin"}, {"LC_ALL", "C.UTF-8"}, {"HOME", home}};
  os::ChildCallbacks callbacks;
  callbacks.line = [&answer](std::string_view line) {
    if (answer.output.size() + line.size() > output_limit) return;
    answer.output += line;
    answer.output += '\n';
  };
  auto exit = co_await os::run_child(std::move(command), std::move(callbacks), stop);
  if (!exit) co_return exit.fault();
  if (exit->stopped) co_return Fault{"certherd was told to stop", "", {}};
  if (exit->timed_out)
    co_return Fault{shown + " did not answer within " + format_duration(limit), "see whether it works by hand", {}};
  answer.exit_code = exit->exit_code;
  co_return answer;
}

std::optional<Fault> unusable(const fs::path& executable) {
  struct stat status {};
  if (::stat(executable.c_str(), &status) != 0)
    return Fault{executable.string() + " is not there", "install certbot: apt install certbot", {}};
  if (!S_ISREG(status.st_mode) || ::access(executable.c_str(), X_OK) != 0)
    return Fault{executable.string() + " is not an executable file", "set certbot.executable to certbot itself", {}};
  return std::nullopt;
}

/// What metadata_script printed; nullopt when that Python has no certbot.
std::optional<CachedCertbot> read_metadata(const std::string& output) {
  json::error_code error;
  const json::value parsed = json::parse(output, error);
  if (error || !parsed.is_object()) return std::nullopt;
  const auto& facts = parsed.as_object();
  CachedCertbot found;
  found.certbot.version_text = std::string(facts.at("version").as_string());
  for (const auto& [name, from] : facts.at("plugins").as_object())
    found.certbot.authenticators.emplace(std::string(name), std::string(from.as_string()));
  for (const auto& text : facts.at("broken").as_array())
    found.certbot.broken.emplace_back(std::string(text.as_string()));
  for (const auto& directory : facts.at("directories").as_array())
    found.directories.emplace_back(std::string(directory.as_string()));
  return found;
}

Fault not_certbot(const fs::path& executable, const std::string& question, const Answer& answer) {
  const std::string said =
      answer.output.empty() ? "printed nothing" : "printed: " + bounded(printable(trim(answer.output)), 400);
  return {"'" + executable.string() + " " + question + "' does not answer as certbot does: it " + said,
          "set certbot.executable to certbot itself, or reinstall it",
          {}};
}

/// For snaps and wrappers: certbot tells about itself, which takes seconds.
asio::awaitable<Result<InstalledCertbot>> ask_certbot(fs::path executable, fs::path scratch, os::StopSignal& stop) {
  InstalledCertbot certbot;
  certbot.executable = executable;
  std::vector<std::string> question{"--version"};
  const auto version = co_await ask(executable, question, scratch, stop);
  if (!version) co_return version.fault();
  certbot.version_text = version_in_output(version->output);
  if (version->exit_code != 0 || certbot.version_text.empty()) co_return not_certbot(executable, "--version", *version);
  question = {"plugins", "--authenticators", "--non-interactive", "--max-log-backups", "0"};
  for (const std::string kind : {"config", "work", "logs"}) {
    question.push_back("--" + kind + "-dir");
    question.push_back((scratch / kind).string());
  }
  const auto plugins = co_await ask(executable, question, scratch, stop);
  if (!plugins) co_return plugins.fault();
  for (auto& name : plugins_in_output(plugins->output)) certbot.authenticators.emplace(std::move(name), "");
  if (plugins->exit_code != 0 || certbot.authenticators.empty())
    co_return not_certbot(executable, "plugins --authenticators", *plugins);
  co_return certbot;
}

Result<InstalledCertbot> with_version(InstalledCertbot certbot) {
  const auto version = parse_version(certbot.version_text);
  if (!version)
    return Fault{certbot.executable.string() + " has a version that is none: '" + certbot.version_text + "'",
                 "reinstall certbot",
                 {}};
  certbot.version = *version;
  return certbot;
}

fs::path look_up(const std::string& program) {
  for (const auto* directory : {"/usr/local/bin", "/usr/bin", "/bin"})
    if (fs::path found = fs::path(directory) / program; ::access(found.c_str(), X_OK) == 0) return found;
  return {};
}

}  // namespace

std::filesystem::path script_interpreter(const fs::path& script) {
  std::ifstream file(script, std::ios::binary);
  std::array<char, 256> start{};  // Linux reads no more of it (BINPRM_BUF_SIZE)
  file.read(start.data(), start.size());
  const std::string_view text(start.data(), static_cast<std::size_t>(file.gcount()));
  if (!text.starts_with("#!")) return {};
  const auto words = split(trim(text.substr(2, text.find('\n') - 2)), ' ');
  fs::path interpreter = words.front();
  if (interpreter.filename() == "env" && words.size() > 1) interpreter = look_up(words.back());
  return interpreter.filename().string().starts_with("python") ? interpreter : fs::path();
}

std::string version_in_output(std::string_view output) {
  constexpr std::string_view name = "certbot ";
  for (const auto& line : split(output, '\n')) {
    const auto text = trim(line);
    if (!text.starts_with(name)) continue;
    const auto version = trim(text.substr(name.size()));
    if (parse_version(version)) return std::string(version);
  }
  return {};
}

std::vector<std::string> plugins_in_output(std::string_view output) {
  std::vector<std::string> names;
  for (const auto& line : split(output, '\n'))
    if (line.starts_with("* ")) names.emplace_back(trim(std::string_view(line).substr(2)));
  return names;
}

asio::awaitable<Result<InstalledCertbot>> inspect_certbot(fs::path executable, fs::path cache_file,
                                                          os::StopSignal& stop) {
  if (auto fault = unusable(executable)) co_return *fault;
  if (auto known = read_cache(cache_file, executable)) co_return with_version(std::move(*known));
  const fs::path interpreter = script_interpreter(executable);
  if (!interpreter.empty()) {
    const std::vector<std::string> arguments{"-I", "-c", std::string(metadata_script)};
    const auto answer = co_await ask(interpreter, arguments, "/", stop);
    auto found = answer && answer->exit_code == 0 ? read_metadata(answer->output) : std::nullopt;
    if (found) {
      found->certbot.executable = executable;
      found->certbot.interpreter = interpreter;
      write_cache(cache_file, *found);
      co_return with_version(std::move(found->certbot));
    }
  }
  const fs::path scratch = cache_file.string() + ".scratch";
  if (auto made = os::make_directory(scratch, 0700); !made) co_return made.fault();
  auto asked = co_await ask_certbot(executable, scratch, stop);
  std::error_code ignored;
  fs::remove_all(scratch, ignored);
  if (!asked) co_return asked.fault();
  co_return with_version(std::move(asked).value());
}

}  // namespace certherd::certbot
