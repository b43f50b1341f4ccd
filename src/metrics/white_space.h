#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace metrics {

// White space is what Python's str.split() takes for it, since SacreBLEU cuts texts by that.

// The bytes of the white space character that starts at `at`, or 0.
std::size_t space_length(std::string_view text, std::size_t at);

// The bytes of the white space character that the text ends with, or 0.
std::size_t last_space_length(std::string_view text);

// What stands between white space, in order.
std::vector<std::string> split_words(std::string_view text);

}  // namespace metrics
