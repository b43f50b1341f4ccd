#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace text {

// How other programs treat a token that was added to a vocabulary.
enum class AddedKind {
  control,  // "special": left out where they decode for people
  word,     // kept: an item
};

// A token that was not made by merging: markup, an item, GPT-2's end of text.
struct AddedToken {
  std::string text;  // valid UTF-8, not empty
  int id;
  AddedKind kind = AddedKind::control;
  bool operator==(const AddedToken&) const = default;
};

// Finds added tokens in a text.
class AddedTokenFinder {
 public:
  // The texts are all different.
  explicit AddedTokenFinder(const std::vector<AddedToken>& tokens);

  struct Match {
    std::size_t begin, length;
    int id;
  };
  // The first match at or after `from`, the longest where several begin at one place; its length is
  // 0 where there is none. Costs a few comparisons a byte, however many tokens there are.
  Match find(std::string_view text, std::size_t from) const;

 private:
  struct Entry {
    std::string text;
    int id;
  };
  Match match_at(std::string_view text, std::size_t at) const;

  std::vector<Entry> sorted_;
  std::array<std::size_t, 257>
      first_;  // sorted_[first_[b]] … are the tokens that start with byte b
};

}  // namespace text
