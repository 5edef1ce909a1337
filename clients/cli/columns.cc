#include "clients/cli/columns.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace kiln {
namespace {

constexpr int kNarrowest = 40;
constexpr absl::string_view kGap = " | ";
// As assemblers' tabs are printed.
constexpr size_t kTab = 8;

std::string WithoutTabs(absl::string_view line) {
  std::string out;
  for (char c : line) {
    if (c != '\t') out += c;
    if (c == '\t') out.append(kTab - out.size() % kTab, ' ');
  }
  return out;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (absl::string_view line : absl::StrSplit(text, '\n')) lines.push_back(WithoutTabs(line));
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::string Stacked(const std::vector<TextColumn>& columns) {
  std::string out;
  for (const TextColumn& column : columns) {
    absl::StrAppend(&out, "== ", column.title, "\n", column.text,
                    column.text.empty() || column.text.back() != '\n' ? "\n" : "");
  }
  return out;
}

// The rest of a long line is indented by a little more than its start.
std::vector<std::string> Wrapped(const std::vector<std::string>& lines, size_t width) {
  std::vector<std::string> out;
  for (const std::string& line : lines) {
    absl::string_view rest = line;
    std::string indent;
    while (indent.size() + rest.size() > width) {
      const size_t take = width - indent.size();
      out.push_back(absl::StrCat(indent, rest.substr(0, take)));
      rest.remove_prefix(take);
      indent = std::string(std::min(line.find_first_not_of(' ') + 2, width / 2), ' ');
    }
    out.push_back(absl::StrCat(indent, rest));
  }
  return out;
}

// Takes from the widest until all fit.
void Shrink(std::vector<size_t>& widths, size_t available) {
  size_t sum = 0;
  for (size_t width : widths) sum += width;
  for (; sum > available; --sum) --*std::max_element(widths.begin(), widths.end());
}

}  // namespace

std::string SideBySide(const std::vector<TextColumn>& columns, int width) {
  const int gaps = static_cast<int>(kGap.size() * (columns.size() - 1));
  if (width < gaps + kNarrowest * static_cast<int>(columns.size())) return Stacked(columns);
  std::vector<std::vector<std::string>> lines;
  std::vector<size_t> widths;
  for (const TextColumn& column : columns) {
    lines.push_back(LinesOf(column.text));
    size_t widest = column.title.size();
    for (const std::string& line : lines.back()) widest = std::max(widest, line.size());
    // No one can use more, and Shrink goes one by one.
    widths.push_back(std::min(widest, static_cast<size_t>(width)));
  }
  Shrink(widths, static_cast<size_t>(width - gaps));
  size_t height = 0;
  for (size_t c = 0; c < columns.size(); ++c) {
    lines[c] = Wrapped(lines[c], widths[c]);
    lines[c].insert(lines[c].begin(), {columns[c].title, std::string(widths[c], '-')});
    height = std::max(height, lines[c].size());
  }
  std::string out;
  for (size_t row = 0; row < height; ++row) {
    std::string line;
    for (size_t c = 0; c < columns.size(); ++c) {
      std::string cell = row < lines[c].size() ? lines[c][row] : "";
      cell.resize(widths[c], ' ');
      absl::StrAppend(&line, c == 0 ? "" : kGap, cell);
    }
    absl::StrAppend(&out, absl::StripTrailingAsciiWhitespace(line), "\n");
  }
  return out;
}

int TerminalWidth() {
  int columns = 0;
  const char* said = std::getenv("COLUMNS");
  if (said != nullptr && absl::SimpleAtoi(said, &columns) && columns > 0) return columns;
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace kiln
