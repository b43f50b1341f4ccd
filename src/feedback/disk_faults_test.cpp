// The store on a disk that loses what was not synced, is full, or fails to sync.
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "base/error.h"
#include "base/random.h"
#include "feedback/schema.h"
#include "feedback/sqlite.h"
#include "feedback/test_store.h"

namespace feedback {
namespace {

using test::event;
using test::id;
using test::of_events;
using test::small_talk;

constexpr std::size_t kSector = 512;

// ---- a disk between SQLite and the file system ----

struct Operation {
  enum class Kind { write, cut, sync, remove, acknowledged } kind;
  std::string file;  // its name, without the folder
  std::int64_t offset = 0;
  std::string bytes;  // written
  int batch = 0;      // acknowledged
};

// Notes everything that is done to files, and fails where it is told to.
struct Disk {
  std::mutex mutex;
  std::vector<Operation> operations;
  bool full = false;
  std::int64_t room = -1;        // writes until it is full; below 0: there is room
  std::int64_t good_syncs = -1;  // until one fails; below 0: none does

  void note(Operation operation) {
    const std::lock_guard lock(mutex);
    operations.push_back(std::move(operation));
  }
  bool takes_write() {
    const std::lock_guard lock(mutex);
    if (room >= 0 && room-- == 0) full = true, room = 0;
    return !full;
  }
  bool takes_sync() {
    const std::lock_guard lock(mutex);
    return good_syncs < 0 || good_syncs-- != 0;
  }
};

Disk* disk = nullptr;  // of the test that runs; SQLite's callbacks have no other way to it
sqlite3_vfs* real_vfs = nullptr;

struct File {
  sqlite3_file base;
  char name[256];
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File* file_of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
sqlite3_file* real_of(sqlite3_file* file) { return file_of(file)->real(); }

std::string name_of(const char* path) { return std::filesystem::path(path).filename().string(); }

int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  if (!disk->takes_write()) return SQLITE_FULL;
  disk->note({Operation::Kind::write, file_of(file)->name, offset,
              std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size))});
  return real_of(file)->pMethods->xWrite(real_of(file), bytes, size, offset);
}

int cut(sqlite3_file* file, sqlite3_int64 size) {
  disk->note({Operation::Kind::cut, file_of(file)->name, size, ""});
  return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

int sync(sqlite3_file* file, int flags) {
  if (!disk->takes_sync()) return SQLITE_IOERR_FSYNC;
  disk->note({Operation::Kind::sync, file_of(file)->name, 0, ""});
  return real_of(file)->pMethods->xSync(real_of(file), flags);
}

int remove(sqlite3_vfs*, const char* path, int sync_folder) {
  disk->note({Operation::Kind::remove, name_of(path), 0, ""});
  return real_vfs->xDelete(real_vfs, path, sync_folder);
}

// What only passes on.
sqlite3_io_methods methods() {
  sqlite3_io_methods m{};
  m.iVersion = 2;
  m.xClose = [](sqlite3_file* f) { return real_of(f)->pMethods->xClose(real_of(f)); };
  m.xRead = [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
    return real_of(f)->pMethods->xRead(real_of(f), to, size, at);
  };
  m.xWrite = write;
  m.xTruncate = cut;
  m.xSync = sync;
  m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
  };
  m.xLock = [](sqlite3_file* f, int how) { return real_of(f)->pMethods->xLock(real_of(f), how); };
  m.xUnlock = [](sqlite3_file* f, int how) {
    return real_of(f)->pMethods->xUnlock(real_of(f), how);
  };
  m.xCheckReservedLock = [](sqlite3_file* f, int* held) {
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), held);
  };
  m.xFileControl = [](sqlite3_file* f, int what, void* with) {
    return real_of(f)->pMethods->xFileControl(real_of(f), what, with);
  };
  m.xSectorSize = [](sqlite3_file* f) { return real_of(f)->pMethods->xSectorSize(real_of(f)); };
  m.xDeviceCharacteristics = [](sqlite3_file* f) {
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
  };
  m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** to) {
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, to);
  };
  m.xShmLock = [](sqlite3_file* f, int at, int n, int how) {
    return real_of(f)->pMethods->xShmLock(real_of(f), at, n, how);
  };
  m.xShmBarrier = [](sqlite3_file* f) { real_of(f)->pMethods->xShmBarrier(real_of(f)); };
  m.xShmUnmap = [](sqlite3_file* f, int and_delete) {
    return real_of(f)->pMethods->xShmUnmap(real_of(f), and_delete);
  };
  return m;
}

