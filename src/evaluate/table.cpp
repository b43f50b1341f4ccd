#include "evaluate/table.h"

#include <functional>
#include <string_view>

namespace evaluate {
namespace {

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  return text;
}

using Escape = std::function<std::string(const std::string& cell)>;

std::string join(const std::vector<std::string>& cells, const char* between, const Escape& escape) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) line += (i ? between : "") + escape(cells[i]);
  return line;
}

std::string csv_cell(std::string cell) {
  const bool signed_number =
      cell.size() > 1 && (cell[0] == '+' || cell[0] == '-') && cell[1] >= '0' && cell[1] <= '9';
  if (!cell.empty() && !signed_number &&
      std::string_view("=+-@\t\r").find(cell[0]) != std::string_view::npos)
    cell = "'" + cell;
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  return '"' + replace_all(cell, "\"", "\"\"") + '"';
}

std::string markdown_cell(const std::string& cell) {
  std::string out;
  for (const char c : one_line(cell)) {
    if (std::string_view("\\`*_|").find(c) != std::string_view::npos) out += '\\';
    if (c == '(' && !out.empty() && out.back() == ']') out += '\\';  // no link
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  }
  return out;
}

std::string latex_cell(const std::string& cell) {
  std::string out;
  for (const char c : one_line(cell)) {
    if (c == '\\')
      out += "\\textbackslash{}";
    else if (c == '~' || c == '^')
      (out += '\\') += std::string(1, c) + "{}";
    else if (c == '<' || c == '>')
      out += std::string("$") + c + "$";
    else if (c == '[')
      out += "{[}";  // after "\\" it would be an argument
    else
      out += std::string_view("&%$#_{}").find(c) != std::string_view::npos ? std::string("\\") + c
                                                                           : std::string(1, c);
  }
  return replace_all(replace_all(out, "–", "--"), "★", "$\\star$");
}

}  // namespace

std::string csv(const Table& table) {
  std::string text = join(table.header, ",", csv_cell) + "\r\n";
  for (const auto& row : table.rows) text += join(row, ",", csv_cell) + "\r\n";
  return text;
}

std::string markdown(const Table& table) {
  std::string text = "| " + join(table.header, " | ", markdown_cell) + " |\n|";
  for (std::size_t i = 0; i < table.header.size(); ++i) text += i == 0 ? " --- |" : " ---: |";
  text += '\n';
  for (const auto& row : table.rows) text += "| " + join(row, " | ", markdown_cell) + " |\n";
  return text;
}

std::string latex(const Table& table) {
  const std::size_t columns = table.header.size();
  std::string text = "\\begin{tabular}{l" + std::string(columns > 0 ? columns - 1 : 0, 'r') +
                     "}\n\\hline\n" + join(table.header, " & ", latex_cell) + " \\\\\n\\hline\n";
  for (const auto& row : table.rows) text += join(row, " & ", latex_cell) + " \\\\\n";
  return text + "\\hline\n\\end{tabular}\n";
}

}  // namespace evaluate
