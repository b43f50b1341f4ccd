#include "evaluate/sheets.h"

#include <algorithm>

#include "base/files.h"

namespace evaluate {
namespace {

// "RL: KL to the SFT model (nats)" -> "rl-kl-to-the-sft-model-nats".
std::string file_name(const std::string& title) {
  constexpr std::size_t kLongest = 60;
  std::string name;
  for (char c : title) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  name.resize(std::min(name.size(), kLongest));
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "untitled" : name;
}

template <class T>
std::string free_name(const std::string& wanted,
                      const std::vector<std::pair<std::string, T>>& used) {
  const std::string name = file_name(wanted);
  const auto is_used = [&](const std::string& candidate) {
    return std::any_of(used.begin(), used.end(),
                       [&](const auto& entry) { return entry.first == candidate; });
  };
  std::string free = name;
  for (int number = 2; is_used(free); ++number) free = name + "-" + std::to_string(number);
  return free;
}

// The folder with these files and no others; no folder where there are none.
void write_folder(const std::filesystem::path& folder,
                  const std::vector<std::pair<std::string, std::string>>& files) {
  if (files.empty()) {
    std::filesystem::remove_all(folder);
    return;
  }
  const std::filesystem::path aside = folder.string() + ".partial";
  std::filesystem::remove_all(aside);
  base::create_folder(aside);
  for (const auto& [name, content] : files) base::write_file(aside / name, content);
  base::replace_folder(aside, folder);
}

}  // namespace

std::string Sheets::table(const std::string& name, const std::vector<std::string>& header,
                          const std::vector<std::vector<Cell>>& rows) {
  Table plain{header, {}};
  for (const std::vector<Cell>& row : rows) {
    std::vector<std::string> cells;
    for (const Cell& cell : row) cells.push_back(plain_text(cell.html));
    plain.rows.push_back(std::move(cells));
  }
  const std::string free = free_name(name, tables_);
  std::string html = "<div class=\"sheet\" data-name=\"" + free + "\" data-csv=\"" +
                     escape_html(csv(plain)) + "\" data-markdown=\"" +
                     escape_html(markdown(plain)) + "\" data-latex=\"" + escape_html(latex(plain)) +
                     "\">" + evaluate::table(header, rows) + "</div>\n";
  tables_.emplace_back(free, std::move(plain));
  return html;
}

std::string Sheets::plot(const Plot& plot) {
  const std::string alone = plot_file(plot);
  if (alone.empty()) return "";
  const std::string free = free_name(plot.title, plots_);
  plots_.emplace_back(free, alone);
  return draw_plot(plot, free);
}

void write_sheets(const std::filesystem::path& folder, const Sheets& sheets) {
  std::vector<std::pair<std::string, std::string>> tables, plots;
  for (const auto& [name, table] : sheets.tables()) {
    tables.emplace_back(name + ".csv", csv(table));
    tables.emplace_back(name + ".md", markdown(table));
    tables.emplace_back(name + ".tex", latex(table));
  }
  for (const auto& [name, svg] : sheets.plots()) plots.emplace_back(name + ".svg", svg);
  write_folder(folder / "tables", tables);
  write_folder(folder / "plots", plots);
}

}  // namespace evaluate
