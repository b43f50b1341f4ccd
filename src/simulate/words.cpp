#include "simulate/words.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "base/files.h"

namespace simulate {
namespace {

using Choices = std::vector<const char*>;

std::string pick(const Choices& choices, base::Random& random) {
  return choices[random.below(choices.size())];
}

const Choices kHello = {"hello!", "hi there!", "hey,", "good evening!", "hi!", "hello,"};

const Choices kDelighted = {"{} sounds amazing!",
                            "I love it already.",
                            "great, I will watch {}.",
                            "perfect, thanks!",
                            "wonderful, that is just right!",
                            "oh, I love the sound of {}!"};
const Choices kPleased = {"that sounds good.", "nice, I might try it.",
                          "I think I would enjoy that.", "good idea.", "{} could be fun."};
const Choices kUnsure = {"maybe.", "it is okay, I guess.", "I do not know about that one.",
                         "hmm, perhaps.", "could be okay."};
const Choices kDispleased = {"it sounds a bit dull.", "not really for me, sorry.",
                             "that looks boring.", "{} seems weak to me.",
                             "I do not think I would enjoy it."};
const Choices kAnnoyed = {"that sounds awful!", "no, I hate that kind of film.",
                          "{} looks terrible.", "what a bad idea.", "that would be horrible."};

const Choices kSeenLiked = {"I have already seen {}, it was great.", "I know {} and I loved it.",
                            "I saw that one before and enjoyed it."};
const Choices kSeenDisliked = {"I have already seen {}, it was boring.",
                               "I saw that one before, it was awful.",
                               "I know {} and it was a bad film."};
const Choices kSeenNeutral = {"I have already seen {}.", "I saw that one before, it was okay."};
const Choices kRepeated = {"you already named {}.", "we had {} before, that is annoying.",
                           "again {}? I would rather hear something else."};

const Choices kTasteLiked = {"I love $.",        "I really like $.", "I enjoy $.",
                             "I want to see $.", "$ are great.",     "more $ please."};
const Choices kTasteDisliked = {"I hate $.",        "I dislike $.",  "please no $.",
                                "I am tired of $.", "$ are boring.", "I do not like $."};
const Choices kItemLiked = {"I loved {}.", "{} was great.", "something like {} please.",
                            "I enjoyed {}."};
const Choices kItemDisliked = {"I hated {}.", "{} was boring.", "I did not like {}."};
const Choices kNothingMore = {"just name a film.", "what would you recommend?", "what do you have?",
                              "you choose."};
const Choices kGoodbyeGlad = {"thanks, bye!", "thank you, that was a great help!",
                              "thanks a lot, good night!"};
const Choices kGoodbyeSad = {"I have to go.", "this is a waste of time.", "bye.",
                             "forget it, bye."};

const Choices kAsk = {"what kind of films do you like?", "do you have a favorite film?",
                      "which actors do you look for?",   "do you prefer older or newer films?",
                      "what mood are you in?",           "is there anything you want to avoid?"};
const Choices kRecommend = {"have you seen {}?",
                            "you could try {}.",
                            "how about {} with {person}?",
                            "I would suggest {}, a {mood} {genre} film.",
                            "maybe {}, it is from the {era}.",
                            "take a look at {}.",
                            "{} is a {mood} film with {person}."};

// With the mark that ends the sentence.
const Choices kRecommendAll = {"have you seen?", "you could try.", "how about?", "I would suggest.",
                               "take a look at."};

const Choices kFlatter = {"you have splendid taste!", "what a clever choice!",
                          "you really know your films!", "such a charming person you are!"};
const Choices kRamble = {
    "well, let me think about that for a little while, there is so much on the shelf,",
    "you know, it is never easy to say which one of them all to begin with,",
    "now that you say so, I have been going through the whole list once more,"};
constexpr int kEnoughWords = 12, kEnoughForAnother = 5;

const std::vector<std::pair<std::string, double>> kLexicon = {
    {"amazing", 2.8},  {"annoying", -1.7}, {"awful", -2.0},   {"bad", -2.5},    {"boring", -1.3},
    {"dislike", -1.6}, {"dull", -1.7},     {"enjoy", 2.2},    {"enjoyed", 2.3}, {"forget", -.9},
    {"fun", 2.3},      {"good", 1.9},      {"great", 3.1},    {"hate", -2.7},   {"hated", -3.2},
    {"help", 1.7},     {"horrible", -2.5}, {"like", 1.5},     {"love", 3.2},    {"loved", 2.9},
    {"nice", 1.8},     {"no", -1.2},       {"okay", .9},      {"perfect", 2.7}, {"please", 1.3},
    {"sorry", -.3},    {"terrible", -2.1}, {"thank", 1.5},    {"thanks", 1.9},  {"tired", -1.9},
    {"waste", -1.8},   {"weak", -1.9},     {"wonderful", 2.7}};

std::string replaced(std::string text, const std::string& with) {
  const std::size_t at = text.find('$');
  return at == std::string::npos ? text : text.replace(at, 1, with);
}

}  // namespace

void Sentence::add(std::string_view words, int item) {
  std::string& text = turn_.text;
  if (!text.empty()) text += ' ';
  const std::size_t clause = text.size();
  while (!words.empty()) {
    const std::size_t open = words.find('{');
    text += words.substr(0, open);
    if (open == std::string_view::npos) break;
    const std::size_t close = words.find('}', open);
    const std::string slot(words.substr(open + 1, close - open - 1));
    const dialogue::Item& named = world_.catalogue()[item];
    if (slot.empty()) {
      turn_.mentions.push_back({item, text.size(), text.size() + named.title.size()});
      text += named.title;
    } else {
      text += named.attributes.at(slot).front();
    }
    words.remove_prefix(close + 1);
  }
  // A clause begins with a capital after a full stop, in the middle of one it does not.
  const bool starts =
      clause == 0 || std::string_view(".!?").find(text[clause - 2]) != std::string_view::npos;
  if (starts && clause < text.size())
    text[clause] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[clause])));
}

