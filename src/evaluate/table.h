#pragma once

#include <string>
#include <vector>

namespace evaluate {

// A table of texts: the first row of `rows` has as many cells as `header`.
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

// The table for other programs. Cells are data: what means something there is escaped.

// RFC 4180, lines ended by "\r\n". A text that a spreadsheet would run as a formula gets a "'".
std::string csv(const Table& table);
// A table of GitHub's Markdown, numbers on the right.
std::string markdown(const Table& table);
// A tabular environment, no packages needed.
std::string latex(const Table& table);

}  // namespace evaluate
