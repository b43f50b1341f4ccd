#include "evaluate/variants.h"

#include <algorithm>
#include <set>

#include "base/error.h"

namespace evaluate {
namespace {

constexpr std::size_t kMostInAName = 3;  // settings

std::set<std::string> differing_keys(const std::vector<Variant>& variants) {
  std::set<std::string> keys;
  for (const Variant& variant : variants)
    for (const Variant& other : variants)
      for (const auto& [key, value] : variant.runs[0].settings.items())
        if (other.runs[0].settings.value(key, base::Json()) != value) keys.insert(key);
  return keys;
}

// Whether every variant has one recipe's name, and no other variant has it.
bool are_told_by_recipe(const std::vector<Variant>& variants) {
  std::set<std::string> names;
  for (const Variant& variant : variants) {
    for (const FinishedRun& run : variant.runs)
      if (run.recipe != variant.runs[0].recipe) return false;
    if (!names.insert(variant.runs[0].recipe).second) return false;
  }
  return true;
}

std::string text_of(const base::Json& settings) {
  std::string text;
  for (const auto& [key, value] : settings.items())
    text += (text.empty() ? "" : ", ") + key + "=" +
            (value.is_string() ? value.get<std::string>() : value.dump());
  return text;
}

void refuse_equal_seeds(const Variant& variant) {
  for (std::size_t i = 0; i < variant.runs.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (variant.runs[i].seed == variant.runs[j].seed)
        throw base::UsageError(variant.runs[j].name, " and ", variant.runs[i].name,
                               " have the same settings and the same run.seed, ",
                               variant.runs[i].seed, ": one of them is enough");
}

}  // namespace

std::vector<Variant> group_by_variant(const std::vector<FinishedRun>& runs) {
  base::check(!runs.empty(), "no runs to compare");
  std::vector<Variant> variants;
  for (const FinishedRun& run : runs) {
    const auto found = std::find_if(variants.begin(), variants.end(), [&](const Variant& known) {
      return known.runs[0].settings == run.settings;
    });
    Variant& own = found == variants.end() ? variants.emplace_back() : *found;
    own.runs.push_back(run);
  }
  const std::set<std::string> keys = differing_keys(variants);
  const bool by_recipe = are_told_by_recipe(variants);
  for (std::size_t v = 0; v < variants.size(); ++v) {
    Variant& variant = variants[v];
    refuse_equal_seeds(variant);
    variant.settings = base::Json::object();
    for (const std::string& key : keys)
      variant.settings[key] = variant.runs[0].settings.value(key, base::Json());
    if (by_recipe)
      variant.name = variant.runs[0].recipe;
    else if (!keys.empty() && keys.size() <= kMostInAName)
      variant.name = text_of(variant.settings);
    else
      variant.name = "variant " + std::to_string(v + 1);
  }
  return variants;
}

}  // namespace evaluate
