#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dialogue {

// What to look for: a title, or a person, a genre, …
struct Name {
  enum class Case { either, exact };  // exact for names that are common words: "Her", "It", "Up"
  std::string words;
  int id = 0;  // the caller's; several names may share one
  Case letter_case = Case::either;
};

// A place of a text, [begin, end) in bytes, where a name stands.
struct FoundName {
  int id = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Looks for many names in a text at once. Names and texts are compared word by word and mark by
// mark: a name never begins or ends inside a word, white space does not count, apostrophes and
// quotation marks of any shape are the same, and so are letters in either case (of Latin, Greek and
// Cyrillic) and a character and its HTML entity. A name without a word is never found.
class NameFinder {
 public:
  // Of two names of the same words the first wins; with one of exact case, that one where it fits.
  explicit NameFinder(const std::vector<Name>& names);

  // Where names stand, in order of begin. Where places overlap, the one of more bytes is taken,
  // then the earlier. Time grows with the text, not with the number of names.
  std::vector<FoundName> find(std::string_view text) const;

 private:
  struct End {
    int id = 0;
    std::string exact;  // the name's words as written; empty: in either case
  };
  struct Node {
    std::unordered_map<int, int> next;  // word -> node
    std::vector<End> ends;              // names that end here; those of exact case first
  };
  std::unordered_map<std::string, int> words_;  // in lower case
  std::vector<Node> nodes_;
};

}  // namespace dialogue
