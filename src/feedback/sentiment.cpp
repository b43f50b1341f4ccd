#include "feedback/sentiment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <unordered_set>

#include "base/error.h"
#include "base/files.h"
#include "text/unicode.h"

namespace feedback {
namespace {

// The constants of the paper, found by its authors from human ratings.
constexpr double kBoost = 0.293;         // a degree word, "very"
constexpr double kCapitals = 0.733;      // a word in capitals among others that are not
constexpr double kNegation = -0.74;      // "not"
constexpr double kNever = 1.25;          // "never so", "never this"
constexpr double kNormalisation = 15.0;  // alpha: the compound is x / sqrt(x^2 + alpha)
constexpr double kExclamation = 0.292;
constexpr double kQuestion = 0.18;
constexpr double kManyQuestions = 0.96;
constexpr std::array<double, 3> kDistance = {1.0, 0.95, 0.9};  // of a degree word, by words between

const std::unordered_set<std::string_view>& negations() {
  static const std::unordered_set<std::string_view> words = {
      "aint",    "arent",  "cannot",   "cant",    "couldnt", "darent",  "didnt",   "doesnt",
      "dont",    "hadnt",  "hasnt",    "havent",  "isnt",    "mightnt", "mustnt",  "neither",
      "neednt",  "never",  "none",     "nope",    "nor",     "not",     "nothing", "nowhere",
      "oughtnt", "shant",  "shouldnt", "uhuh",    "wasnt",   "werent",  "without", "wont",
      "wouldnt", "rarely", "seldom",   "despite", "uh-uh"};
  return words;  // and every word with "n't" in it
}

// Degree words: what they add to a positive valence.
const std::unordered_map<std::string_view, double>& degrees() {
  static const auto table = [] {
    std::unordered_map<std::string_view, double> out;
    for (const std::string_view word :
         {"absolutely",   "amazingly",  "awfully",      "completely",    "considerable",
          "considerably", "decidedly",  "deeply",       "effing",        "enormous",
          "enormously",   "entirely",   "especially",   "exceptional",   "exceptionally",
          "extreme",      "extremely",  "fabulously",   "flipping",      "flippin",
          "frackin",      "fracking",   "fricking",     "frickin",       "frigging",
          "friggin",      "fully",      "fuckin",       "fucking",       "fuggin",
          "fugging",      "greatly",    "hella",        "highly",        "hugely",
          "incredible",   "incredibly", "intensely",    "major",         "majorly",
          "more",         "most",       "particularly", "purely",        "quite",
          "really",       "remarkably", "so",           "substantially", "thoroughly",
          "total",        "totally",    "tremendous",   "tremendously",  "uber",
          "unbelievably", "unusually",  "utter",        "utterly",       "very"})
      out[word] = kBoost;
    for (const std::string_view word :
         {"almost",     "barely",       "hardly",  "just enough", "kind of",  "kinda",
          "kindof",     "kind-of",      "less",    "little",      "marginal", "marginally",
          "occasional", "occasionally", "partly",  "scarce",      "scarcely", "slight",
          "slightly",   "somewhat",     "sort of", "sorta",       "sortof",   "sort-of"})
      out[word] = -kBoost;
    return out;
  }();
  return table;
}

const std::unordered_map<std::string_view, double>& idioms() {
  static const std::unordered_map<std::string_view, double> table = {
      {"the shit", 3},        {"the bomb", 3},       {"bad ass", 1.5},        {"badass", 1.5},
      {"bus stop", 0},        {"yeah right", -2},    {"kiss of death", -1.5}, {"to die for", 3},
      {"beating heart", 3.1}, {"broken heart", -2.9}};
  return table;
}

bool is_negation(const std::string& lower) {
  return negations().contains(lower) || lower.find("n't") != std::string::npos;
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += text::code_point_at(text, at).length) ++count;
  return count;
}

// Punctuation at both ends goes, unless what is left is so short that it may be an emoticon.
std::string_view strip_punctuation(std::string_view word) {
  constexpr std::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  const std::size_t first = word.find_first_not_of(kPunctuation);
  if (first == std::string_view::npos) return word;
  const std::size_t last = word.find_last_not_of(kPunctuation);
  const std::string_view inner = word.substr(first, last - first + 1);
  return count_characters(inner) <= 2 ? word : inner;
}

double away_from_zero(double valence, double amount) {
  return valence > 0 ? valence + amount : valence - amount;
}

double punctuation_emphasis(std::string_view text) {
  const auto marks =
      static_cast<double>(std::min<std::ptrdiff_t>(std::ranges::count(text, '!'), 4));
  const auto questions = static_cast<double>(std::ranges::count(text, '?'));
  double out = marks * kExclamation;
  if (questions > 1) out += questions <= 3 ? questions * kQuestion : kManyQuestions;
  return out;
}

// What follows the first "but" counts one half more, what precedes it one half. The reference
// program finds each word's place by its valence, so of equal valences it changes the first again
// and again; the numbers that people compare with come from that.
void weigh_but(const std::vector<std::string>& lower, std::vector<double>& valences) {
  const auto found = std::ranges::find(lower, "but");
  if (found == lower.end()) return;
  const auto but = found - lower.begin();
  for (std::size_t i = 0; i < valences.size(); ++i) {
    const auto place = std::ranges::find(valences, valences[i]) - valences.begin();
    if (place < but) valences[place] *= 0.5;
    if (place > but) valences[place] *= 1.5;
  }
}

// To so many decimals as printf and Python round.
double round_to(double value, int decimals) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return std::strtod(text, nullptr) + 0.0;  // not -0
}

