#include "experiment/outcomes.h"

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

namespace experiment {
namespace {

constexpr int kVersion = 1;

base::Json to_json(const std::vector<CurvePoint>& curve) {
  base::Json points = base::Json::array();
  for (const CurvePoint& point : curve)
    points.push_back({{"distance", point.distance}, {"proxy", point.proxy}, {"gold", point.gold}});
  return points;
}

base::Json require_list(const base::Json& json, const char* name, const std::string& where) {
  auto list = base::require<base::Json>(json, name, where);
  if (!list.is_array()) throw base::DataError(where, ": \"", name, "\" is no list");
  return list;
}

std::vector<CurvePoint> read_curve(const base::Json& json, const char* name,
                                   const std::string& where) {
  std::vector<CurvePoint> curve;
  for (const base::Json& point : require_list(json, name, where))
    curve.push_back({base::require<double>(point, "distance", where),
                     base::require<double>(point, "proxy", where),
                     base::require<double>(point, "gold", where)});
  return curve;
}

std::map<std::string, double> read_numbers(const base::Json& json, const char* name,
                                           const std::string& where) {
  const auto numbers = base::require<base::Json>(json, name, where);
  if (!numbers.is_object()) throw base::DataError(where, ": \"", name, "\" is no object");
  std::map<std::string, double> out;
  for (const auto& [metric, value] : numbers.items())
    out[metric] = base::require<double>(numbers, metric.c_str(), where);
  return out;
}

}  // namespace

void write_outcomes(const std::filesystem::path& file, const std::vector<Outcome>& outcomes) {
  base::Json list = base::Json::array();
  for (const Outcome& outcome : outcomes)
    list.push_back({{"variant", outcome.variant},
                    {"seed", outcome.seed},
                    {"settings", outcome.settings},
                    {"aligned", outcome.aligned},
                    {"start", outcome.start},
                    {"learning", to_json(outcome.learning)},
                    {"best_of", to_json(outcome.best_of)}});
  base::write_json(file,
                   {{"schema", base::schema("experiment_outcomes", kVersion)}, {"outcomes", list}});
}

std::vector<Outcome> read_outcomes(const std::filesystem::path& file) {
  const base::Json json = base::read_json(file);
  base::require_schema(json, "experiment_outcomes", kVersion, file.string());
  std::vector<Outcome> outcomes;
  for (const base::Json& one : require_list(json, "outcomes", file.string())) {
    const std::string where = base::concatenate(file.string(), ", outcome ", outcomes.size() + 1);
    Outcome outcome{base::require<std::string>(one, "variant", where),
                    base::require<int>(one, "seed", where), read_numbers(one, "aligned", where),
                    read_numbers(one, "start", where)};
    outcome.settings = base::require<std::string>(one, "settings", where);
    outcome.learning = read_curve(one, "learning", where);
    outcome.best_of = read_curve(one, "best_of", where);
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

}  // namespace experiment
