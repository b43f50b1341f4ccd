#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/html.h"
#include "evaluate/plot.h"
#include "evaluate/table.h"

namespace evaluate {

// The tables and plots of a page, kept under their names as they are drawn, so that they can be
// written as files too. A name is letters, digits and "-"; the second of one name becomes "NAME-2".
class Sheets {
 public:
  // As evaluate::table, with the table in three formats for the page's buttons.
  std::string table(const std::string& name, const std::vector<std::string>& header,
                    const std::vector<std::vector<Cell>>& rows);
  // As draw_plot; named after its title.
  std::string plot(const Plot& plot);

  const std::vector<std::pair<std::string, Table>>& tables() const { return tables_; }
  // Each as an SVG file of its own.
  const std::vector<std::pair<std::string, std::string>>& plots() const { return plots_; }

 private:
  std::vector<std::pair<std::string, Table>> tables_;
  std::vector<std::pair<std::string, std::string>> plots_;
};

// Writes FOLDER/tables/NAME.csv, .md and .tex and FOLDER/plots/NAME.svg in place of those that were
// there; each folder whole or not at all, and none where there is nothing for it. Throws
// base::ResourceError.
void write_sheets(const std::filesystem::path& folder, const Sheets& sheets);

}  // namespace evaluate
