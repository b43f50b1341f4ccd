#pragma once

#include <cstddef>
#include <string_view>

namespace text {

// GPT-2's pre-tokenisation (Radford et al. 2019): where the word that starts at byte `begin`
// ends. begin < text.size(); the result is above `begin`, so that a loop cuts any bytes into words
// that together are the text:
//
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// A byte that is not valid UTF-8 counts as one character that is neither letter, number nor space.
// The whole text costs a number of steps in proportion to its length.
std::size_t word_end(std::string_view text, std::size_t begin);

}  // namespace text
