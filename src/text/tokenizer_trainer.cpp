#include "text/tokenizer_trainer.h"

#include <cstdint>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "text/byte_alphabet.h"
#include "text/pretokenize.h"

namespace text {
namespace {

constexpr std::size_t kLongestWord = 1000;  // bytes; each merge in a word passes over all of it

struct Word {
  std::vector<int> ids;
  std::int64_t count;
};

struct Pair {
  int left, right;
  bool operator==(const Pair&) const = default;
};

struct PairHash {
  std::size_t operator()(const Pair& pair) const {
    return (static_cast<std::uint64_t>(pair.left) << 32 | static_cast<std::uint32_t>(pair.right)) *
               0x9E3779B97F4A7C15u >>
           16;
  }
};

struct Candidate {
  std::int64_t count;
  Pair pair;
  // Orders a std::priority_queue: the top is the most frequent pair, of equals the lowest ids.
  bool operator<(const Candidate& other) const {
    if (count != other.count) return count < other.count;
    if (pair.left != other.pair.left) return pair.left > other.pair.left;
    return pair.right > other.pair.right;
  }
};

// The words of the texts as bytes' tokens, each word once.
std::vector<Word> count_words(const std::vector<std::string>& texts) {
  std::unordered_map<std::string_view, std::int64_t> counts;
  for (const std::string_view text : texts) {
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = word_end(text, begin);
      if (end - begin <= kLongestWord) ++counts[text.substr(begin, end - begin)];
      begin = end;
    }
  }
  std::vector<int> byte_ids(256);
  for (int id = 0; id < 256; ++id) byte_ids[byte_order()[id]] = id;
  std::vector<Word> out;
  for (const auto& [word, count] : counts) {
    out.push_back({{}, count});
    for (const char byte : word)
      out.back().ids.push_back(byte_ids[static_cast<unsigned char>(byte)]);
  }
  return out;
}

// How often each pair stands in the words, kept up to date through the merges.
class PairCounts {
 public:
  explicit PairCounts(std::vector<Word> words) : words_(std::move(words)) {
    for (std::size_t i = 0; i < words_.size(); ++i) add_word(i, words_[i].count);
    for (const auto& [pair, entry] : entries_) heap_.push({entry.count, pair});
  }

  // The most frequent pair; its count is 0 where no pair is left.
  Candidate best() {
    while (!heap_.empty()) {
      const Candidate top = heap_.top();
      const auto found = entries_.find(top.pair);
      const std::int64_t count = found == entries_.end() ? 0 : found->second.count;
      if (count == top.count) return top;
      heap_.pop();  // counted before later merges: put back with its count of today
      if (count > 0) heap_.push({count, top.pair});
    }
    return {0, {0, 0}};
  }

  void merge(const Pair& pair, int result) {
    const std::vector<std::size_t> where = std::move(entries_.at(pair).words);
    changed_.clear();
    for (const std::size_t i : where) {
      if (!contains(words_[i], pair)) continue;  // the list names a word once a place
      add_word(i, -words_[i].count);
      join(words_[i].ids, pair, result);
      add_word(i, words_[i].count);
      for (std::size_t k = 0; k + 1 < words_[i].ids.size(); ++k)
        if (words_[i].ids[k] == result || words_[i].ids[k + 1] == result)
          changed_.push_back({words_[i].ids[k], words_[i].ids[k + 1]});
    }
    entries_.erase(pair);
    ++merges_;
    for (const Pair& next : changed_) {
      Entry& entry = entries_.at(next);
      if (entry.queued_at != merges_) heap_.push({entry.count, next});
      entry.queued_at = merges_;
    }
  }

 private:
  struct Entry {
    std::int64_t count = 0;
    int queued_at = 0;               // the merge after which its count went into the heap last
    std::vector<std::size_t> words;  // every word that holds the pair, and some that held it once
  };

  static bool contains(const Word& word, const Pair& pair) {
    for (std::size_t k = 0; k + 1 < word.ids.size(); ++k)
      if (word.ids[k] == pair.left && word.ids[k + 1] == pair.right) return true;
    return false;
  }

  static void join(std::vector<int>& ids, const Pair& pair, int result) {
    std::size_t to = 0;
    for (std::size_t from = 0; from < ids.size(); ++from) {
      const bool joins =
          from + 1 < ids.size() && ids[from] == pair.left && ids[from + 1] == pair.right;
      ids[to++] = joins ? result : ids[from];
      if (joins) ++from;
    }
    ids.resize(to);
  }

  void add_word(std::size_t i, std::int64_t count) {
    const std::vector<int>& ids = words_[i].ids;
    for (std::size_t k = 0; k + 1 < ids.size(); ++k) {
      Entry& entry = entries_[{ids[k], ids[k + 1]}];
      entry.count += count;
      if (count > 0 && (entry.words.empty() || entry.words.back() != i)) entry.words.push_back(i);
    }
  }

  std::vector<Word> words_;
  std::unordered_map<Pair, Entry, PairHash> entries_;
  std::priority_queue<Candidate> heap_;
  std::vector<Pair> changed_;
  int merges_ = 0;
};

}  // namespace

Tokenizer train_tokenizer(const std::vector<std::string>& texts, const TrainerOptions& options) {
  if (options.vocabulary_size < 256)
    throw base::UsageError("a tokenizer of ", options.vocabulary_size,
                           " tokens cannot be trained, expected at least the 256 bytes");
  if (options.minimum_count < 1)
    throw base::UsageError("minimum_count is ", options.minimum_count, ", expected at least 1");
  Vocabulary vocabulary;
  for (const unsigned char byte : byte_order())
    vocabulary.tokens.push_back(std::string(1, static_cast<char>(byte)));
  // "abc" may come from a + bc and from ab + c: one token, two merges. Then a pair that was merged
  // before can appear again, and its merge is in the list already.
  std::unordered_map<std::string, int> ids;
  std::unordered_set<Pair, PairHash> merged;
  PairCounts counts(count_words(texts));
  while (static_cast<int>(vocabulary.tokens.size()) < options.vocabulary_size) {
    const auto [count, pair] = counts.best();
    if (count < options.minimum_count) break;
    const std::string token = vocabulary.tokens[pair.left] + vocabulary.tokens[pair.right];
    const auto [entry, is_new] = ids.emplace(token, static_cast<int>(vocabulary.tokens.size()));
    if (is_new) vocabulary.tokens.push_back(token);
    if (merged.insert(pair).second)
      vocabulary.merges.push_back({pair.left, pair.right, entry->second});
    counts.merge(pair, entry->second);
  }
  return Tokenizer(std::move(vocabulary));
}

}  // namespace text