int open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  static const sqlite3_io_methods passing = methods();
  File* ours = file_of(file);
  ours->base.pMethods = nullptr;
  std::snprintf(ours->name, sizeof ours->name, "%s", path ? name_of(path).c_str() : "temporary");
  const int code = real_vfs->xOpen(real_vfs, path, ours->real(), flags, out_flags);
  if (ours->real()->pMethods) ours->base.pMethods = &passing;
  return code;
}

class OnADisk : public testing::Test {
 protected:
  OnADisk() {
    real_vfs = sqlite3_vfs_find("unix");
    vfs_ = *real_vfs;
    vfs_.szOsFile += static_cast<int>(sizeof(File));
    vfs_.zName = "watched";
    vfs_.pNext = nullptr;
    vfs_.xOpen = open;
    vfs_.xDelete = remove;
    disk = &disk_;
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~OnADisk() override {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_vfs, 1);
  }

  // One event about the conversation of start(); whether it was acknowledged.
  bool put(Store& store, int batch) {
    const Written written = store.write(of_events({event("a", "copy", "ann", batch)}));
    if (!written.error.empty()) return false;
    disk_.note({Operation::Kind::acknowledged, "", 0, "", batch});
    acknowledged_.push_back(batch);
    return true;
  }
  static std::string event_id(int batch) { return event("a", "copy", "ann", batch).id; }
  static void expect_there(const Store& store, const std::vector<int>& batches) {
    std::map<std::string, int> ids;
    for (const StoredEvent& stored : store.events(id("a"))) ++ids[stored.id];
    for (int batch : batches) ASSERT_EQ(ids[event_id(batch)], 1) << "batch " << batch;
  }

  base::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "feedback.db";
  Disk disk_;
  sqlite3_vfs vfs_{};
  std::vector<int> acknowledged_;
};

// ---- power that goes away ----

// The files after so many operations: what was synced, and of the rest what chance makes of it,
// sector by sector.
class Wreck {
 public:
  Wreck(const std::vector<Operation>& operations, std::size_t count, std::uint64_t seed)
      : random_({seed, "power", count}) {
    for (std::size_t i = 0; i < count; ++i) take(operations[i]);
    for (auto& [name, waiting] : waiting_)
      for (const Operation& operation : waiting) perhaps(files_[name], operation);
  }
  void write_into(const std::filesystem::path& folder) const {
    for (const auto& [name, content] : files_)
      std::ofstream(folder / name, std::ios::binary) << content;
  }
  const std::vector<int>& acknowledged() const { return acknowledged_; }

 private:
  void take(const Operation& operation) {
    switch (operation.kind) {
      case Operation::Kind::acknowledged:
        acknowledged_.push_back(operation.batch);
        break;
      case Operation::Kind::remove:
        files_.erase(operation.file);
        waiting_.erase(operation.file);
        break;
      case Operation::Kind::sync:
        for (const Operation& waiting : waiting_[operation.file])
          apply(files_[operation.file], waiting);
        waiting_[operation.file].clear();
        break;
      default:
        waiting_[operation.file].push_back(operation);
    }
  }
  static void apply(std::string& content, const Operation& operation) {
    const auto at = static_cast<std::size_t>(operation.offset);
    if (operation.kind == Operation::Kind::cut) return content.resize(at);
    if (content.size() < at + operation.bytes.size()) content.resize(at + operation.bytes.size());
    content.replace(at, operation.bytes.size(), operation.bytes);
  }
  void perhaps(std::string& content, const Operation& operation) {
    if (operation.kind == Operation::Kind::cut) {
      if (random_.chance(.5)) apply(content, operation);
      return;
    }
    const double likely = random_.chance(.5) ? .5 : random_.chance(.5) ? 0 : 1;
    for (std::size_t at = 0; at < operation.bytes.size(); at += kSector) {
      if (!random_.chance(likely)) continue;
      Operation sector = operation;
      sector.offset += static_cast<std::int64_t>(at);
      sector.bytes = operation.bytes.substr(at, kSector);
      apply(content, sector);
    }
  }

