#include "recommend/counts.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "model/safetensors.h"

namespace recommend {
namespace {

// Adds 1 for each pair, then sorts and merges: rows of (item, count).
std::vector<Counts::Row> merge_rows(std::vector<std::vector<int>> lists) {
  std::vector<Counts::Row> rows(lists.size());
  for (std::size_t i = 0; i < lists.size(); ++i) {
    std::sort(lists[i].begin(), lists[i].end());
    for (int item : lists[i]) {
      if (!rows[i].empty() && rows[i].back().first == item)
        rows[i].back().second += 1;
      else
        rows[i].emplace_back(item, 1.f);
    }
  }
  return rows;
}

torch::Tensor to_tensor(const std::vector<float>& values) { return torch::tensor(values); }

std::vector<float> to_vector(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.to(torch::kFloat32).contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

// Rows as three arrays: where each begins, items, counts.
void put_rows(model::TensorMap& to, const std::string& name, const std::vector<Counts::Row>& rows) {
  std::vector<std::int64_t> begins = {0}, items;
  std::vector<float> counts;
  for (const Counts::Row& row : rows) {
    for (const auto& [item, count] : row) items.push_back(item), counts.push_back(count);
    begins.push_back(static_cast<std::int64_t>(items.size()));
  }
  to[name + ".begins"] = torch::tensor(begins, torch::kInt64);
  to[name + ".items"] = torch::tensor(items, torch::kInt64).to(torch::kInt32);
  to[name + ".counts"] = torch::tensor(counts);
}

std::vector<Counts::Row> take_rows(const model::TensorMap& from, const std::string& name,
                                   std::int64_t items_known, const std::filesystem::path& path) {
  const torch::Tensor begins = from.at(name + ".begins"), items = from.at(name + ".items"),
                      counts = from.at(name + ".counts");
  std::vector<Counts::Row> rows(
      static_cast<std::size_t>(std::max<std::int64_t>(begins.numel() - 1, 0)));
  const std::int64_t* begin = begins.data_ptr<std::int64_t>();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (begin[i] < 0 || begin[i] > begin[i + 1] || begin[i + 1] > items.numel() ||
        items.numel() != counts.numel())
      throw base::DataError(path, ": ", name, " is damaged at row ", i);
    for (std::int64_t j = begin[i]; j < begin[i + 1]; ++j) {
      const int item = items.data_ptr<int>()[j];
      if (item < 0 || item >= items_known)
        throw base::DataError(path, ": ", name, " names item ", item);
      rows[i].emplace_back(item, counts.data_ptr<float>()[j]);
    }
  }
  return rows;
}

}  // namespace

DialogueCounts count_dialogue(const dialogue::Dialogue& dialogue, const WordTable& words) {
  DialogueCounts counts;
  std::vector<int> earlier_words;
  const auto add_once = [](std::vector<int>& to, int value) {
    if (std::find(to.begin(), to.end(), value) == to.end()) to.push_back(value);
  };
  for (std::size_t t = 0; t < dialogue.turns.size(); ++t) {
    const dialogue::Turn& turn = dialogue.turns[t];
    for (int item : turn.items()) {
      add_once(counts.items, item);
      if (!dialogue.is_target(t)) continue;
      counts.recommended.push_back(item);
      for (int word : earlier_words) counts.word_pairs.emplace_back(word, item);
    }
    for (int word : words.numbers(turn)) add_once(earlier_words, word);
  }
  std::sort(counts.word_pairs.begin(), counts.word_pairs.end());
  return counts;
}

DialogueCounts::Pairs DialogueCounts::pairs_of(int word) const {
  return {std::lower_bound(word_pairs.begin(), word_pairs.end(), std::pair(word, -1)),
          std::lower_bound(word_pairs.begin(), word_pairs.end(), std::pair(word + 1, -1))};
}

std::vector<DialogueCounts> count_each(const std::vector<const dialogue::Dialogue*>& training,
                                       const WordTable& words) {
  std::vector<DialogueCounts> out;
  const std::size_t recent_from = training.size() - std::min(training.size(), kRecentDialogues);
  for (std::size_t d = 0; d < training.size(); ++d) {
    out.push_back(count_dialogue(*training[d], words));
    out.back().recent = d >= recent_from;
    out.back().dialogue = static_cast<int>(d);
  }
  return out;
}

Counts::Counts(const std::vector<const dialogue::Dialogue*>& training, const WordTable& words,
               int items)
    : named_(static_cast<std::size_t>(items)),
      recommended_(named_.size()),
      recent_(named_.size()),
      word_totals_(static_cast<std::size_t>(words.size())) {
  std::vector<std::vector<int>> item_lists(named_.size()), word_lists(word_totals_.size());
  for (const DialogueCounts& own : count_each(training, words)) {
    for (int a : own.items) {
      named_[static_cast<std::size_t>(a)] += 1;
      for (int b : own.items)
        if (a != b) item_lists[static_cast<std::size_t>(a)].push_back(b);
    }
    for (int item : own.recommended) {
      recommended_[static_cast<std::size_t>(item)] += 1;
      if (own.recent) recent_[static_cast<std::size_t>(item)] += 1;
    }
    for (const auto& [word, item] : own.word_pairs) {
      word_lists[static_cast<std::size_t>(word)].push_back(item);
      word_totals_[static_cast<std::size_t>(word)] += 1;
    }
  }
  with_item_ = merge_rows(std::move(item_lists));
  with_word_ = merge_rows(std::move(word_lists));
}

Counts Counts::extended(int items) const {
  base::check(items >= this->items(), "counts of ", this->items(), " items for ", items);
  Counts larger = *this;
  const auto size = static_cast<std::size_t>(items);
  larger.named_.resize(size);
  larger.recommended_.resize(size);
  larger.recent_.resize(size);
  larger.with_item_.resize(size);
  return larger;
}

void Counts::write(const std::filesystem::path& folder) const {
  model::TensorMap tensors = {{"named", to_tensor(named_)},
                              {"recommended", to_tensor(recommended_)},
                              {"recent", to_tensor(recent_)},
                              {"word_totals", to_tensor(word_totals_)}};
  put_rows(tensors, "with_item", with_item_);
  put_rows(tensors, "with_word", with_word_);
  model::write_safetensors(folder / "counts.safetensors", tensors);
}

Counts Counts::read(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "counts.safetensors";
  const model::TensorMap tensors = model::read_safetensors(path);
  for (const char* name :
       {"named", "recommended", "recent", "word_totals", "with_item.begins", "with_item.items",
        "with_item.counts", "with_word.begins", "with_word.items", "with_word.counts"})
    if (!tensors.count(name)) throw base::DataError(path, ": the tensor ", name, " is missing");
  Counts counts;
  counts.named_ = to_vector(tensors.at("named"));
  counts.recommended_ = to_vector(tensors.at("recommended"));
  counts.recent_ = to_vector(tensors.at("recent"));
  counts.word_totals_ = to_vector(tensors.at("word_totals"));
  const auto items = static_cast<std::int64_t>(counts.named_.size());
  counts.with_item_ = take_rows(tensors, "with_item", items, path);
  counts.with_word_ = take_rows(tensors, "with_word", items, path);
  if (counts.with_item_.size() != counts.named_.size() ||
      counts.with_word_.size() != counts.word_totals_.size() ||
      counts.recommended_.size() != counts.named_.size() ||
      counts.recent_.size() != counts.named_.size())
    throw base::DataError(path, ": tables of different sizes");
  return counts;
}

}  // namespace recommend
