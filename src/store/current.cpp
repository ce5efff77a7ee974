#include <certherd/base/text.hpp>
#include <certherd/store/current.hpp>
#include <certherd/store/pem.hpp>

#include <algorithm>
#include <limits>

#include "layout.hpp"

namespace certherd::store {
namespace fs = std::filesystem;
namespace {

/// 0: not the name of a Generation.
int generation_number(const std::string& name) {
  const auto number = parse_number(name);
  return number && *number <= std::numeric_limits<int>::max() ? static_cast<int>(*number) : 0;
}

std::optional<Generation> read_generation(const Paths& paths, const std::string& name, int number) {
  const fs::path directory = home_of(paths, name) / std::to_string(number);
  auto facts = read_facts_file(directory / "cert.pem");
  if (!facts) return std::nullopt;
  return Generation{name, number, directory.string(), *std::move(facts)};
}

}  // namespace

std::vector<int> generation_numbers(const fs::path& home) {
  std::vector<int> numbers;
  std::error_code error;
  for (fs::directory_iterator entry(home, error), end; !error && entry != end; entry.increment(error))
    if (const int number = generation_number(entry->path().filename().string())) numbers.push_back(number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

int linked_number(const Paths& paths, const std::string& certificate) {
  std::error_code error;
  const fs::path target = fs::read_symlink(link_of(paths, certificate), error);
  if (error || target.parent_path().filename() != certificate) return 0;
  return generation_number(target.filename().string());
}

std::optional<Generation> current(const Paths& paths, const std::string& name) {
  const int number = linked_number(paths, name);
  return number ? read_generation(paths, name, number) : std::nullopt;
}

std::optional<Generation> previous(const Paths& paths, const std::string& name) {
  const int linked = linked_number(paths, name);
  auto numbers = generation_numbers(home_of(paths, name));
  std::reverse(numbers.begin(), numbers.end());
  for (const int number : numbers) {
    if (number >= linked) continue;
    if (auto generation = read_generation(paths, name, number)) return generation;
  }
  return std::nullopt;
}

bool needs_publish(const std::optional<Generation>& current, const CertificateFacts& lineage) {
  if (!current) return true;
  return lineage.not_before > current->facts.not_before ||
         (lineage.not_before == current->facts.not_before && lineage.serial != current->facts.serial);
}

}  // namespace certherd::store