  base::Random random_;
  std::map<std::string, std::string> files_;
  std::map<std::string, std::vector<Operation>> waiting_;
  std::vector<int> acknowledged_;
};

// ATTUNE_CRASH_POINTS=2000 looks at so many moments.
TEST_F(OnADisk, NothingAcknowledgedIsLostWhereverThePowerGoes) {
  {
    Store store(file_);
    store.write(small_talk("a", "ann", 1000, std::string(5000, 'x')));
    for (int batch = 0; batch < 150; ++batch) {
      ASSERT_TRUE(put(store, batch));
      // Large rows, so that the log grows over what a checkpoint takes, and an erasure.
      if (batch % 10 == 0)
        store.write(small_talk("b" + std::to_string(batch), "bob", 1, std::string(400000, 'y')));
      if (batch == 100) store.erase_subject("bob");
    }
  }
  sqlite3_vfs_register(real_vfs, 1);  // what follows is no part of it
  const char* asked = std::getenv("ATTUNE_CRASH_POINTS");
  const std::uint64_t points = asked ? std::strtoull(asked, nullptr, 10) : 40;
  base::Random random({1, "points"});
  std::size_t acknowledged = 0;
  for (std::uint64_t point = 0; point < points; ++point) {
    const std::size_t count = random.below(disk_.operations.size() + 1);
    const Wreck wreck(disk_.operations, count, point);
    const base::TemporaryFolder folder;
    wreck.write_into(folder.path());
    const Store store(folder.path() / "feedback.db");
    ASSERT_TRUE(store.problems().empty()) << "after " << count << " operations";
    expect_there(store, wreck.acknowledged());
    acknowledged += wreck.acknowledged().size();
  }
  EXPECT_GT(acknowledged, points * 20);
}

TEST_F(OnADisk, APowerCutInAnUpgradeLeavesTheOldVersionOrTheNew) {
  std::vector<Migration> migrations = all_migrations();
  const int old = migrations.back().to;
  migrations.push_back({old + 1, [](Connection& connection) {
                          connection.run("ALTER TABLE turns ADD COLUMN words INTEGER");
                          connection.run("UPDATE turns SET words = length(text)");
                        }});
  { Store(file_).write(small_talk("a", "ann", 1000, std::string(50000, 'x'))); }
  const std::size_t begun = disk_.operations.size();
  {
    Connection connection(file_, Connection::Mode::write);
    migrate(connection, file_, migrations);
    connection.checkpoint(Connection::Checkpoint::truncate);
  }
  sqlite3_vfs_register(real_vfs, 1);
  int upgraded = 0;
  for (std::uint64_t point = 0; point < 100; ++point) {
    const std::size_t steps = disk_.operations.size() - begun;
    const Wreck wreck(disk_.operations, begun + point * steps / 99, point);
    const base::TemporaryFolder folder;
    wreck.write_into(folder.path());
    Connection connection(folder.path() / "feedback.db", Connection::Mode::write);
    const bool is_new = connection.integer("PRAGMA user_version") == old + 1;
    upgraded += is_new;
    EXPECT_EQ(
        connection.integer("SELECT count(*) FROM pragma_table_info('turns') WHERE name = 'words'"),
        is_new);
    if (is_new) {
      EXPECT_EQ(connection.integer("SELECT count(words) FROM turns"), 2);
    }
    EXPECT_EQ(connection.integer("SELECT count(*) FROM turns"), 2);
  }
  EXPECT_GT(upgraded, 10);
  EXPECT_LT(upgraded, 90);
}

