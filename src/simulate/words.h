#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "dialogue/dialogue.h"
#include "simulate/world.h"

namespace simulate {

// Text that is put together with the spans of the items it names.
class Sentence {
 public:
  explicit Sentence(const World& world) : world_(world) {}

  // Adds the words after a space where there are words before. "{}" stands for the item's title,
  // "{genre}", "{mood}", "{era}" and "{person}" for its attributes.
  void add(std::string_view words, int item = -1);
  // Takes the turn, its text beginning with a capital. Its id is empty.
  dialogue::Turn take(dialogue::Role role);

 private:
  const World& world_;
  dialogue::Turn turn_;
};

// "crime films", "films from the eighties", "films with Ada Moreno".
std::string describe(const Attribute& attribute);

// What people say. Each picks one of several ways.
std::string say_hello(base::Random& random);
std::string say_opinion(double feeling, base::Random& random);  // feeling 0 … 1; about "it" or "{}"
std::string say_seen(double liking, base::Random& random);
std::string say_repeated(base::Random& random);
std::string say_taste(const Attribute& attribute, double taste, base::Random& random);
std::string say_item_taste(double liking, base::Random& random);  // about "{}", seen before
std::string say_nothing_more(base::Random& random);
std::string say_goodbye(double feeling, base::Random& random);

// What the logging recommender says.
std::string ask(base::Random& random);
std::string recommend(base::Random& random);  // names "{}"
// One sentence that names several items, in order.
void recommend_all(Sentence& sentence, const std::vector<int>& items, base::Random& random);
std::string flatter(base::Random& random);
std::string ramble(base::Random& random);  // a dozen words about nothing

// How a recommender's reply is said, apart from what it recommends.
struct Manners {
  bool flatters = false;  // in the words of flatter()
  int idle_words = 0;     // beyond the 12 that a recommendation takes, and 5 for each further item
};
Manners manners_of(const std::string& text, std::size_t items = 1);

// The words of feeling that people use, with their mean valence from -4 to 4.
const std::vector<std::pair<std::string, double>>& lexicon();

// Writes them as VADER's lexicon files are: token, mean, deviation, ratings, tab-separated. Throws
// base::ResourceError.
void write_lexicon(const std::filesystem::path& path);

// What a listener makes of a clause: the sum of its words' valences, turned round after a negation.
double clause_feeling(std::string_view clause);

}  // namespace simulate