SentimentScores combine(const std::vector<double>& valences, double emphasis) {
  if (valences.empty()) return {};
  double sum = 0, positive = 0, negative = 0, neutral = 0;
  for (const double valence : valences) {
    sum += valence;
    if (valence > 0) positive += valence + 1;  // 1 makes a word count as much as a neutral one
    if (valence < 0) negative += 1 - valence;
    if (valence == 0) ++neutral;
  }
  if (sum != 0) sum = away_from_zero(sum, emphasis);
  if (positive > negative) positive += emphasis;
  if (positive < negative) negative += emphasis;
  const double all = positive + negative + neutral;
  const double compound = sum / std::sqrt(sum * sum + kNormalisation);
  return {.compound = round_to(std::clamp(compound, -1.0, 1.0), 4),
          .positive = round_to(positive / all, 3),
          .neutral = round_to(neutral / all, 3),
          .negative = round_to(negative / all, 3)};
}

// "token<TAB>rest", once a line.
template <class Take>
void read_fields(const std::filesystem::path& path, Take take) {
  base::read_lines(path, [&](std::string_view line, long number) {
    if (line.empty() || line == "\r") return;
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos || tab == 0)
      throw base::DataError(path, ":", number, ": expected a token, a tab and its value");
    std::string_view rest = line.substr(tab + 1);
    rest = rest.substr(0, rest.find_first_of("\t\r"));
    take(std::string(line.substr(0, tab)), std::string(rest), number);
  });
}

std::vector<std::string_view> cut_words(std::string_view text) {
  std::vector<std::string_view> out = text::split_whitespace(text);
  for (std::string_view& word : out) word = strip_punctuation(word);
  return out;
}

// What the degree word at `at` adds to a valence.
double degree_at(const std::string& lower, bool capitals, double valence) {
  const auto found = degrees().find(lower);
  if (found == degrees().end()) return 0;
  const double degree = valence < 0 ? -found->second : found->second;
  if (!capitals) return degree;
  return valence > 0 ? degree + kCapitals : degree - kCapitals;
}

// Negation by the word `distance` + 1 before `at`.
double negate(const std::vector<std::string>& lower, std::size_t at, int distance, double valence) {
  const auto before = [&](int words) -> const std::string& { return lower[at - words]; };
  const auto is_so = [](const std::string& word) { return word == "so" || word == "this"; };
  if (distance == 1) {
    if (before(2) == "never" && is_so(before(1))) return valence * kNever;
    if (before(2) == "without" && before(1) == "doubt") return valence;
  }
  if (distance == 2) {
    // As the reference program: "so" or "this" right before is enough, whatever comes earlier.
    if ((before(3) == "never" && is_so(before(2))) || is_so(before(1))) return valence * kNever;
    if (before(3) == "without" && (before(2) == "doubt" || before(1) == "doubt")) return valence;
  }
  return is_negation(before(distance + 1)) ? valence * kNegation : valence;
}

// Idioms around a word that has three before it.
double apply_idioms(const std::vector<std::string>& lower, std::size_t at, double valence) {
  const auto phrase = [&](std::size_t first, std::size_t last) {
    std::string out = lower[first];
    for (std::size_t i = first + 1; i <= last; ++i) (out += ' ') += lower[i];
    return out;
  };
  const std::string three_before = phrase(at - 3, at - 1);
  const std::string two_before = phrase(at - 2, at - 1);
  const std::string first_two = phrase(at - 3, at - 2);
  for (const std::string& text :
       {phrase(at - 1, at), phrase(at - 2, at), two_before, three_before, first_two}) {
    if (const auto found = idioms().find(text); found != idioms().end()) {
      valence = found->second;
      break;
    }
  }
  for (std::size_t last = at + 1; last <= at + 2 && last < lower.size(); ++last)
    if (const auto found = idioms().find(phrase(at, last)); found != idioms().end())
      valence = found->second;
  for (const std::string& text : {three_before, first_two, two_before})
    if (const auto found = degrees().find(text); found != degrees().end()) valence += found->second;
  return valence;
}

