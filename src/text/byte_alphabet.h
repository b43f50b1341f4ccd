#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace text {

// GPT-2's way to write bytes as printable text in vocabulary files: 188 bytes stand for themselves,
// the others are written as U+0100 and on.

// The 256 bytes in the order of their printable characters; byte_order()[id] is the byte of token
// id in GPT-2's vocabulary.
const std::array<unsigned char, 256>& byte_order();

std::string to_printable(std::string_view bytes);

// Nothing where a character stands for no byte.
std::optional<std::string> from_printable(std::string_view printable);

}  // namespace text
