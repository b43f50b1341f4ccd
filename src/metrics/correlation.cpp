#include "metrics/correlation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace metrics {
namespace {

void check_values(std::span<const double> values) {
  for (const double value : values) base::check(!std::isnan(value), "a statistic over NaN");
}

void check_labels(std::span<const double> scores, std::span<const int> labels) {
  base::check(scores.size() == labels.size(), scores.size(), " scores and ", labels.size(),
              " labels");
  check_values(scores);
  for (const int label : labels)
    base::check(label == 0 || label == 1, "a label is ", label, ", expected 0 or 1");
}

std::vector<std::size_t> sort_by(std::span<const double> values) {
  std::vector<std::size_t> out(values.size());
  std::iota(out.begin(), out.end(), 0);
  std::ranges::sort(out, {}, [&](std::size_t row) { return values[row]; });
  return out;
}

// The pairs of a 1 and a 0 among rows in the order of their scores, and how many the 1 wins.
struct Pairs {
  double won = 0;
  double all = 0;
};

struct SortedRow {
  std::size_t row;
  std::int64_t group;
  double score;
  int label;
};

Pairs count_pairs(std::span<const SortedRow> rows, std::span<const double> weights) {
  Pairs out;
  double zeros = 0, ones = 0;  // weights so far
  for (std::size_t begin = 0; begin < rows.size();) {
    double tied[2] = {0, 0};
    std::size_t end = begin;
    for (; end < rows.size() && rows[end].score == rows[begin].score; ++end)
      tied[rows[end].label] += weights[rows[end].row];
    out.won += tied[1] * (zeros + tied[0] / 2);
    zeros += tied[0];
    ones += tied[1];
    begin = end;
  }
  out.all = zeros * ones;
  return out;
}

// Rows in the order of group and score, and where each group starts.
struct GroupedRows {
  std::vector<SortedRow> rows;
  std::vector<std::size_t> bounds;  // of the groups, the end included
};

GroupedRows sort_groups(std::span<const double> scores, std::span<const int> labels,
                        std::span<const std::int64_t> groups) {
  check_labels(scores, labels);
  base::check(groups.size() == scores.size(), scores.size(), " scores and ", groups.size(),
              " groups");
  GroupedRows out;
  for (std::size_t i = 0; i < scores.size(); ++i)
    out.rows.push_back({i, groups[i], scores[i], labels[i]});
  std::ranges::sort(out.rows, [](const SortedRow& a, const SortedRow& b) {
    return a.group != b.group ? a.group < b.group : a.score < b.score;
  });
  for (std::size_t i = 0; i < out.rows.size(); ++i)
    if (i == 0 || out.rows[i].group != out.rows[i - 1].group) out.bounds.push_back(i);
  out.bounds.push_back(out.rows.size());
  return out;
}

std::optional<GroupAuc> pool_groups(const GroupedRows& sorted, std::span<const double> weights) {
  base::check(weights.size() == sorted.rows.size(), "weights of ", weights.size(), " rows for ",
              sorted.rows.size());
  const std::vector<double> ones(weights.size(), 1.0);
  GroupAuc out;
  double won = 0;
  for (std::size_t g = 0; g + 1 < sorted.bounds.size(); ++g) {
    const auto rows =
        std::span(sorted.rows).subspan(sorted.bounds[g], sorted.bounds[g + 1] - sorted.bounds[g]);
    const double weight = weights[rows[0].row];
    for (const SortedRow& row : rows)
      base::check(weights[row.row] == weight, "rows of one group with different weights");
    const Pairs pairs = count_pairs(rows, ones);
    if (pairs.all == 0 || weight == 0) continue;
    won += weight * pairs.won;
    out.pairs += weight * pairs.all;
    ++out.groups;
  }
  if (out.pairs == 0) return std::nullopt;
  out.value = won / out.pairs;
  return out;
}

std::optional<double> correlate(std::span<const double> x, std::span<const double> y,
                                std::span<const double> weights) {
  double sum = 0, mean_x = 0, mean_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum += weights[i];
    mean_x += weights[i] * x[i];
    mean_y += weights[i] * y[i];
  }
  if (sum == 0) return std::nullopt;
  mean_x /= sum;
  mean_y /= sum;
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double dx = x[i] - mean_x, dy = y[i] - mean_y;
    xx += weights[i] * dx * dx;
    yy += weights[i] * dy * dy;
    xy += weights[i] * dx * dy;
  }
  if (xx == 0 || yy == 0) return std::nullopt;
  return xy / std::sqrt(xx * yy);
}

