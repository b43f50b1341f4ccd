#include "evaluate/checks.h"

#include <algorithm>

#include "base/error.h"
#include "base/format.h"

namespace evaluate {
namespace {

constexpr double kShare = .02;
constexpr std::size_t kLongTitle = 8;  // bytes; shorter ones are words of their own ("It", "Her")
constexpr std::ptrdiff_t kFewWords = 5;

void check_ratio(const ModelScores& model, const std::string& protocol,
                 std::vector<std::string>& warnings) {
  const auto hr = find_score(model, protocol, "hr@5"), ndcg = find_score(model, protocol, "ndcg@5");
  if (hr && ndcg && *hr > 0 && (*ndcg / *hr < .60 || *ndcg / *hr > .85))
    warnings.push_back(model.name + ": NDCG@5 / HR@5 in " + (protocol == "v1" ? "V1" : "V2") +
                       " is " + base::fixed(*ndcg / *hr, 2) +
                       ", outside the usual .60 to .85: few pairs, or an unusual ranking");
}

bool has_sampled(const ModelScores& model, const std::string& protocol) {
  return model.protocols.count(protocol) > 0;
}

// Every sampled protocol that some model has and popularity has not.
void check_sampled(const std::vector<ModelScores>& models, std::vector<std::string>& warnings) {
  for (const ModelScores& model : models)
    for (const auto& [protocol, scores] : model.protocols) {
      if (!protocol.starts_with("v4-")) continue;
      const bool beside = std::any_of(models.begin(), models.end(), [&](const ModelScores& other) {
        return other.name == "popularity" && has_sampled(other, protocol);
      });
      if (!beside)
        warnings.push_back(model.name + ": " + protocol +
                           " is measured among sampled candidates and says nothing without "
                           "popularity's row beside it, which is missing");
    }
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

// The title as people write it: in lower case, without a year in brackets.
std::string spoken_title(const std::string& title) {
  std::string text = lower(title.substr(0, title.rfind(" (")));
  return text.size() >= kLongTitle ? text : "";
}

bool is_long(const std::string& text) {
  return std::count(text.begin(), text.end(), ' ') + 1 >= kFewWords;
}

}  // namespace

std::vector<std::string> check_scores(const std::vector<ModelScores>& models) {
  std::vector<std::string> warnings;
  std::optional<double> bar;
  for (const ModelScores& model : models)
    if (model.name == "popularity") bar = find_score(model, "v2", "hr@10");
  for (const ModelScores& model : models) {
    check_ratio(model, "v1", warnings);
    check_ratio(model, "v2", warnings);
    const auto wide = find_score(model, "v2", "hr@10");
    if (bar && wide && model.name != "popularity" && model.name != "copy" && *wide <= *bar)
      warnings.push_back(model.name + " does not beat popularity at HR@10 in V2 (" +
                         base::fixed(*wide, 4) + " against " + base::fixed(*bar, 4) + ")");
  }
  check_sampled(models, warnings);
  return warnings;
}

std::vector<std::string> check_instances(const std::vector<Instance>& instances,
                                         const dialogue::Catalogue& catalogue) {
  std::int64_t own_message = 0, named = 0, spoken = 0, pairs = 0;
  for (const Instance& instance : instances) {
    const dialogue::State& state = instance.state;
    const std::string context = lower(transcript(state.window, catalogue));
    own_message +=
        std::any_of(state.window.begin(), state.window.end(), [&](const dialogue::Turn& turn) {
          return !turn.id.empty() && turn.id == instance.message.id;
        });
    for (const Gold& gold : instance.golds) {
      if (!takes(Protocol::v2, gold)) continue;
      ++pairs;
      const bool in_turns =
          std::any_of(state.window.begin(), state.window.end(), [&](const dialogue::Turn& turn) {
            const std::vector<int> items = turn.items();
            return std::find(items.begin(), items.end(), gold.item) != items.end();
          });
      named += in_turns;
      const std::string title = spoken_title(catalogue[gold.item].title);
      spoken += !in_turns && !title.empty() && context.find(title) != std::string::npos;
    }
  }
  std::vector<std::string> warnings;
  const auto warn = [&](std::int64_t count, const std::string& what) {
    warnings.push_back("Leak: " + std::to_string(count) + " " + what);
  };
  if (own_message > 0)
    warn(own_message, "of " + std::to_string(instances.size()) +
                          " messages stand in the context that they are to be foretold from");
  if (named > 0)
    warn(named, "of " + std::to_string(pairs) +
                    " items to find in V2 are named in the context before them");
  if (static_cast<double>(spoken) > kShare * static_cast<double>(pairs))
    warn(spoken, "of " + std::to_string(pairs) +
                     " items to find in V2 have their title in the words before them");
  return warnings;
}

std::vector<std::string> check_responses(const std::string& model,
                                         const std::vector<Response>& responses) {
  std::vector<std::string> warnings;
  const auto check = [&](const std::string Response::*text, const char* what) {
    std::int64_t found = 0, count = 0;
    for (const Response& response : responses) {
      if (!is_long(response.*text)) continue;
      ++count;
      found += response.prompt.find(response.*text) != std::string::npos;
    }
    if (static_cast<double>(found) > kShare * static_cast<double>(count))
      warnings.push_back("Leak: " + std::to_string(found) + " of " + std::to_string(count) + " " +
                         what + " of five words or more stand word for word in their prompt");
  };
  check(&Response::reference, "real replies");
  check(&Response::response, ("replies of " + model).c_str());
  return warnings;
}

}  // namespace evaluate
