#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace text {

// How BERT's text is made even before it is cut; in this order.
struct BertNormalizer {
  bool clean_text = true;             // without control characters; each space a plain one
  bool handle_chinese_chars = true;   // spaces around Chinese characters
  std::optional<bool> strip_accents;  // decomposed, accents left out; nothing: as `lowercase`
  bool lowercase = true;
  bool operator==(const BertNormalizer&) const = default;
};

// As Hugging Face's tokenizers do it, for every code point. Bytes that are not valid UTF-8 stay.
std::string normalize(std::string_view text, const BertNormalizer& rules);

}  // namespace text
