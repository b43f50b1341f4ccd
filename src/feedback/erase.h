#pragma once

#include <string>

#include "feedback/sqlite.h"
#include "feedback/store.h"

// What leaves the store. Each function is a transaction of its own on the writer's connection;
// where it takes anything out, a scrub is due from then on.
namespace feedback {

Erased erase_subject(Connection& connection, const std::string& subject);
Erased erase_conversation(Connection& connection, const std::string& id);

// Conversations that began before, with all that belongs to them; events and consents that are
// older, but not a person's newest consent while there is anything else of theirs.
Erased erase_older(Connection& connection, std::int64_t before);

// Where a scrub is due: builds the file anew of what is there, since SQLite overwrites deleted
// rows, but not the copies that moving rows between pages left behind. Whether it was.
bool rebuild_where_due(Connection& connection);

// After that, what is left is in the write-ahead log: empties it and so ends the scrub. False:
// readers of older states stand in the way, for longer than wait_ms.
bool empty_log(Connection& connection, int wait_ms);

}  // namespace feedback
