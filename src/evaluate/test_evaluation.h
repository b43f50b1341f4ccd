#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "evaluate/test_recommender.h"
#include "evaluate/trec.h"

namespace evaluate::test {

// 40 dialogues over 30 items: the seeker names one, the recommender another, twice.
inline std::vector<dialogue::Dialogue> many_dialogues() {
  base::Random random({.seed = 5, .stage = "test"});
  const auto any = [&] { return static_cast<int>(random.below(30)); };
  std::vector<dialogue::Dialogue> dialogues(40);
  for (std::size_t d = 0; d < dialogues.size(); ++d) {
    dialogues[d].id = "d" + std::to_string(d);
    for (int t = 0; t < 4; ++t)
      dialogues[d].turns.push_back(
          turn(std::to_string(t), t % 2 ? dialogue::Role::recommender : dialogue::Role::seeker, "@",
               {any()}));
    for (int item = 0; item < 30; item += 2)
      dialogues[d].seeker_labels.push_back({item, true, item % 4 == 0, true});
  }
  return dialogues;
}

// What an evaluation of models "sft" and "ppo" leaves in `folder`; of the report its scores. Scores
// are noise of `seed`; ppo has `lift` added to the items of even numbers.
inline void write_evaluation(const std::filesystem::path& folder, std::uint64_t seed, float lift,
                             const std::vector<dialogue::Dialogue>& dialogues = many_dialogues()) {
  const dialogue::Catalogue catalogue = letters(30);
  const Examples examples = make_examples(pointers(dialogues));
  write_qrels(folder, examples, catalogue);
  base::Json models = base::Json::array();
  for (const char* name : {"sft", "ppo"}) {
    base::Random random({.seed = seed, .stage = name});
    FixedRecommender recommender(name, [&](const dialogue::State&) {
      std::vector<float> row(30);
      for (std::size_t i = 0; i < row.size(); ++i)
        row[i] = static_cast<float>(random.uniform()) +
                 (i % 2 == 0 && std::string(name) == "ppo" ? lift : 0) - 9;
      return row;
    });
    const ExampleRankings rankings = rank_examples(recommender, examples, catalogue);
    write_run(folder, rankings, examples, catalogue);
    models.push_back(to_json(score_examples(rankings, examples)));
  }
  base::write_json(folder / "report.json", {{"schema", "attune.report/1"}, {"models", models}});
}

}  // namespace evaluate::test
