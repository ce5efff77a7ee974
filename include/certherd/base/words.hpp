#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace certherd {

/// The words for the values of an enum that counts from 0, in its order.
template <class Enum, std::size_t Count>
struct Words {
  std::array<std::string_view, Count> words;

  constexpr std::string_view of(Enum value) const { return words[static_cast<std::size_t>(value)]; }

  /// The value with exactly this word.
  constexpr std::optional<Enum> parse(std::string_view word) const {
    const auto found = std::find(words.begin(), words.end(), word);
    if (found == words.end()) return std::nullopt;
    return static_cast<Enum>(found - words.begin());
  }
};

}  // namespace certherd
