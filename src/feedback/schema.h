#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "feedback/sqlite.h"

namespace feedback {

// A step from one version of the schema to the next. What it does is one transaction.
struct Migration {
  int to = 1;
  std::function<void(Connection&)> work;
};

// All there ever were, oldest first. Never changed, only added to.
const std::vector<Migration>& all_migrations();

// Brings the file to the newest version; a new file begins at 0. A kill leaves one version or the
// next, never something between. Throws base::DataError where the file is of another program or of
// a newer version.
void migrate(Connection& connection, const std::filesystem::path& file,
             const std::vector<Migration>& migrations = all_migrations());

// Throws the same where the file is not of exactly the newest version.
void require_newest_schema(Connection& connection, const std::filesystem::path& file);

}  // namespace feedback
