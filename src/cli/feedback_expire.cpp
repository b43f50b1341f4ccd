#include "base/error.h"
#include "base/time.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/feedback.h"

namespace cli {
namespace {

constexpr std::int64_t kDay = 86400000;

int expire(const Command& self, const std::vector<std::string>& given) {
  std::string file, days, at;
  Arguments arguments(self);
  arguments.positional("STORE", file, "the file of a feedback store that no server writes to");
  arguments.option("--days", days, "how long data is kept, 1 or more", Arguments::Need::required);
  arguments.option("--at", at, "counted back from here (RFC 3339); without it: now");
  arguments.parse(given);
  const std::int64_t kept = parse_count(days, "--days");
  // 0 is what an empty variable of a script comes to: it must not erase everything.
  if (kept == 0) throw base::UsageError("--days is \"", days, "\", expected 1 or more");
  const std::int64_t now = at.empty() ? base::now_ms() : parse_moment(at, "--at");
  if (kept > now / kDay)
    throw base::UsageError("--days is ", kept, ", more than there have been since 1970");
  if (!std::filesystem::exists(file)) throw base::DataError(file, ": no such file");
  feedback::Store store(file);
  print(store.expire(now - kept * kDay), "expired");
  return 0;
}

}  // namespace

Command feedback_expire_command() {
  return {"feedback expire", "erase what is older than so many days",
          "attune feedback expire feedback.db --days 365", expire};
}

}  // namespace cli