// ---- a full disk ----

TEST_F(OnADisk, AFullDiskIsAnErrorAndWithRoomTheStoreGoesOn) {
  int batch = 0;
  Store store(file_);
  store.write(small_talk("a", "ann", 1000));
  for (std::int64_t writes = 0; writes < 40; ++writes) {
    disk_.room = writes;
    Written written;
    for (int tries = 0; written.error.empty() && tries < 50; ++tries, ++batch) {
      written = store.write(of_events({event("a", "copy", "ann", batch)}));
      if (written.error.empty()) acknowledged_.push_back(batch);
    }
    EXPECT_TRUE(written.full) << written.error;
    EXPECT_FALSE(store.read_only());
    expect_there(store, acknowledged_);
    disk_.full = false;
    disk_.room = -1;
    ASSERT_TRUE(put(store, batch++));
  }
  EXPECT_TRUE(store.problems().empty());
  expect_there(store, acknowledged_);
  EXPECT_EQ(store.counts().events, static_cast<std::int64_t>(acknowledged_.size()));
}

TEST_F(OnADisk, AnErasureOnAFullDiskSaysSoAndIsMadeUpForLater) {
  Store store(file_);
  store.write(small_talk("a", "ann", 1000, "annswords"));
  disk_.full = true;
  EXPECT_THROW(store.erase_subject("ann"), base::ResourceError);
  EXPECT_EQ(store.turns(id("a")).size(), 2u);
  disk_.full = false;
  EXPECT_TRUE(store.erase_subject("ann").scrubbed);
  EXPECT_FALSE(test::anywhere(folder_.path(), "annswords"));
}

TEST_F(OnADisk, AStoreOpensWhereThereIsNoRoomToFinishAnErasure) {
  {
    Store store(file_, Store::Access::read_write, {.wait_for_readers_ms = 0});
    store.write(small_talk("a", "subject-ann", 1000, "annswords"));
    store.write(small_talk("b", "subject-bob", 1000));
    store.each_conversation(INT64_MAX, Store::Whose::everybody, [&](const auto& record) {
      if (record.conversation.subject != "subject-ann") return;
      EXPECT_FALSE(store.erase_subject("subject-ann").scrubbed);
    });
  }
  disk_.full = true;
  Store store(file_);
  EXPECT_EQ(store.turns(id("b")).size(), 2u);
  disk_.full = false;
  EXPECT_TRUE(store.erase_subject("nobody").scrubbed);
  EXPECT_FALSE(test::anywhere(folder_.path(), "annswords"));
  EXPECT_FALSE(store.read_only());
}

// ---- a disk that fails to sync ----

TEST_F(OnADisk, AfterAFailedSyncNothingIsWrittenUntilAStartAndNothingIsLost) {
  for (std::int64_t syncs = 0; syncs < 12; ++syncs) {
    {
      Store store(file_);
      store.write(small_talk("a", "ann", 1000));
      disk_.good_syncs = syncs;
      int batch = static_cast<int>(100 * syncs);
      for (int tries = 0; tries < 20 && !store.read_only(); ++tries) put(store, batch++);
      EXPECT_TRUE(store.read_only());
      disk_.good_syncs = -1;
      const Written refused = store.write(of_events({event("a", "copy", "ann", ++batch)}));
      EXPECT_NE(refused.error.find("read-only"), std::string::npos);
      EXPECT_THROW(store.erase_subject("ann"), base::ResourceError);
      expect_there(store, acknowledged_);  // reading goes on
    }
    Store store(file_);
    EXPECT_FALSE(store.read_only());
    EXPECT_TRUE(store.problems().empty());
    expect_there(store, acknowledged_);
  }
}

}  // namespace
}  // namespace feedback
