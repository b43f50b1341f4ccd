#include "recommend/entities.h"

#include <algorithm>
#include <cmath>

#include "recommend/words.h"

namespace recommend {

Entities::Entities(const dialogue::Catalogue& catalogue) {
  of_item_.resize(index(catalogue.size()));
  for (int item = 0; item < catalogue.size(); ++item)
    for (const auto& [kind, values] : catalogue[item].attributes)
      for (const std::string& value : values) {
        const std::vector<std::string> words = split_words(value);
        if (words.empty() || words.size() > kLongestName) continue;
        const auto [found, fresh] = by_words_.emplace(join_words(words), size());
        if (fresh) {
          std::size_t& longest = longest_with_[words.front()];
          longest = std::max(longest, words.size());
          names_.push_back(value);
          items_.emplace_back();
        }
        std::vector<int>& own = of_item_[index(item)];
        if (std::find(own.begin(), own.end(), found->second) != own.end()) continue;
        own.push_back(found->second);
        items_[index(found->second)].push_back(item);
      }
}

bool Entities::has(int item, int entity) const {
  const std::vector<int>& own = of_item(item);
  return std::find(own.begin(), own.end(), entity) != own.end();
}

double Entities::shared_weight(int entity) const {
  const auto degree = static_cast<double>(items(entity).size());
  return 1 / (std::log(3 + degree) * std::sqrt(1 + degree));
}

double Entities::stated_weight(int entity) const {
  return 3 / std::log(3 + static_cast<double>(items(entity).size()));
}

std::vector<std::string> Entities::long_names() const {
  std::vector<std::string> names;
  for (const auto& [words, entity] : by_words_)
    if (words.find(' ') != std::string::npos) names.push_back(words);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<int> Entities::named_in(const std::vector<std::string>& words) const {
  std::vector<int> named;
  for (std::size_t begin = 0; begin < words.size(); ++begin) {
    const auto starts = longest_with_.find(words[begin]);
    if (starts == longest_with_.end()) continue;
    for (std::size_t length = std::min(starts->second, words.size() - begin); length > 0;
         --length) {
      const auto found =
          by_words_.find(join_words({words.begin() + static_cast<std::ptrdiff_t>(begin),
                                     words.begin() + static_cast<std::ptrdiff_t>(begin + length)}));
      if (found == by_words_.end()) continue;
      if (length == 1 && !is_kind(found->second)) continue;
      if (std::find(named.begin(), named.end(), found->second) == named.end())
        named.push_back(found->second);
      begin += length - 1;
      break;
    }
  }
  return named;
}

}  // namespace recommend