// The mean rank of each row, as if each stood there `weight` times. order: the rows by value.
std::vector<double> rank_rows(std::span<const double> values, std::span<const std::size_t> order,
                              std::span<const double> weights) {
  std::vector<double> out(values.size());
  double before = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    double tied = 0;
    std::size_t end = begin;
    for (; end < order.size() && values[order[end]] == values[order[begin]]; ++end)
      tied += weights[order[end]];
    for (std::size_t i = begin; i < end; ++i) out[order[i]] = before + tied / 2;
    before += tied;
    begin = end;
  }
  return out;
}

void check_lists(std::span<const double> x, std::span<const double> y) {
  base::check(x.size() == y.size(), "lists of ", x.size(), " and ", y.size(), " values");
  check_values(x);
  check_values(y);
}

std::vector<double> ones(std::size_t rows) { return std::vector<double>(rows, 1.0); }

std::vector<double> copy(std::span<const double> values) { return {values.begin(), values.end()}; }

}  // namespace

std::optional<double> auc(std::span<const double> scores, std::span<const int> labels) {
  return weighted_auc(scores, labels)(ones(scores.size()));
}

std::optional<GroupAuc> group_auc(std::span<const double> scores, std::span<const int> labels,
                                  std::span<const std::int64_t> groups) {
  return pool_groups(sort_groups(scores, labels, groups), ones(scores.size()));
}

std::optional<double> pearson(std::span<const double> x, std::span<const double> y) {
  return weighted_pearson(x, y)(ones(x.size()));
}

std::optional<double> spearman(std::span<const double> x, std::span<const double> y) {
  return weighted_spearman(x, y)(ones(x.size()));
}

WeightedStatistic weighted_mean(std::span<const double> values) {
  check_values(values);
  return [values = copy(values)](std::span<const double> weights) -> std::optional<double> {
    double sum = 0, total = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      sum += weights[i] * values[i];
      total += weights[i];
    }
    if (total == 0) return std::nullopt;
    return sum / total;
  };
}

WeightedStatistic weighted_auc(std::span<const double> scores, std::span<const int> labels) {
  const std::vector<std::int64_t> one_group(scores.size(), 0);
  return [rows = sort_groups(scores, labels, one_group).rows](
             std::span<const double> weights) -> std::optional<double> {
    const Pairs pairs = count_pairs(rows, weights);
    if (pairs.all == 0) return std::nullopt;
    return pairs.won / pairs.all;
  };
}

WeightedStatistic weighted_group_auc(std::span<const double> scores, std::span<const int> labels,
                                     std::span<const std::int64_t> groups) {
  return [sorted = sort_groups(scores, labels, groups)](
             std::span<const double> weights) -> std::optional<double> {
    const auto pooled = pool_groups(sorted, weights);
    if (!pooled) return std::nullopt;
    return pooled->value;
  };
}

WeightedStatistic weighted_pearson(std::span<const double> x, std::span<const double> y) {
  check_lists(x, y);
  return [x = copy(x), y = copy(y)](std::span<const double> weights) {
    return correlate(x, y, weights);
  };
}

WeightedStatistic weighted_spearman(std::span<const double> x, std::span<const double> y) {
  check_lists(x, y);
  return [x = copy(x), y = copy(y), order_x = sort_by(x),
          order_y = sort_by(y)](std::span<const double> weights) {
    return correlate(rank_rows(x, order_x, weights), rank_rows(y, order_y, weights), weights);
  };
}

}  // namespace metrics
