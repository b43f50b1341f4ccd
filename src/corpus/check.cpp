#include "corpus/check.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <map>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "base/hash.h"
#include "corpus/titles.h"

namespace corpus {
namespace {

using dialogue::Dialogue;

// 16 bands of 4: a pair at similarity .8 shares a band with probability 1 - (1 - .8^4)^16 = .9998.
constexpr std::size_t kBands = 16;
constexpr std::size_t kRows = 4;
constexpr std::size_t kHashes = kBands * kRows;
constexpr std::size_t kRun = 4;
constexpr std::size_t kFewestWords = 8;

constexpr const char* kSharedConversation = "have other turns of their conversation in training";

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

std::vector<std::uint64_t> word_hashes(const Dialogue& dialogue) {
  std::vector<std::uint64_t> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(base::stable_hash(word));
    word.clear();
  };
  for (const dialogue::Turn& turn : dialogue.turns) {
    for (char c : turn.text) {
      const auto byte = static_cast<unsigned char>(c);
      if (std::isalnum(byte) || byte >= 0x80)
        word += static_cast<char>(std::tolower(byte));
      else
        end_word();
    }
    end_word();
  }
  return words;
}

// The distinct hashes of runs of four words, sorted; none for a dialogue too short to compare.
std::vector<std::uint64_t> runs_of(const Dialogue& dialogue) {
  const std::vector<std::uint64_t> words = word_hashes(dialogue);
  std::vector<std::uint64_t> runs;
  if (words.size() < kFewestWords) return runs;
  for (std::size_t i = 0; i + kRun <= words.size(); ++i) {
    std::uint64_t run = 0;
    for (std::size_t j = i; j < i + kRun; ++j) run = mix(run * 31 + words[j]);
    runs.push_back(run);
  }
  std::sort(runs.begin(), runs.end());
  runs.erase(std::unique(runs.begin(), runs.end()), runs.end());
  return runs;
}

std::array<std::uint64_t, kHashes> min_hashes(const std::vector<std::uint64_t>& runs) {
  std::array<std::uint64_t, kHashes> least;
  least.fill(std::numeric_limits<std::uint64_t>::max());
  for (std::uint64_t run : runs)
    for (std::size_t h = 0; h < kHashes; ++h) {
      const std::uint64_t odd = 0x9e3779b97f4a7c15u * (2 * h + 1) | 1;
      const std::uint64_t hash = (run ^ (run >> 29)) * odd;
      least[h] = std::min(least[h], hash ^ (hash >> 32));
    }
  return least;
}

double jaccard(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::size_t common = 0;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (*i == *j) ++common;
    const bool step_a = *i <= *j, step_b = *j <= *i;
    i += step_a;
    j += step_b;
  }
  const std::size_t either = a.size() + b.size() - common;
  return either ? static_cast<double>(common) / static_cast<double>(either) : 0;
}

bool same_conversation(const std::vector<Dialogue>& dialogues, int a, int b) {
  return dialogues[static_cast<std::size_t>(a)].conversation() ==
         dialogues[static_cast<std::size_t>(b)].conversation();
}

std::int64_t unknown_mentions(const dialogue::Turn& turn) {
  std::int64_t count = 0;
  for (std::size_t at = turn.text.find('@'); at != std::string::npos;
       at = turn.text.find('@', at + 1)) {
    const bool number =
        at + 1 < turn.text.size() && std::isdigit(static_cast<unsigned char>(turn.text[at + 1]));
    const bool known = std::any_of(turn.mentions.begin(), turn.mentions.end(),
                                   [&](const auto& mention) { return mention.begin == at; });
    count += number && !known;
  }
  return count;
}

std::vector<Dropped> find_dropped(const std::vector<Dialogue>& dialogues) {
  DropCounter counter;
  for (const Dialogue& dialogue : dialogues) {
    bool seeker = false, recommender = false, recommends = false;
    for (const dialogue::Turn& turn : dialogue.turns) {
      (turn.role == dialogue::Role::seeker ? seeker : recommender) = true;
      recommends |= turn.role == dialogue::Role::recommender && !turn.mentions.empty();
      counter.add("turns without words",
                  turn.text.find_first_not_of(" \t\r\n") == std::string::npos);
      counter.add("\"@\" and a number that is no known item, kept as plain text",
                  unknown_mentions(turn));
    }
    counter.add("dialogues without a seeker's turn: nothing to answer", !seeker);
    counter.add("dialogues without a recommender's turn: nothing to learn", !recommender);
    counter.add("dialogues that recommend nothing: only words to learn",
                recommender && !recommends);
    counter.add("dialogues without the seeker's form: no labels", dialogue.seeker_labels.empty());
    counter.add("dialogues without times: no latency or dwell",
                !dialogue.turns.empty() && !dialogue.turns.back().time);
  }
  return counter.take();
}

using Strings = std::vector<std::string>;

Strings conversation_of(const Dialogue& dialogue) {
  return dialogue.part_of.empty() ? Strings{} : Strings{dialogue.part_of};
}

Strings seed_of(const Dialogue& dialogue) {
  return dialogue.seed.empty() ? Strings{} : Strings{lower(dialogue.seed)};
}

Strings people_of(const Dialogue& dialogue) {
  Strings people;
  for (const std::string& person : {dialogue.seeker, dialogue.recommender})
    if (!person.empty()) people.push_back(person);
  return people;
}

