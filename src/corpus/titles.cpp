#include "corpus/titles.h"

#include <cctype>

namespace corpus {
namespace {

std::string loose_key(const std::string& title) {
  std::string key = squeeze(lower(title));
  for (std::size_t at = key.find("%3f"); at != std::string::npos; at = key.find("%3f"))
    key.replace(at, 3, 1, '?');
  return key;
}

}  // namespace

Titles::Titles(const dialogue::Catalogue& catalogue) {
  for (int item = 0; item < catalogue.size(); ++item) {
    exact_[catalogue[item].title].push_back(item);
    loose_[loose_key(catalogue[item].title)].push_back(item);
  }
}

const std::vector<int>& Titles::find(const std::string& title) const {
  static const std::vector<int> kNone;
  const auto exact = exact_.find(title);
  if (exact != exact_.end()) return exact->second;
  const auto loose = loose_.find(loose_key(title));
  return loose == loose_.end() ? kNone : loose->second;
}

std::string squeeze(const std::string& text) {
  std::string out;
  for (char c : text) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!space)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace corpus
