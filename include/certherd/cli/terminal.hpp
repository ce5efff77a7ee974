#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace certherd::cli {

/// What the output can show.
struct Terminal {
  bool interactive = false;  ///< a terminal: colour, live progress
  bool colour = false;       ///< interactive and NO_COLOR unset (https://no-color.org)
  bool utf8 = false;         ///< block characters may be used
  int width = 100;           ///< columns
};

/// Looks at standard output, the locale and the environment (COLUMNS, NO_COLOR, TERM).
Terminal inspect_terminal();

enum class Colour { plain, red, green, yellow, dim, bold };

/// The text in colour, or as it is where the terminal has none.
std::string coloured(const Terminal& terminal, Colour colour, std::string_view text);

/// Columns that a text takes: characters, not bytes; colour sequences take none.
std::size_t display_width(std::string_view text);
/// Filled up with spaces, or cut with "…" (or "~") to exactly `width` columns.
std::string fit(const Terminal& terminal, std::string_view text, std::size_t width);

/// Rows under headings, columns as wide as needed; the widest is cut where the terminal is too narrow.
class Table {
public:
  explicit Table(std::vector<std::string> headings) : rows_{std::move(headings)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() == 1; }
  void print(std::ostream& out, const Terminal& terminal) const;

private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace certherd::cli