// How many dialogues of a split share one of their names with training.
Overlap overlap(const std::vector<Dialogue>& dialogues, const std::vector<int>& train,
                const std::vector<int>& split, Strings (*names)(const Dialogue&)) {
  std::set<std::string> known;
  for (int i : train)
    for (const std::string& name : names(dialogues[static_cast<std::size_t>(i)]))
      known.insert(name);
  Overlap out;
  for (int i : split) {
    const Strings here = names(dialogues[static_cast<std::size_t>(i)]);
    out.of += !here.empty();
    out.count += std::any_of(here.begin(), here.end(),
                             [&](const std::string& name) { return known.count(name) > 0; });
  }
  return out;
}

std::vector<Overlap> find_overlaps(const std::vector<Dialogue>& dialogues, const Splits& splits) {
  std::vector<Overlap> out;
  const auto add = [&](const char* split, const std::vector<int>& indices, const char* what,
                       Strings (*names)(const Dialogue&)) {
    Overlap found = overlap(dialogues, splits.train, indices, names);
    if (found.of == 0) return;
    found.split = split;
    found.what = what;
    out.push_back(std::move(found));
  };
  for (const auto& [name, split] :
       {std::pair("validation", &splits.validation), std::pair("test", &splits.test)}) {
    add(name, *split, kSharedConversation, conversation_of);
    add(name, *split, "begin with a seed that a training dialogue begins with", seed_of);
    add(name, *split, "have a person who talks in training", people_of);
  }
  return out;
}

std::vector<const char*> split_names(std::size_t dialogues, const Splits& splits) {
  std::vector<const char*> names(dialogues, nullptr);
  for (int i : splits.train) names[static_cast<std::size_t>(i)] = "training";
  for (int i : splits.validation) names[static_cast<std::size_t>(i)] = "validation";
  for (int i : splits.test) names[static_cast<std::size_t>(i)] = "test";
  return names;
}

}  // namespace

std::vector<NearDuplicate> find_near_duplicates(const std::vector<Dialogue>& dialogues,
                                                double threshold) {
  std::vector<std::vector<std::uint64_t>> runs;
  std::array<std::unordered_map<std::uint64_t, std::vector<int>>, kBands> buckets;
  std::map<std::pair<int, int>, double> pairs;
  for (int i = 0; i < static_cast<int>(dialogues.size()); ++i) {
    runs.push_back(runs_of(dialogues[static_cast<std::size_t>(i)]));
    if (runs.back().empty()) continue;
    const auto least = min_hashes(runs.back());
    for (std::size_t band = 0; band < kBands; ++band) {
      std::uint64_t key = band;
      for (std::size_t row = 0; row < kRows; ++row) key = mix(key * 31 + least[band * kRows + row]);
      std::vector<int>& bucket = buckets[band][key];
      for (int other : bucket)
        if (!pairs.count({other, i}) && !same_conversation(dialogues, other, i))
          pairs[{other, i}] = jaccard(runs[static_cast<std::size_t>(other)], runs.back());
      bucket.push_back(i);
    }
  }
  std::vector<NearDuplicate> found;
  for (const auto& [pair, similarity] : pairs)
    if (similarity >= threshold) found.push_back({pair.first, pair.second, similarity});
  return found;
}

Check check_corpus(const dialogue::Corpus& corpus) {
  Check check;
  check.statistics = measure(corpus);
  check.dropped = corpus.dropped;
  for (Dropped& entry : find_dropped(corpus.dialogues)) check.dropped.push_back(std::move(entry));
  check.near_duplicates = find_near_duplicates(corpus.dialogues);
  return check;
}

Check check_corpus(const dialogue::Corpus& corpus, const Splits& splits,
                   const SplitSettings& settings) {
  Check check = check_corpus(corpus);
  const auto names = split_names(corpus.dialogues.size(), splits);
  const auto left_out = std::count(names.begin(), names.end(), nullptr);
  if (left_out)
    check.dropped.push_back(
        {"dialogues in no split: not to be held out, but later than what is (time), of people of "
         "two "
         "splits (worker), of a held-out seed (seed_entity), derived (ids), or of no published "
         "part",
         left_out});
  check.dropped.insert(check.dropped.end(), splits.dropped.begin(), splits.dropped.end());
  try {
    check_splits(corpus.dialogues, splits, settings);
  } catch (const base::Error& error) {
    check.leaks.push_back(error.what());
  }
  check.overlaps = find_overlaps(corpus.dialogues, splits);
  for (const Overlap& found : check.overlaps)
    if (found.what == kSharedConversation && found.count > 0)
      check.leaks.push_back(base::concatenate(found.count, " of ", found.of, " ", found.split,
                                              " dialogues ", found.what));
  for (const NearDuplicate& pair : check.near_duplicates) {
    const char* a = names[static_cast<std::size_t>(pair.a)];
    const char* b = names[static_cast<std::size_t>(pair.b)];
    if (a && b && a != b)
      check.leaks.push_back(
          base::concatenate("dialogue ", corpus.dialogues[static_cast<std::size_t>(pair.a)].id,
                            " (", a, ") is nearly the same as ",
                            corpus.dialogues[static_cast<std::size_t>(pair.b)].id, " (", b, ")"));
  }
  return check;
}

base::Json to_json(const std::vector<Overlap>& overlaps) {
  base::Json json = base::Json::array();
  for (const Overlap& overlap : overlaps)
    json.push_back({{"split", overlap.split},
                    {"what", overlap.what},
                    {"count", overlap.count},
                    {"of", overlap.of}});
  return json;
}

}  // namespace corpus
