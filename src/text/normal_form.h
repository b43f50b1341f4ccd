#pragma once

#include <string>
#include <string_view>

namespace text {

// Unicode's canonical normal forms as Hugging Face's tokenizers know them (see tokenizer_tables.h):
// decomposed, marks in canonical order; and composed again. Bytes that are not valid UTF-8 stay as
// they are. O(n log n) for n marks in a row, linear otherwise.
std::string to_nfd(std::string_view text);
std::string to_nfc(std::string_view text);

}  // namespace text
