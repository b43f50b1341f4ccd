#include "metrics/student.h"

#include <cmath>
#include <numbers>

#include "base/error.h"

namespace metrics {
namespace {

// The continued fraction of the incomplete beta function, evaluated by Lentz's method. It converges
// fast for x < (a + 1) / (a + b + 2).
double beta_fraction(double x, double a, double b) {
  constexpr double kTiny = 1e-300, kClose = 1e-15;
  constexpr int kMostSteps = 10'000;
  const auto away_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double numerator = 1, denominator = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double fraction = denominator;
  for (int step = 1; step < kMostSteps; ++step) {
    const double m = step;
    double change = 1;
    for (const double term : {m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                              -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))}) {
      denominator = 1 / away_from_zero(1 + term * denominator);
      numerator = away_from_zero(1 + term / numerator);
      change = numerator * denominator;
      fraction *= change;
    }
    if (std::abs(change - 1) < kClose) break;
  }
  return fraction;
}

// I_x(a, b), 0 <= x <= 1.
double incomplete_beta(double x, double a, double b) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(1 - x, b, a);
  const double front = std::exp(a * std::log(x) + b * std::log1p(-x) + std::lgamma(a + b) -
                                std::lgamma(a) - std::lgamma(b));
  return front * beta_fraction(x, a, b) / a;
}

}  // namespace

double student_below(double t, double freedom) {
  base::check(freedom > 0, "a t distribution with ", freedom, " degrees of freedom");
  if (!std::isfinite(freedom)) return .5 * std::erfc(-t / std::numbers::sqrt2);
  const double tail = .5 * incomplete_beta(freedom / (freedom + t * t), freedom / 2, .5);
  return t < 0 ? tail : 1 - tail;
}

double student_quantile(double p, double freedom) {
  base::check(p > 0 && p < 1, "a quantile of the t distribution at ", p);
  double reach = 40;
  while (student_below(-reach, freedom) > std::min(p, 1 - p)) reach *= 2;
  double low = -reach, high = reach;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (student_below(middle, freedom) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace metrics
