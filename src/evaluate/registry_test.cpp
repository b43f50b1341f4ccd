#include "evaluate/registry.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

namespace evaluate {
namespace {

class Registry : public testing::Test {
 protected:
  Registered add(const std::string& data, const std::string& model, const std::string& recipe) {
    return register_evaluation(file_, {data, model, recipe, "run", "2026-05-01T12:00:00Z"});
  }
  base::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "test.jsonl.evaluations.jsonl";
};

TEST_F(Registry, CountsOtherModelsAndSettingsOfTheSameData) {
  EXPECT_EQ(add("d", "m", "r").others, 0);
  EXPECT_TRUE(check_registry(add("d", "m", "r")).empty());  // the same again
  EXPECT_EQ(add("other", "m2", "r").others, 0);
  EXPECT_EQ(add("d", "m2", "r").others, 1);
  EXPECT_EQ(add("d", "m2", "r2").others, 2);
  const Registered last = add("d", "m", "r");  // m2 r and m2 r2, each once
  EXPECT_EQ(last.others, 2);
  EXPECT_EQ(last.repeats, 2);
  ASSERT_EQ(check_registry(last).size(), 1u);
  EXPECT_NE(check_registry(last)[0].find("with 2 other models or settings"), std::string::npos);
}

TEST_F(Registry, IsJsonLines) {
  add("d", "m", "r");
  add("d", "m2", "r");
  int lines = 0;
  base::read_lines(file_, [&](std::string_view line, long) {
    const base::Json json = base::parse_json(line, "test");
    EXPECT_EQ(json["schema"], "attune.evaluation/1");
    EXPECT_EQ(json["data"], "d");
    EXPECT_EQ(json["date"], "2026-05-01T12:00:00Z");
    ++lines;
  });
  EXPECT_EQ(lines, 2);
}

TEST_F(Registry, ALineThatWasCutShortIsReplaced) {
  add("d", "m", "r");
  const std::string whole = base::read_file(file_);
  base::write_file(file_, whole + whole.substr(0, 30));
  EXPECT_EQ(add("d", "m2", "r").others, 1);
  EXPECT_EQ(add("d", "m3", "r").others, 2);
}

TEST_F(Registry, ADamagedLineIsNamed) {
  base::write_file(file_, "{}\n");
  EXPECT_THROW(add("d", "m", "r"), base::DataError);
  EXPECT_EQ(base::read_file(file_), "{}\n");
  EXPECT_THROW(register_evaluation(folder_.path() / "no/such", {}), base::ResourceError);
}

TEST_F(Registry, StandsBesideTheDataWhereItCan) {
  const auto data = folder_.path() / "test.jsonl";
  EXPECT_EQ(registry_file(data, "/elsewhere"), file_);
  EXPECT_EQ(registry_file("/proc/test.jsonl", folder_.path()), file_);  // no file can be made there
}

}  // namespace
}  // namespace evaluate
