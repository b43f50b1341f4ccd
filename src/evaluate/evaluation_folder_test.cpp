#include "evaluate/evaluation_folder.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "evaluate/comparison.h"
#include "evaluate/report.h"
#include "evaluate/test_evaluation.h"

namespace evaluate {
namespace {

class Folders : public testing::Test {
 protected:
  Folders() { test::write_evaluation(folder_.path(), 1, 0); }

  // The file with the first `from` replaced.
  void change(const std::string& name, const std::string& from, const std::string& to) {
    std::string content = base::read_file(folder_.path() / name);
    const std::size_t at = content.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    base::write_file(folder_.path() / name, content.replace(at, from.size(), to));
  }
  std::string refusal() {
    try {
      read_evaluation(folder_.path());
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "";
  }
  void expect_refusal(const std::string& file, const std::string& message) {
    EXPECT_EQ(refusal(), (folder_.path() / file).string() + message);
  }

  base::TemporaryFolder folder_;
};

TEST_F(Folders, GiveTheFiguresOfTheReport) {
  const EvaluationFolder read = read_evaluation(folder_.path());
  EXPECT_EQ(read.models, (std::vector<std::string>{"sft", "ppo"}));
  EXPECT_EQ(read.protocols.size(), 5u);  // nobody had seen what they liked: no ls
  for (const ModelScores& model : read_report_models(folder_.path() / "report.json"))
    for (const auto& [protocol, pairs] : read.protocols)
      for (const char* metric : {"hr@5", "ndcg@10", "mrr@50"}) {
        const std::vector<double> values =
            pair_values(ranks_in(protocol, read, model.name), metric);
        double mean = 0;
        for (const double value : values) mean += value / static_cast<double>(values.size());
        EXPECT_NEAR(mean, *find_score(model, protocol_name(protocol), metric), 1e-12);
      }
}

TEST_F(Folders, PairsKnowTheirConversation) {
  const EvaluationFolder read = read_evaluation(folder_.path());
  const auto& pairs = read.protocols.at(Protocol::v1);
  ASSERT_EQ(pairs.names.size(), 80u);
  EXPECT_EQ(pairs.names[3].substr(0, 5), "d1/3 ");
  EXPECT_EQ(pairs.clusters[3], 1);
}

TEST_F(Folders, AQueryOrItemThatNobodyKnowsIsRefused) {
  change("v1/qrels.trec", "d0/1 0 ", "d99/1 0 ");
  EXPECT_NE(refusal().find("v1/qrels.trec:1: instances.jsonl has no item "), std::string::npos);
  EXPECT_NE(refusal().find(" in a query d99/1"), std::string::npos);
  test::write_evaluation(folder_.path(), 1, 0);
  change("v1/sft.trec", "d1/1 Q0", "d99/1 Q0");
  expect_refusal("v1/sft.trec", ":61: qrels.trec has no query d99/1");
}

TEST_F(Folders, AQueryOrItemTwiceIsRefused) {
  const std::string qrels = base::read_file(folder_.path() / "v1/qrels.trec");
  base::write_file(folder_.path() / "v1/qrels.trec", qrels.substr(0, qrels.find('\n') + 1) + qrels);
  EXPECT_NE(refusal().find("v1/qrels.trec:2: item "), std::string::npos) << refusal();
  test::write_evaluation(folder_.path(), 1, 0);
  const std::string run = base::read_file(folder_.path() / "v1/sft.trec");
  base::write_file(folder_.path() / "v1/sft.trec", run + run);
  expect_refusal("v1/sft.trec", ":2401: query d0/1 was ranked before");
}

TEST_F(Folders, AListOutOfOrderOrCutShortIsRefused) {
  change("v1/sft.trec", " 2 -", " 3 -");
  expect_refusal("v1/sft.trec", ":2: rank 3, expected 2");
  test::write_evaluation(folder_.path(), 1, 0);
  change("v1/sft.trec", " sft\n", "\n");
  expect_refusal("v1/sft.trec", ":1: 5 fields, expected QUERY Q0 ITEM RANK SCORE MODEL");
  const std::string run = base::read_file(folder_.path() / "v1/ppo.trec");
  test::write_evaluation(folder_.path(), 1, 0);
  base::write_file(folder_.path() / "v1/ppo.trec", run.substr(0, run.find("d39/3")));
  expect_refusal("v1/ppo.trec", ": ranks nothing for query d39/3 of qrels.trec");
}

TEST_F(Folders, AnEarlierVersionsFolderSaysWhatToDo) {
  std::filesystem::remove(folder_.path() / "instances.jsonl");
  EXPECT_NE(refusal().find("instances.jsonl: no such file. An evaluation by an earlier version"),
            std::string::npos);
}

}  // namespace
}  // namespace evaluate
