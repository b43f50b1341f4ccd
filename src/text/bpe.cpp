#include "text/bpe.h"

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace text {
namespace {

constexpr int kNone = -1;

std::uint64_t pair_key(int left, int right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

std::size_t spread(std::uint64_t key) {
  key *= 0x9E3779B97F4A7C15u;
  return key ^ key >> 32;
}

// A token of the word while it is merged; its neighbours by index.
struct Piece {
  int id;
  int before;
  int after;
};

struct Candidate {
  int rank;
  int at;    // index of the left piece
  int left;  // the ids it joins: a piece that has changed since makes it void
  int right;
  int result;
};

// For std::*_heap: the best candidate, lowest rank and then leftmost, comes out first.
bool later(const Candidate& a, const Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
}

}  // namespace

Bpe::Bpe(std::vector<int> byte_ids, const std::vector<Merge>& merges)
    : byte_ids_(std::move(byte_ids)),
      slots_(std::bit_ceil(2 * merges.size() + 2), Slot{0, kNone, 0}) {
  base::check(byte_ids_.size() == 256, "a byte-level vocabulary needs 256 bytes, got ",
              byte_ids_.size());
  int rank = 0;
  for (const Merge& merge : merges) {
    const std::uint64_t key = pair_key(merge.left, merge.right);
    std::size_t at = spread(key) & (slots_.size() - 1);
    while (slots_[at].rank != kNone) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {key, rank++, merge.result};
  }
}

const Bpe::Slot* Bpe::find(int left, int right) const {
  const std::uint64_t key = pair_key(left, right);
  std::size_t at = spread(key) & (slots_.size() - 1);
  while (slots_[at].rank != kNone) {
    if (slots_[at].pair == key) return &slots_[at];
    at = (at + 1) & (slots_.size() - 1);
  }
  return nullptr;
}

MergedWord Bpe::merge(std::string_view word) const {
  MergedWord out;
  const int n = static_cast<int>(word.size());
  std::vector<Piece> pieces(n);
  for (int i = 0; i < n; ++i)
    pieces[i] = {byte_ids_[static_cast<unsigned char>(word[i])], i - 1, i + 1 < n ? i + 1 : kNone};

  std::vector<Candidate> heap;
  const auto add_candidate = [&](int at) {
    const int next = at == kNone ? kNone : pieces[at].after;
    if (next == kNone) return false;
    const Slot* slot = find(pieces[at].id, pieces[next].id);
    if (slot == nullptr) return false;
    heap.push_back({slot->rank, at, pieces[at].id, pieces[next].id, slot->result});
    return true;
  };
  for (int i = 0; i + 1 < n; ++i) add_candidate(i);
  std::make_heap(heap.begin(), heap.end(), later);

  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    const Candidate best = heap.back();
    heap.pop_back();
    ++out.steps;
    Piece& left = pieces[best.at];
    if (left.id != best.left || left.after == kNone || pieces[left.after].id != best.right)
      continue;
    Piece& right = pieces[left.after];
    left.id = best.result;
    right.id = kNone;
    left.after = right.after;
    if (left.after != kNone) pieces[left.after].before = best.at;
    for (const int at : {left.before, best.at})
      if (add_candidate(at)) std::push_heap(heap.begin(), heap.end(), later);
  }
  for (int at = n > 0 ? 0 : kNone; at != kNone; at = pieces[at].after)
    out.ids.push_back(pieces[at].id);
  return out;
}

}  // namespace text
