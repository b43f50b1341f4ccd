#pragma once

namespace metrics {

// Student's t distribution. freedom: degrees of freedom, above 0, whole or not; infinity is the
// standard normal distribution.

// P(T < t), by the regularised incomplete beta function (its continued fraction, Abramowitz &
// Stegun 26.5.8 and 26.7.1).
double student_below(double t, double freedom);

// t with P(T < t) = p; 0 < p < 1.
double student_quantile(double p, double freedom);

}  // namespace metrics
