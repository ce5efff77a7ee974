#include <certherd/base/text.hpp>
#include <certherd/cli/terminal.hpp>

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <numeric>

namespace certherd::cli {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest_column = 12;

/// Length of an escape sequence at the start of the text, 0 when there is none.
std::size_t escape_length(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  const auto end = text.find('m');
  return end == std::string_view::npos ? 0 : end + 1;
}

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

Terminal inspect_terminal() {
  Terminal terminal;
  (void)std::setlocale(LC_CTYPE, "");
  terminal.utf8 = std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
  const char* const term = std::getenv("TERM");
  terminal.interactive = ::isatty(STDOUT_FILENO) && !(term && std::string_view(term) == "dumb");
  const char* const no_colour = std::getenv("NO_COLOR");
  terminal.colour = terminal.interactive && !(no_colour && *no_colour);
  winsize size{};
  const char* const columns = std::getenv("COLUMNS");
  if (terminal.interactive && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.width = size.ws_col;
  } else if (const auto given = columns ? parse_number(columns) : std::nullopt; given && *given > 0) {
    terminal.width = static_cast<int>(std::min(*given, 1000LL));
  }
  return terminal;
}

std::string coloured(const Terminal& terminal, Colour colour, std::string_view text) {
  static constexpr const char* codes[] = {"", "31", "32", "33", "2", "1"};
  if (!terminal.colour || colour == Colour::plain) return std::string(text);
  return std::string("\x1b[") + codes[static_cast<std::size_t>(colour)] + "m" + std::string(text) + "\x1b[0m";
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (const auto escape = escape_length(text.substr(at))) {
      at += escape;
      continue;
    }
    if (!continues_character(text[at])) ++width;
    ++at;
  }
  return width;
}

std::string fit(const Terminal& terminal, std::string_view text, std::size_t width) {
  const std::size_t have = display_width(text);
  if (have <= width) return std::string(text) + std::string(width - have, ' ');
  std::string cut;
  std::size_t taken = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto escape = escape_length(text.substr(at));
    if (escape) {
      cut += text.substr(at, escape);
      at += escape;
      continue;
    }
    if (!continues_character(text[at]) && ++taken >= width) break;
    cut += text[at++];
  }
  cut += terminal.utf8 ? "\xe2\x80\xa6" : "~";
  if (text.find('\x1b') != std::string_view::npos) cut += "\x1b[0m";
  return cut;
}

void Table::print(std::ostream& out, const Terminal& terminal) const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  const std::size_t gaps = gap * (widths.size() - 1);
  const auto total = [&] { return std::accumulate(widths.begin(), widths.end(), gaps); };
  // Only a person at a terminal is helped by cutting; a program or a file gets everything.
  while (terminal.interactive && total() > static_cast<std::size_t>(terminal.width)) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= narrowest_column) break;
    *widest = std::max(narrowest_column, *widest - (total() - static_cast<std::size_t>(terminal.width)));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::string cell = fit(terminal, row[i], widths[i]);
      if (&row == &rows_.front()) cell = coloured(terminal, Colour::dim, cell);
      line += cell;
      if (i + 1 < row.size()) line += std::string(gap, ' ');
    }
    out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  }
}

}  // namespace certherd::cli
