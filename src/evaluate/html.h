#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace evaluate {

// Any text, titles and what models say included, as HTML text or attribute value: & < > " ' are
// written as references, control characters other than line ends and tabs are left out.
std::string escape_html(std::string_view text);

// <TAG class="STYLE">CONTENT</TAG>; the content is HTML already.
std::string element(const std::string& tag, const std::string& content,
                    const std::string& style = "");
// A paragraph of plain text.
std::string paragraph(const std::string& text, const std::string& style = "");

// A box with a paragraph each; "" where there is none.
std::string warnings(const std::vector<std::string>& texts);

// What a browser shows of HTML made here: tags left out, references read.
std::string plain_text(const std::string& html);

// A cell of a table: HTML already, with its class.
struct Cell {
  std::string html;
  std::string style;
};
Cell text_cell(const std::string& text);
Cell number_cell(const std::optional<double>& value, int digits);  // a dash where there is none

// "[0.5000, 0.7000]"; a dash where one is missing.
std::string interval_text(const std::optional<double>& low, const std::optional<double>& high,
                          int digits);
// The interval on a line from -reach to reach, 0 in the middle.
std::string interval_picture(double low, double estimate, double high, double reach);

// header: plain text. rows: as many cells each.
std::string table(const std::vector<std::string>& header,
                  const std::vector<std::vector<Cell>>& rows);

}  // namespace evaluate
