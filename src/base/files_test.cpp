#include "base/files.h"

#include <cstdlib>
#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

namespace base {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  fs::path at(const std::string& name) { return folder_.path() / name; }
  TemporaryFolder folder_;
};

TEST_F(Files, WhatIsWrittenIsRead) {
  const std::string content("a\0b\nc", 5);
  write_file(at("f"), content);
  EXPECT_EQ(read_file(at("f")), content);
}

TEST_F(Files, AWriterWithoutCommitLeavesTheOldFileAndNothingElse) {
  write_file(at("f"), "old");
  {
    FileWriter writer(at("f"));
    writer.write("half");
  }
  EXPECT_EQ(read_file(at("f")), "old");
  EXPECT_FALSE(fs::exists(at("f.partial")));
}

TEST_F(Files, AWriterThatCannotTakeItsPlaceLeavesNothingBehind) {
  fs::create_directories(at("f") / "inside");  // a file cannot replace a folder
  EXPECT_THROW(write_file(at("f"), "new"), ResourceError);
  EXPECT_FALSE(fs::exists(at("f.partial")));
}

TEST_F(Files, AFullDiskIsAResourceError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "skipped: no /dev/full";
  fs::create_symlink("/dev/full", at("f.partial"));
  EXPECT_THROW(write_file(at("f"), std::string(1 << 16, 'x')), ResourceError);
  EXPECT_FALSE(fs::exists(at("f")));
}

TEST_F(Files, LinesComeNumberedWithoutTheirEnds) {
  write_file(at("f"), "one\r\n\ntwo\n");
  std::vector<std::pair<std::string, long>> lines;
  read_lines(at("f"), [&](std::string_view line, long n) { lines.emplace_back(line, n); });
  EXPECT_EQ(lines, (std::vector<std::pair<std::string, long>>{{"one", 1}, {"", 2}, {"two", 3}}));
}

TEST_F(Files, AByteOrderMarkIsNoPartOfTheFirstLine) {
  write_file(at("f"), "\xef\xbb\xbf{}\n\xef\xbb\xbf");
  std::vector<std::string> lines;
  read_lines(at("f"), [&](std::string_view line, long) { lines.emplace_back(line); });
  EXPECT_EQ(lines, (std::vector<std::string>{"{}", "\xef\xbb\xbf"}));
}

TEST_F(Files, WhatCannotBeReadIsADataError) {
  EXPECT_THROW(read_file(at("none")), DataError);
  EXPECT_THROW(read_file(folder_.path()), DataError);
  EXPECT_THROW(write_file(at("no/such/folder"), ""), ResourceError);
}

TEST_F(Files, AnXzFileIsUnpackedAndACutOneRefused) {
  // `printf 'hello\n' | xz -9`
  const unsigned char packed[] = {0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4,
                                  0x46, 0x02, 0x00, 0x21, 0x01, 0x1c, 0x00, 0x00, 0x00, 0x10, 0xcf,
                                  0x58, 0xcc, 0x01, 0x00, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x0a,
                                  0x00, 0x00, 0x00, 0xa5, 0x60, 0x97, 0xf1, 0x94, 0xf6, 0xfd, 0xe0,
                                  0x00, 0x01, 0x1e, 0x06, 0xc1, 0x2f, 0xa4, 0x1d, 0x1f, 0xb6, 0xf3,
                                  0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a};
  const std::string bytes(reinterpret_cast<const char*>(packed), sizeof packed);
  write_file(at("f.xz"), bytes);
  EXPECT_EQ(read_file(at("f.xz")), "hello\n");
  write_file(at("f.xz"), bytes.substr(0, bytes.size() - 20));
  EXPECT_THROW(read_file(at("f.xz")), DataError);
  write_file(at("f.xz"), "plain");
  EXPECT_THROW(read_file(at("f.xz")), DataError);
}

TEST_F(Files, AFolderReplacesAnother) {
  for (const char* name : {"new", "old"}) {
    create_folder(at(name) / "deep");
    write_file(at(name) / "deep" / "f", name);
  }
  write_file(at("old") / "only_old", "");
  replace_folder(at("new"), at("old"));
  EXPECT_EQ(read_file(at("old") / "deep" / "f"), "new");
  EXPECT_FALSE(fs::exists(at("old") / "only_old"));
  EXPECT_FALSE(fs::exists(at("new")));
  EXPECT_FALSE(fs::exists(at("old.old")));
  replace_folder(at("old"), at("elsewhere"));  // nothing there before
  EXPECT_EQ(read_file(at("elsewhere") / "deep" / "f"), "new");
}

TEST_F(Files, AFolderIsLockedOnceAndFreedWithItsLock) {
  {
    const FolderLock lock(at("run"));
    try {
      const FolderLock second(at("run"));
      FAIL() << "did not throw";
    } catch (const ResourceError& error) {
      EXPECT_NE(std::string(error.what()).find(std::to_string(::getpid())), std::string::npos);
    }
  }
  EXPECT_NO_THROW(FolderLock(at("run")));
}

TEST_F(Files, AKilledProcessHoldsNoLock) {
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(at("run"));
    ::_exit(0);  // without its destructor, as when killed
  }
  ::waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(FolderLock(at("run")));
}

TEST_F(Files, ATemporaryFolderGoesWithAllThatIsInIt) {
  std::optional<TemporaryFolder> folder;
  folder.emplace();
  const fs::path path = folder->path();
  create_folder(path / "a/b");
  write_file(path / "a/b/f", "x");
  folder.reset();
  EXPECT_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace base
