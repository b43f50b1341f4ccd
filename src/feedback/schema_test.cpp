#include "feedback/schema.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"

namespace feedback {
namespace {

class ASchema : public testing::Test {
 protected:
  base::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "feedback.db";

  std::string refusal() {
    Connection connection(file_, Connection::Mode::write);
    try {
      migrate(connection, file_);
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(ASchema, EveryStepIsTakenOnce) {
  std::vector<Migration> migrations = all_migrations();
  const int newest = migrations.back().to;
  Connection connection(file_, Connection::Mode::write);
  migrate(connection, file_);
  int taken = 0;
  migrations.push_back({newest + 1, [&](Connection& c) {
                          ++taken;
                          c.run("ALTER TABLE turns ADD COLUMN language TEXT");
                        }});
  migrate(connection, file_, migrations);
  migrate(connection, file_, migrations);
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(connection.integer("PRAGMA user_version"), newest + 1);
  EXPECT_EQ(connection.integer("SELECT count(language) FROM turns"), 0);
}

TEST_F(ASchema, AStepThatFailsLeavesWhatWasBefore) {
  Connection connection(file_, Connection::Mode::write);
  migrate(connection, file_);
  std::vector<Migration> migrations = all_migrations();
  migrations.push_back({migrations.back().to + 1, [](Connection& c) {
                          c.run("DROP TABLE decisions");
                          throw base::ResourceError("no more");
                        }});
  EXPECT_THROW(migrate(connection, file_, migrations), base::ResourceError);
  EXPECT_EQ(connection.integer("SELECT count(*) FROM decisions"), 0);
  EXPECT_NO_THROW(require_newest_schema(connection, file_));
}

TEST_F(ASchema, ANewerVersionIsRefusedWithAdvice) {
  {
    Connection connection(file_, Connection::Mode::write);
    migrate(connection, file_);
    connection.run("PRAGMA user_version=99");
  }
  EXPECT_NE(refusal().find("version 99"), std::string::npos) << refusal();
}

TEST_F(ASchema, AFileOfAnotherProgramIsRefusedAndLeftAsItWas) {
  {
    Connection connection(file_, Connection::Mode::write);
    connection.run("CREATE TABLE bookmarks (address TEXT)");
  }
  EXPECT_NE(refusal().find("another program"), std::string::npos) << refusal();
  Connection connection(file_, Connection::Mode::read);
  EXPECT_EQ(connection.integer("SELECT count(*) FROM sqlite_schema"), 1);
}

}  // namespace
}  // namespace feedback
