#pragma once

#include <string>
#include <string_view>

namespace evaluate {

// Any text, titles and what models say included, as HTML text or attribute value: & < > " ' are
// written as references, control characters other than line ends and tabs are left out.
std::string escape_html(std::string_view text);

}  // namespace evaluate
