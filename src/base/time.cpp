#include "base/time.h"

#include <chrono>
#include <cstdio>

namespace base {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute,
                       kDay = 24 * kHour;
constexpr std::int64_t kEnd = 253402300800000;  // the year 10000

// Takes its parts from the front of a text; `good` falls with the first that is not there.
struct Scanner {
  std::string_view rest;
  bool good = true;

  int number(std::size_t digits, int low, int high) {
    int value = 0;
    good = good && rest.size() >= digits;
    for (std::size_t i = 0; good && i < digits; ++i) {
      good = rest[i] >= '0' && rest[i] <= '9';
      value = value * 10 + (rest[i] - '0');
    }
    good = good && value >= low && value <= high;
    if (good) rest.remove_prefix(digits);
    return value;
  }
  bool skip(std::string_view any_of) {
    if (!good || rest.empty() || any_of.find(rest.front()) == std::string_view::npos) return false;
    rest.remove_prefix(1);
    return true;
  }
  void need(std::string_view any_of) { good = skip(any_of) && good; }
};

// Milliseconds of ".25…"; 0 where there is no fraction.
int fraction(Scanner& scanner) {
  if (!scanner.skip(".")) return 0;
  int ms = 0, digits = 0;
  while (!scanner.rest.empty() && scanner.rest.front() >= '0' && scanner.rest.front() <= '9') {
    if (digits < 3) ms = ms * 10 + (scanner.rest.front() - '0');
    ++digits;
    scanner.rest.remove_prefix(1);
  }
  scanner.good = digits > 0;
  for (; digits < 3; ++digits) ms *= 10;
  return ms;
}

std::int64_t offset(Scanner& scanner) {
  if (scanner.skip("Zz")) return 0;
  const bool behind = scanner.skip("-");
  if (!behind) scanner.need("+");
  const int hours = scanner.number(2, 0, 23);
  scanner.need(":");
  const int minutes = scanner.number(2, 0, 59);
  return (behind ? -1 : 1) * (hours * kHour + minutes * kMinute);
}

}  // namespace

std::int64_t now_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  Scanner scanner{text};
  const int year = scanner.number(4, 1970, 9999);
  scanner.need("-");
  const int month = scanner.number(2, 1, 12);
  scanner.need("-");
  const int day = scanner.number(2, 1, 31);
  scanner.need("Tt");
  const int hour = scanner.number(2, 0, 23);
  scanner.need(":");
  const int minute = scanner.number(2, 0, 59);
  scanner.need(":");
  const int second = scanner.number(2, 0, 60);
  const int ms = fraction(scanner);
  const std::int64_t ahead = offset(scanner);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!scanner.good || !scanner.rest.empty() || !date.ok()) return std::nullopt;
  const std::int64_t at = sys_days(date).time_since_epoch().count() * kDay + hour * kHour +
                          minute * kMinute + second * kSecond + ms - ahead;
  return at >= 0 && at < kEnd ? std::optional(at) : std::nullopt;
}

std::string format_rfc3339(std::int64_t ms) {
  const std::chrono::year_month_day date{sys_days(days(ms / kDay))};
  const int of_day = static_cast<int>(ms % kDay);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(of_day / kHour),
                static_cast<int>(of_day / kMinute % 60), static_cast<int>(of_day / kSecond % 60),
                of_day % 1000);
  return text;
}

}  // namespace base
