// Texts side by side on a terminal.
#ifndef KILN_CLIENTS_CLI_COLUMNS_H_
#define KILN_CLIENTS_CLI_COLUMNS_H_

#include <string>
#include <vector>

namespace kiln {

struct TextColumn {
  std::string title;
  std::string text;
};

// `width` is that of the terminal, in characters. A column is as wide as its longest
// line; where they do not fit, the widest give way, and their lines are wrapped. With
// less than 40 characters for each they stand below each other, unwrapped. Ends of
// lines hold no blanks.
std::string SideBySide(const std::vector<TextColumn>& columns, int width);

// COLUMNS where it is a number, else what standard output's terminal says, else 0.
int TerminalWidth();

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_COLUMNS_H_
