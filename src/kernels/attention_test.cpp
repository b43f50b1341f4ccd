#include "kernels/attention.h"

#include <cmath>

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "base/error.h"
#include "base/format.h"
#include "kernels/test_tensors.h"
#include "kernels/tiled_attention.h"

namespace kernels {
namespace {

torch::Tensor random_qkv(std::int64_t tokens, std::int64_t width, torch::Dtype dtype) {
  auto generator = at::detail::createCPUGenerator(7);
  return at::randn({tokens, 3 * width}, generator, torch::TensorOptions().dtype(torch::kFloat32))
      .to(dtype);
}

TEST(Attention, AgreesWithTheReferenceForwardAndBackwardOverSegmentsOfSeveralLengths) {
  const std::vector<std::int64_t> bounds = {0, 3, 6, 13, 14};
  torch::Tensor ours = random_qkv(14, 8, torch::kFloat32).requires_grad_(true);
  torch::Tensor plain = ours.detach().clone().requires_grad_(true);
  const torch::Tensor weights = random_qkv(14, 8, torch::kFloat32).narrow(1, 0, 8);
  const torch::Tensor a = attention(ours, bounds, {2}),
                      b = attention(plain, bounds, {2}, Backend::reference);
  EXPECT_LT((a - b).abs().max().item<float>(), 1e-5);
  (a * weights).sum().backward();
  (b * weights).sum().backward();
  EXPECT_LT((ours.grad() - plain.grad()).abs().max().item<float>(), 1e-5);
}

TEST(Attention, ATokenSeesNothingLaterAndNothingOfAnotherSegment) {
  const torch::Tensor qkv = random_qkv(7, 8, torch::kFloat32);
  torch::Tensor changed = qkv.clone();
  changed.narrow(0, 2, 1).fill_(1e9);  // the last token of the first segment of three
  const torch::Tensor before = attention(qkv, {0, 3, 7}, {2}),
                      after = attention(changed, {0, 3, 7}, {2});
  for (int t : {0, 1, 3, 4, 5, 6}) EXPECT_TRUE(at::equal(before[t], after[t])) << "token " << t;
  EXPECT_FALSE(at::equal(before[2], after[2]));
}

TEST(Attention, InBf16StaysNearFp32) {
  const torch::Tensor qkv = random_qkv(40, 32, torch::kFloat32);
  const torch::Tensor full = attention(qkv, {0, 40}, {4}),
                      half = attention(qkv.to(torch::kBFloat16), {0, 40}, {4});
  EXPECT_LT((full - half.to(torch::kFloat32)).abs().max().item<float>(), 3e-2);  // bf16 has 8 bits
}

TEST(Attention, InBf16TheGradientStaysNearTheReferenceInFp32) {
  const std::vector<std::int64_t> bounds = {0, 30, 60, 61, 80};
  torch::Tensor ours = random_qkv(80, 32, torch::kBFloat16).requires_grad_(true);
  torch::Tensor plain = ours.detach().to(torch::kFloat32).requires_grad_(true);
  const torch::Tensor weights = random_qkv(80, 32, torch::kFloat32).narrow(1, 32, 32);
  const torch::Tensor a = attention(ours, bounds, {4}),
                      b = attention(plain, bounds, {4}, Backend::reference);
  EXPECT_LT((a.to(torch::kFloat32) - b).abs().max().item<float>(), 3e-2);
  (a.to(torch::kFloat32) * weights).sum().backward();
  (b * weights).sum().backward();
  EXPECT_EQ(ours.grad().dtype(), torch::kBFloat16);
  const float largest = plain.grad().abs().max().item<float>();  // bf16 has 8 bits
  EXPECT_LT((ours.grad().to(torch::kFloat32) - plain.grad()).abs().max().item<float>(),
            1e-2 * largest);
}

// 4 heads that share 2 heads of keys and values, 4 numbers wide: (4 + 2 * 2) * 4 = 32 columns.
constexpr Heads kShared{.queries = 4, .keys = 2};

torch::Tensor random_shared(std::int64_t tokens, std::uint64_t seed = 7) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randn({tokens, 32}, generator, torch::TensorOptions().dtype(torch::kFloat32));
}

TEST(Attention, WithSharedHeadsAgreesWithTheReferenceForwardAndBackward) {
  const std::vector<std::int64_t> bounds = {0, 3, 6, 13, 14};
  torch::Tensor ours = random_shared(14).requires_grad_(true);
  torch::Tensor plain = ours.detach().clone().requires_grad_(true);
  const torch::Tensor weights = random_shared(14, 8).narrow(1, 0, 16);
  const torch::Tensor a = attention(ours, bounds, kShared),
                      b = attention(plain, bounds, kShared, Backend::reference);
  EXPECT_EQ(a.sizes(), (std::vector<std::int64_t>{14, 16}));
  EXPECT_LT((a - b).abs().max().item<float>(), 1e-5);
  (a * weights).sum().backward();
  (b * weights).sum().backward();
  EXPECT_LT((ours.grad() - plain.grad()).abs().max().item<float>(), 1e-5);
}

TEST(Attention, SharedHeadsAreThoseOfEachOnesOwnRepeatedInOrder) {
  const torch::Tensor shared = random_shared(9), parts = shared.view({9, 8, 4});
  const auto repeated = [&](std::int64_t first) {  // heads 0, 0, 1, 1
    return parts.narrow(1, first, 2).repeat_interleave(2, 1);
  };
  const torch::Tensor own =
      at::cat({parts.narrow(1, 0, 4), repeated(4), repeated(6)}, 1).view({9, 48});
  EXPECT_LT((attention(shared, {0, 4, 9}, kShared) - attention(own, {0, 4, 9}, {4}))
                .abs()
                .max()
                .item<float>(),
            1e-5);
}

TEST(Attention, WithSharedHeadsInBf16TheGradientStaysNearTheReferenceInFp32) {
  const std::vector<std::int64_t> bounds = {0, 30, 60, 61, 80};
  torch::Tensor ours = random_shared(80).to(torch::kBFloat16).requires_grad_(true);
  torch::Tensor plain = ours.detach().to(torch::kFloat32).requires_grad_(true);
  const torch::Tensor weights = random_shared(80, 8).narrow(1, 0, 16);
  const torch::Tensor a = attention(ours, bounds, kShared),
                      b = attention(plain, bounds, kShared, Backend::reference);
  EXPECT_LT((a.to(torch::kFloat32) - b).abs().max().item<float>(), 3e-2);
  (a.to(torch::kFloat32) * weights).sum().backward();
  (b * weights).sum().backward();
  const float largest = plain.grad().abs().max().item<float>();  // bf16 has 8 bits
  EXPECT_LT((ours.grad().to(torch::kFloat32) - plain.grad()).abs().max().item<float>(),
            2e-2 * largest);
}

TEST(Attention, TheScaleOfScoresIsHonoured) {
  const torch::Tensor qkv = random_shared(9);
  Heads unscaled = kShared;
  unscaled.scale = 1;
  torch::Tensor doubled = qkv.clone();
  doubled.narrow(1, 0, 16).mul_(2);  // by default scores are divided by sqrt(4) = 2
  EXPECT_LT((attention(qkv, {0, 9}, unscaled) - attention(doubled, {0, 9}, kShared))
                .abs()
                .max()
                .item<float>(),
            1e-5);
}

TEST(Attention, RefusesBoundsThatDoNotCoverTheTokens) {
  EXPECT_THROW(attention(random_qkv(7, 8, torch::kFloat32), {0, 3}, {2}), base::Error);
}

// A prompt of 5 tokens with replies of 3, 3, 4 and 0 tokens behind it, and between them a sequence
// of 6. The same with a prompt for each reply has the rows kCopies of it.
const Segments kBehind{{0, 5, 8, 11, 17, 21, 21}, {-1, 0, 0, -1, 0, 0}};
const Segments kCopied{{0, 8, 16, 22, 31}};
const std::vector<std::int64_t> kCopies = {0,  1,  2,  3,  4,  5,  6, 7, 0, 1, 2, 3,  4,  8,  9, 10,
                                           11, 12, 13, 14, 15, 16, 0, 1, 2, 3, 4, 17, 18, 19, 20};
// And each of its 21 rows is this one of the copies.
const std::vector<std::int64_t> kFirst = {0,  1,  2,  3,  4,  5,  6,  7,  13, 14, 15,
                                          16, 17, 18, 19, 20, 21, 27, 28, 29, 30};

torch::Tensor with_copies(const torch::Tensor& qkv, const Heads& heads, Backend backend) {
  const torch::Tensor copies = qkv.index_select(0, torch::tensor(kCopies, torch::kInt64));
  return attention(copies, kCopied, heads, backend)
      .index_select(0, torch::tensor(kFirst, torch::kInt64));
}

torch::Tensor gradient(const torch::Tensor& out, const torch::Tensor& of) {
  const torch::Tensor weights = random_shared(21, 8).narrow(1, 0, 16);
  return torch::autograd::grad({(out.to(torch::kFloat32) * weights).sum()}, {of})[0];
}

TEST(Attention, BehindAPrefixIsBehindACopyOfItForwardAndBackward) {
  for (const Heads& heads : {kShared, Heads{4}}) {
    const torch::Tensor qkv = random_shared(21, 9).repeat({1, 2}).narrow(
        1, 0, 4 * (heads.queries + 2 * (heads.keys > 0 ? heads.keys : 4)));
    for (const Backend backend : {Backend::native, Backend::reference}) {
      torch::Tensor x = qkv.clone().requires_grad_(true);
      const torch::Tensor behind = attention(x, kBehind, heads, backend),
                          by_behind = gradient(behind, x);
      for (const Backend other : {Backend::native, Backend::reference}) {
        const torch::Tensor copied = with_copies(x, heads, other);
        EXPECT_LT((behind - copied).abs().max().item<float>(), 1e-5);
        EXPECT_LT((by_behind - gradient(copied, x)).abs().max().item<float>(), 1e-5);
      }
    }
  }
}

TEST(Attention, BehindAPrefixTheReferencesGradientIsThatOfDifferences) {
  torch::Tensor x = random_shared(21, 9).to(torch::kFloat64).requires_grad_(true);
  const torch::Tensor weights = random_shared(21, 8).narrow(1, 0, 16).to(torch::kFloat64);
  const auto loss = [&](const torch::Tensor& qkv) {
    return (attention(qkv, kBehind, kShared, Backend::reference) * weights).sum();
  };
  const torch::Tensor found = torch::autograd::grad({loss(x)}, {x})[0];
  torch::NoGradGuard no_grad;
  for (const std::int64_t row : {0, 4, 6, 10, 13, 20})
    for (std::int64_t column = 0; column < 32; column += 3) {
      const auto moved = [&](double by) {
        torch::Tensor y = x.detach().clone();
        y[row][column] += by;
        return loss(y).item<double>();
      };
      EXPECT_NEAR(found[row][column].item<double>(), (moved(1e-6) - moved(-1e-6)) / 2e-6, 1e-7);
    }
}

TEST(Attention, InBf16BehindAPrefixTheGradientStaysNearTheReferenceInFp32) {
  torch::Tensor ours = random_shared(21, 9).to(torch::kBFloat16).requires_grad_(true);
  torch::Tensor plain = ours.detach().to(torch::kFloat32).requires_grad_(true);
  const torch::Tensor a = attention(ours, kBehind, kShared),
                      b = attention(plain, kBehind, kShared, Backend::reference);
  EXPECT_LT((a.to(torch::kFloat32) - b).abs().max().item<float>(), 3e-2);
  const torch::Tensor mine = gradient(a, ours), theirs = gradient(b, plain);
  EXPECT_EQ(mine.dtype(), torch::kBFloat16);
  EXPECT_LT((mine.to(torch::kFloat32) - theirs).abs().max().item<float>(),
            2e-2 * theirs.abs().max().item<float>());  // bf16 has 8 bits
}

TEST(Attention, BehindAPrefixATokenSeesNothingOfTheOthersBehindIt) {
  const torch::Tensor qkv = random_shared(21, 9), before = attention(qkv, kBehind, kShared);
  const auto changed_rows = [&](std::int64_t first, std::int64_t count) {
    torch::Tensor changed = qkv.clone();
    changed.narrow(0, first, count).fill_(1e9);
    const torch::Tensor after = attention(changed, kBehind, kShared);
    std::vector<std::int64_t> rows;
    for (std::int64_t t = 0; t < 21; ++t)
      if (!at::equal(before[t], after[t])) rows.push_back(t);
    return rows;
  };
  using Rows = std::vector<std::int64_t>;
  EXPECT_EQ(changed_rows(5, 3), (Rows{5, 6, 7}));
  EXPECT_EQ(changed_rows(9, 1), (Rows{9, 10}));
  EXPECT_EQ(changed_rows(11, 6), (Rows{11, 12, 13, 14, 15, 16}));
  EXPECT_EQ(changed_rows(4, 1), (Rows{4, 5, 6, 7, 8, 9, 10, 17, 18, 19, 20}));
}

// Heads as wide as models have them, which are worked on in tiles where the processor has
// instructions for it, in lengths around the tiles' sizes. bf16 has 8 bits: one part in 256 of each
// number that is summed up.
struct Precision {
  torch::Dtype type;
  double out, gradient;  // relative errors
  double row;            // the largest of a row's gradient, of the largest of all
};
// In fp32 sums of up to 600 terms stay ten times nearer than the 1e-5 asked elsewhere.
constexpr Precision kFp32{torch::kFloat32, 1e-6, 1e-6, 3e-6},
    kBf16{torch::kBFloat16, 4e-3, 6e-3, 4e-2};

void expect_near_fp64(const Precision& precision, const Segments& segments, const Heads& heads,
                      std::int64_t width) {
  SCOPED_TRACE(base::concatenate("heads of ", width));
  const std::int64_t tokens = segments.bounds.back(),
                     all = heads.queries + 2 * (heads.keys > 0 ? heads.keys : heads.queries);
  auto generator = at::detail::createCPUGenerator(3);
  const auto random = [&](std::int64_t columns) {
    return at::randn({tokens, columns}, generator, torch::TensorOptions().dtype(torch::kFloat32))
        .to(precision.type);
  };
  torch::Tensor ours = random(all * width).requires_grad_(true);
  torch::Tensor exact = ours.detach().to(torch::kFloat64).requires_grad_(true);
  const torch::Tensor weights = random(heads.queries * width);
  const torch::Tensor a = attention(ours, segments, heads),
                      b = attention(exact, segments, heads, Backend::reference);
  EXPECT_LT(testing::relative_error(a, b), precision.out);
  const torch::Tensor by_ours = torch::autograd::grad({a}, {ours}, {weights})[0],
                      by_exact =
                          torch::autograd::grad({b}, {exact}, {weights.to(torch::kFloat64)})[0];
  EXPECT_LT(testing::relative_error(by_ours, by_exact), precision.gradient);
  for (std::int64_t row = 0; row < tokens; ++row)  // none of them left out or taken twice
    ASSERT_LT((by_ours[row].to(torch::kFloat64) - by_exact[row]).abs().max().item<double>(),
              precision.row * by_exact.abs().max().item<double>())
        << "row " << row;
}

// Without instructions for it bf16 is a thousand times as slow: a little of it must do.
bool has_bf16() { return tiled_attention::available(loops::bf16{}, 64); }
bool is_quick(const Precision& precision) {
  return precision.type != torch::kBFloat16 || has_bf16();
}

void expect_near_fp64_at_the_widths_of_models(const Precision& precision) {
  Segments segments{{0}};
  for (const std::int64_t length : {1, 2, 5, 6, 7, 15, 16, 17, 47, 48, 49, 64, 65, 130})
    if (length < 48 || is_quick(precision))
      segments.bounds.push_back(segments.bounds.back() + length);
  for (const std::int64_t width : {32, 64, 96, 128})
    for (const Heads& heads : {Heads{2}, Heads{4, 2}, Heads{3, 1, .05}})
      expect_near_fp64(precision, segments, heads, width);
  if (is_quick(precision))  // longer than what is worked on at a time
    expect_near_fp64(precision, {{0, 600}}, {2}, 64);
}

TEST(Attention, InBf16AtTheWidthsOfModelsStaysNearFp64ForwardAndBackward) {
  expect_near_fp64_at_the_widths_of_models(kBf16);
}

TEST(Attention, InFp32AtTheWidthsOfModelsStaysNearFp64ForwardAndBackward) {
  expect_near_fp64_at_the_widths_of_models(kFp32);
  for (const std::int64_t width : {8, 16, 48, 80, 144})  // some of them in tiles
    expect_near_fp64(kFp32, {{0, 5, 30, 70}}, {2}, width);
  // Long, behind a prefix, and a prefix that nobody stands behind.
  expect_near_fp64(kFp32, {{0, 530, 560, 560, 600, 609}, {-1, 0, 0, 0, -1}}, {4, 1}, 48);
  expect_near_fp64(kFp32, {{0, 0, 20, 40}, {-1, 0, 0}}, {2}, 16);  // no token in front
}

void expect_near_fp64_behind_a_prefix(const Precision& precision) {
  for (const std::int64_t prefix : {1, 16, 33, 70}) {
    if (prefix > 16 && !is_quick(precision)) continue;
    SCOPED_TRACE(prefix);
    Segments segments{{0, prefix}, {-1}};
    const auto add = [&](std::int64_t length, std::int64_t behind) {
      segments.bounds.push_back(segments.bounds.back() + length);
      segments.prefix.push_back(behind);
    };
    for (const std::int64_t length : {1, 20, 0, 53}) add(length, 0);
    add(21, -1);
    add(9, 5);
    for (const Heads& heads : {Heads{2}, Heads{4, 2}})
      for (const std::int64_t width : {32, 64}) expect_near_fp64(precision, segments, heads, width);
  }
}

TEST(Attention, InBf16AtTheWidthsOfModelsBehindAPrefixStaysNearFp64ForwardAndBackward) {
  expect_near_fp64_behind_a_prefix(kBf16);
}

TEST(Attention, InFp32AtTheWidthsOfModelsBehindAPrefixStaysNearFp64ForwardAndBackward) {
  expect_near_fp64_behind_a_prefix(kFp32);
}

TEST(Attention, NoNumberIsNoNumberInWhatComesOfIt) {
  for (const torch::Dtype type : {torch::kBFloat16, torch::kFloat32}) {
    SCOPED_TRACE(c10::toString(type));
    const auto spoilt = [&](std::int64_t column, float value) {
      torch::Tensor qkv = at::ones({20, 3 * 32}).to(type);
      qkv[3][column] = value;
      return attention(qkv, {0, 20}, {1});
    };
    const torch::Tensor by_query = spoilt(0, NAN), by_key = spoilt(32, NAN);
    EXPECT_TRUE(by_query[3].isnan().all().item<bool>());
    EXPECT_FALSE(by_query[4].isnan().any().item<bool>());
    EXPECT_FALSE(by_key[2].isnan().any().item<bool>());
    EXPECT_TRUE(by_key[19].isnan().all().item<bool>());
    EXPECT_TRUE(spoilt(0, INFINITY)[3].isnan().all().item<bool>());
  }
}

TEST(Attention, BehindAPrefixNoNumberIsNoNumberInWhatComesOfIt) {
  for (const torch::Dtype type : {torch::kBFloat16, torch::kFloat32}) {
    SCOPED_TRACE(c10::toString(type));
    const auto spoilt = [&](std::int64_t token, std::int64_t column) {
      torch::Tensor qkv = at::ones({25, 3 * 32}).to(type);
      qkv[token][column] = NAN;
      return attention(qkv, Segments{{0, 5, 15, 25}, {-1, 0, 0}}, {1}).isnan().all(1);
    };
    const auto rows = [&](const torch::Tensor& marked) {
      std::vector<std::int64_t> rows;
      for (std::int64_t row = 0; row < marked.size(0); ++row)
        if (marked[row].item<bool>()) rows.push_back(row);
      return rows;
    };
    using Rows = std::vector<std::int64_t>;
    EXPECT_EQ(rows(spoilt(12, 0)), (Rows{12}));           // a query
    EXPECT_EQ(rows(spoilt(12, 32)), (Rows{12, 13, 14}));  // a key
    EXPECT_EQ(rows(spoilt(4, 32)).size(), 21u);           // one that all behind see
    EXPECT_EQ(rows(spoilt(24, 32)), (Rows{24}));
  }
}

TEST(Attention, RefusesWhatIsNoPrefix) {
  const torch::Tensor qkv = random_shared(9);
  const auto attend = [&](std::vector<std::int64_t> prefix) {
    return attention(qkv, Segments{{0, 3, 5, 9}, std::move(prefix)}, kShared);
  };
  EXPECT_NO_THROW(attend({-1, 0, 0}));
  EXPECT_THROW(attend({-1, 0}), base::Error);      // one is missing
  EXPECT_THROW(attend({-1, 0, 3}), base::Error);   // no segment
  EXPECT_THROW(attend({-1, 0, 1}), base::Error);   // behind another itself
  EXPECT_THROW(attend({-1, 1, -1}), base::Error);  // itself
}

}  // namespace
}  // namespace kernels