// "least" before a word turns it round, "at least" and "very least" do not.
double apply_least(const std::vector<std::string>& lower, std::size_t at, double valence) {
  if (at == 0 || lower[at - 1] != "least") return valence;
  if (at > 1 && (lower[at - 2] == "at" || lower[at - 2] == "very")) return valence;
  return valence * kNegation;
}

}  // namespace

struct SentimentScorer::Words {
  std::vector<std::string> lower;
  std::vector<char> capitals;  // in capitals, and not all words are
};

SentimentScorer::SentimentScorer(const std::filesystem::path& lexicon) {
  read_fields(lexicon, [&](std::string token, const std::string& value, long number) {
    char* end = nullptr;
    const double valence = std::strtod(value.c_str(), &end);
    if (value.empty() || *end != '\0' || !std::isfinite(valence))
      throw base::DataError(lexicon, ":", number, ": the valence of \"", token, "\" is \"", value,
                            "\", expected a number");
    lexicon_[std::move(token)] = valence;
  });
  if (lexicon_.empty())
    throw base::DataError(lexicon, ": holds no word, expected lines of token, tab and valence");
}

SentimentScorer::SentimentScorer(const std::filesystem::path& lexicon,
                                 const std::filesystem::path& emoji)
    : SentimentScorer(lexicon) {
  read_fields(emoji, [&](const std::string& token, std::string words, long) {
    // Emoji of several code points are never found: the reference program looks at one at a time.
    const text::CodePoint first = text::code_point_at(token, 0);
    if (first.length == token.size()) emoji_[first.value] = std::move(words);
  });
}

std::string SentimentScorer::spell_emoji(std::string_view text) const {
  std::string out;
  bool after_space = true;
  for (std::size_t at = 0; at < text.size();) {
    const text::CodePoint next = text::code_point_at(text, at);
    const auto found = emoji_.find(next.value);
    if (found == emoji_.end()) {
      out += text.substr(at, next.length);
      after_space = next.value == ' ';
    } else {
      if (!after_space) out += ' ';
      out += found->second;
      after_space = false;
    }
    at += next.length;
  }
  return out;
}

std::optional<double> SentimentScorer::valence_of(const std::string& lower) const {
  const auto found = lexicon_.find(lower);
  if (found == lexicon_.end()) return std::nullopt;
  return found->second;
}

double SentimentScorer::weigh_context(const Words& words, std::size_t at, double valence) const {
  for (int distance = 0; distance < 3; ++distance) {
    if (at < static_cast<std::size_t>(distance) + 1) break;
    const std::size_t other = at - distance - 1;
    if (valence_of(words.lower[other])) continue;
    valence += kDistance[distance] * degree_at(words.lower[other], words.capitals[other], valence);
    valence = negate(words.lower, at, distance, valence);
    if (distance == 2) valence = apply_idioms(words.lower, at, valence);
  }
  return valence_of("least") ? valence : apply_least(words.lower, at, valence);
}

double SentimentScorer::score_word(const Words& words, std::size_t at) const {
  const auto& lower = words.lower;
  const auto is = [&](std::size_t back, std::string_view word) {
    return at >= back && lower[at - back] == word;
  };
  if (degrees().contains(lower[at])) return 0;
  if (lower[at] == "kind" && at + 1 < lower.size() && lower[at + 1] == "of") return 0;
  const auto found = valence_of(lower[at]);
  if (!found) return 0;
  double valence = *found;
  // "no" before a word of the lexicon negates that word and means nothing itself.
  if (lower[at] == "no" && at + 1 < lower.size() && valence_of(lower[at + 1])) valence = 0;
  if (is(1, "no") || is(2, "no") || (is(3, "no") && (is(1, "or") || is(1, "nor"))))
    valence = *found * kNegation;
  if (words.capitals[at]) valence = away_from_zero(valence, kCapitals);
  return weigh_context(words, at, valence);
}

SentimentScores SentimentScorer::score(std::string_view text) const {
  const std::string spelled = spell_emoji(text);
  const std::vector<std::string_view> cut = cut_words(spelled);
  Words words;
  for (const std::string_view word : cut) {
    words.lower.push_back(text::to_lower(word));
    words.capitals.push_back(text::is_upper(word));
  }
  const bool all_capitals = std::ranges::count(words.capitals, 1) == std::ssize(words.capitals);
  if (all_capitals) std::ranges::fill(words.capitals, 0);
  std::vector<double> valences;
  for (std::size_t at = 0; at < cut.size(); ++at) valences.push_back(score_word(words, at));
  weigh_but(words.lower, valences);
  return combine(valences, punctuation_emphasis(spelled));
}

}  // namespace feedback
