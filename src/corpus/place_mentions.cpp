#include "corpus/place_mentions.h"

#include <algorithm>

#include "corpus/titles.h"

namespace corpus {
namespace {

using Mentions = std::vector<dialogue::Mention>;

bool is_free(const Mentions& mentions, std::size_t begin, std::size_t end) {
  return std::none_of(mentions.begin(), mentions.end(),
                      [&](const auto& m) { return begin < m.end && m.begin < end; });
}

// The first place where the letters stand and nothing else is, or the text's end for both.
dialogue::Mention anywhere(const std::string& text, int item, const std::string& title,
                           const Mentions& taken) {
  const std::string in = lower(text), letters = lower(title);
  for (std::size_t at = letters.empty() ? std::string::npos : in.find(letters);
       at != std::string::npos; at = in.find(letters, at + 1))
    if (is_free(taken, at, at + letters.size())) return {item, at, at + letters.size()};
  return {item, text.size(), text.size()};
}

}  // namespace

Mentions place_mentions(const std::string& text, const std::vector<dialogue::Name>& names) {
  Mentions mentions;
  if (names.empty()) return mentions;
  for (const dialogue::FoundName& found : dialogue::NameFinder(names).find(text))
    mentions.push_back({found.id, found.begin, found.end});
  return mentions;
}

PlacedMentions place_all_mentions(const std::string& text,
                                  const std::vector<dialogue::Name>& names) {
  PlacedMentions out;
  out.mentions = place_mentions(text, names);
  for (const dialogue::Name& name : names) {
    const bool named = std::any_of(out.mentions.begin(), out.mentions.end(),
                                   [&](const auto& m) { return m.item == name.id; });
    if (named) continue;
    out.mentions.push_back(anywhere(text, name.id, name.words, out.mentions));
    out.without_place += out.mentions.back().begin == out.mentions.back().end;
  }
  std::stable_sort(out.mentions.begin(), out.mentions.end(),
                   [](const auto& a, const auto& b) { return a.begin < b.begin; });
  return out;
}

std::vector<dialogue::Name> titles_of(const std::vector<int>& items,
                                      const dialogue::Catalogue& catalogue) {
  std::vector<dialogue::Name> names;
  for (int item : items) names.push_back({catalogue[item].title, item});
  return names;
}

}  // namespace corpus