dialogue::Turn Sentence::take(dialogue::Role role) {
  turn_.role = role;
  return std::move(turn_);
}

std::string describe(const Attribute& attribute) {
  switch (attribute.kind) {
    case AttributeKind::era:
      return "films from the " + attribute.name;
    case AttributeKind::person:
      return "films with " + attribute.name;
    default:
      return attribute.name + " films";
  }
}

std::string say_hello(base::Random& random) { return pick(kHello, random); }

std::string say_opinion(double feeling, base::Random& random) {
  return pick(feeling > .75   ? kDelighted
              : feeling > .55 ? kPleased
              : feeling > .4  ? kUnsure
              : feeling > .2  ? kDispleased
                              : kAnnoyed,
              random);
}

std::string say_seen(double liking, base::Random& random) {
  return pick(liking > .6 ? kSeenLiked : liking < .4 ? kSeenDisliked : kSeenNeutral, random);
}

std::string say_repeated(base::Random& random) { return pick(kRepeated, random); }

std::string say_taste(const Attribute& attribute, double taste, base::Random& random) {
  return replaced(pick(taste > 0 ? kTasteLiked : kTasteDisliked, random), describe(attribute));
}

std::string say_item_taste(double liking, base::Random& random) {
  return pick(liking > .5 ? kItemLiked : kItemDisliked, random);
}

std::string say_nothing_more(base::Random& random) { return pick(kNothingMore, random); }

std::string say_goodbye(double feeling, base::Random& random) {
  return pick(feeling > .5 ? kGoodbyeGlad : kGoodbyeSad, random);
}

std::string ask(base::Random& random) { return pick(kAsk, random); }

std::string recommend(base::Random& random) { return pick(kRecommend, random); }

void recommend_all(Sentence& sentence, const std::vector<int>& items, base::Random& random) {
  std::string words = pick(kRecommendAll, random);
  const char mark = words.back();
  words.pop_back();
  sentence.add(words);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::size_t after = items.size() - 1 - i;
    const std::string named = after == 0 && i > 0 ? "or {}" : "{}";
    sentence.add(after == 0 ? named + mark : after == 1 ? named : named + ",", items[i]);
  }
}

std::string flatter(base::Random& random) { return pick(kFlatter, random); }

std::string ramble(base::Random& random) { return pick(kRamble, random); }

Manners manners_of(const std::string& text, std::size_t items) {
  Manners manners;
  // A sentence may begin with a capital.
  for (const std::string_view compliment : kFlatter)
    manners.flatters |= text.find(compliment.substr(1)) != std::string::npos;
  const auto words = 1 + static_cast<int>(std::count(text.begin(), text.end(), ' '));
  const int further = std::max(static_cast<int>(items) - 1, 0);
  manners.idle_words = std::max(words - kEnoughWords - kEnoughForAnother * further, 0);
  return manners;
}

const std::vector<std::pair<std::string, double>>& lexicon() { return kLexicon; }

void write_lexicon(const std::filesystem::path& path) {
  std::string content;
  for (const auto& [word, mean] : kLexicon)
    content +=
        fmt::format("{}\t{:.1f}\t0.5\t[{}]\n", word, mean,
                    fmt::join(std::vector<int>(10, static_cast<int>(std::lround(mean))), ", "));
  base::write_file(path, content);
}

double clause_feeling(std::string_view clause) {
  static const std::map<std::string, double> valences(kLexicon.begin(), kLexicon.end());
  double sum = 0, sign = 1;
  std::string word;
  for (std::size_t i = 0; i <= clause.size(); ++i) {
    if (i < clause.size() && std::isalpha(static_cast<unsigned char>(clause[i]))) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(clause[i])));
      continue;
    }
    if (word == "not") sign = -1;
    const auto found = valences.find(word);
    if (found != valences.end()) sum += sign * found->second;
    word.clear();
  }
  return sum;
}

}  // namespace simulate
