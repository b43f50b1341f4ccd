#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "dialogue/catalogue.h"

namespace corpus {

// Items of a catalogue by their title, for files that name items so.
class Titles {
 public:
  explicit Titles(const dialogue::Catalogue& catalogue);

  // The items of exactly this title; where there is none those whose title differs only in the case
  // of letters, in spaces, and in "%3F" for "?". In the catalogue's order; empty: none.
  const std::vector<int>& find(const std::string& title) const;

 private:
  std::unordered_map<std::string, std::vector<int>> exact_;
  std::unordered_map<std::string, std::vector<int>> loose_;
};

// White space squeezed to single spaces, none at the ends.
std::string squeeze(const std::string& text);

// ASCII letters in lower case.
std::string lower(std::string text);

}  // namespace corpus
