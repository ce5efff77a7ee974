#pragma once

#include <certherd/certbot/timeline.hpp>

#include <boost/json.hpp>

#include <support/files.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace transcripts {

/// One recorded run of certbot: tests/data/transcripts/<version>/<case>/.
struct Transcript {
  std::string version;
  std::string name;
  std::string log;  ///< letsencrypt.log, or what certbot left in its temporary directory
  std::string output;
  std::optional<int> exit_code;
  std::optional<int> signal;
  certherd::TimePoint spawned;
  certherd::TimePoint exited;
  std::optional<std::string> expected_class;
  std::optional<std::string> expected_phase;
};

inline Transcript read(const std::filesystem::path& folder) {
  const auto facts = boost::json::parse(certherd::test::content(folder / "case.json")).as_object();
  const auto number = [&](const char* key) -> std::optional<int> {
    if (!facts.contains(key)) return std::nullopt;
    return static_cast<int>(facts.at(key).to_number<int>());
  };
  const auto text = [&](const char* key) -> std::optional<std::string> {
    const auto& value = facts.at("expect").as_object().at(key);
    if (value.is_null()) return std::nullopt;
    return std::string(value.as_string());
  };
  const auto time = [&](const char* key) {
    return certherd::TimePoint(certherd::Milliseconds(facts.at(key).to_number<long long>()));
  };
  Transcript result;
  result.version = folder.parent_path().filename();
  result.name = folder.filename();
  result.log = certherd::test::content(folder / "letsencrypt.log");
  if (result.log.empty()) result.log = certherd::test::content(folder / "temporary.log");
  result.output = certherd::test::content(folder / "output.txt");
  result.exit_code = number("exit_code");
  result.signal = number("signal");
  result.spawned = time("spawned_at");
  result.exited = time("exited_at");
  result.expected_class = text("class");
  result.expected_phase = text("phase");
  return result;
}

inline std::vector<Transcript> all() {
  std::vector<Transcript> result;
  for (const auto& version : std::filesystem::directory_iterator(CERTHERD_TEST_DATA "/transcripts"))
    if (version.is_directory())
      for (const auto& folder : std::filesystem::directory_iterator(version.path()))
        if (std::filesystem::exists(folder.path() / "case.json")) result.push_back(read(folder.path()));
  return result;
}

inline Transcript one(const std::string& version, const std::string& name) {
  return read(std::filesystem::path(CERTHERD_TEST_DATA "/transcripts") / version / name);
}

/// Follows the log to its end, in pieces of `step` bytes as a live follower would.
inline certherd::certbot::Tracker follow(const Transcript& transcript, std::size_t step = 4096) {
  certherd::certbot::Tracker tracker(transcript.spawned);
  certherd::certbot::LogParser parser([&](const auto& record) { tracker.feed(record); });
  for (std::size_t at = 0; at < transcript.log.size(); at += step) {
    parser.feed(std::string_view(transcript.log).substr(at, step));
    if (parser.held()) tracker.preview(*parser.held());
  }
  parser.flush();
  tracker.finish(transcript.exited, transcript.exit_code != 0);
  return tracker;
}

}  // namespace transcripts
