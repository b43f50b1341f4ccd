#include "serve/recommendation_json.h"

namespace serve {
namespace {

const char* name_of(dialogue::Reason::Kind kind) {
  switch (kind) {
    case dialogue::Reason::Kind::item:
      return "item";
    case dialogue::Reason::Kind::word:
      return "word";
    case dialogue::Reason::Kind::name:
      return "name";
  }
  return "";
}

}  // namespace

base::Json to_json(const std::vector<dialogue::Reason>& reasons) {
  base::Json out = base::Json::array();
  for (const dialogue::Reason& reason : reasons)
    out.push_back({{"kind", name_of(reason.kind)},
                   {"what", reason.what},
                   {"weight", reason.weight},
                   {"text", dialogue::describe(reason)}});
  return out;
}

base::Json to_json(const dialogue::Catalogue& catalogue, int item, int rank, double score,
                   const std::vector<dialogue::Reason>& reasons) {
  const dialogue::Item& it = catalogue[item];
  base::Json attributes = base::Json::object();
  for (const auto& [name, values] : it.attributes) attributes[name] = values;
  return {{"item_id", it.id},
          {"title", it.title},
          {"year", it.year ? base::Json(*it.year) : base::Json()},
          {"attributes", attributes},
          {"rank", rank},
          {"score", score},
          {"reasons", to_json(reasons)}};
}

base::Json to_json(const dialogue::Catalogue& catalogue, const dialogue::DecisionRecord& decision) {
  base::Json out = base::Json::array();
  int rank = 0;
  for (const dialogue::Shown& shown : decision.shown) {
    base::Json one = to_json(catalogue, shown.item, ++rank, shown.propensity, shown.reasons);
    one["propensity"] = shown.propensity;
    out.push_back(std::move(one));
  }
  return out;
}

base::Json to_json(const dialogue::Catalogue& catalogue, const feedback::StoredDecision& decision) {
  base::Json out = base::Json::array();
  const auto reasons = decision.details.find("reasons");
  for (std::size_t i = 0; i < decision.shown.size(); ++i) {
    const feedback::StoredItem& shown = decision.shown[i];
    base::Json one;
    if (const auto item = catalogue.find(shown.item))
      one = to_json(catalogue, *item, shown.rank, shown.propensity, {});
    else
      one = {{"item_id", shown.item}, {"title", shown.title},
             {"year", nullptr},       {"attributes", base::Json::object()},
             {"rank", shown.rank},    {"score", shown.propensity}};
    one["propensity"] = shown.propensity;
    one["reasons"] = reasons != decision.details.end() && i < reasons->size() ? (*reasons)[i]
                                                                              : base::Json::array();
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace serve
