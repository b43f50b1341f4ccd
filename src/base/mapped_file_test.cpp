#include "base/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/files.h"

namespace base {
namespace {

TEST(MappedFile, HoldsTheBytesAndKeepsWritesToItself) {
  TemporaryFolder folder;
  write_file(folder.path() / "x", "abc");
  const MappedFile file(folder.path() / "x");
  EXPECT_EQ(file.bytes(), "abc");
  file.data()[1] = 'X';
  EXPECT_EQ(file.bytes(), "aXc");
  EXPECT_EQ(read_file(folder.path() / "x"), "abc");
}

TEST(MappedFile, OutlivesAFileThatIsReplacedOrRemoved) {
  TemporaryFolder folder;
  write_file(folder.path() / "x", "old");
  const MappedFile file(folder.path() / "x");
  write_file(folder.path() / "x", "newer");
  std::filesystem::remove(folder.path() / "x");
  EXPECT_EQ(file.bytes(), "old");
}

TEST(MappedFile, MayBeEmpty) {
  TemporaryFolder folder;
  write_file(folder.path() / "x", "");
  EXPECT_EQ(MappedFile(folder.path() / "x").size(), 0u);
}

TEST(MappedFile, AnythingButARegularFileIsRefused) {
  TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  EXPECT_THROW(MappedFile(folder.path() / "pipe"), DataError);
  EXPECT_THROW(MappedFile(folder.path()), DataError);
  EXPECT_THROW(MappedFile("/dev/zero"), DataError);
  EXPECT_THROW(MappedFile(folder.path() / "absent"), DataError);
}

}  // namespace
}  // namespace base
