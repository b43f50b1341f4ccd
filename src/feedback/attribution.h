#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dialogue/dialogue.h"
#include "feedback/opinions.h"
#include "feedback/store.h"

namespace feedback {

// Of the rules below: raised with every change that gives the same rows another meaning.
inline constexpr int kAttributionVersion = 2;

struct AttributionSettings {
  double session_minutes = 30;
  double conversion_days = 7;
  bool wait_for_conversions = false;

  template <class F>
  void fields(F&& field) {
    field("session_minutes", session_minutes,
          "how long after it was shown an item that nobody took up counts as not taken up");
    field("conversion_days", conversion_days,
          "how long after an item was shown a conversion counts for it");
    field("wait_for_conversions", wait_for_conversions,
          "items count as not taken up only after the days of a conversion, too");
  }
};

// An item that a turn showed, and what came of it.
struct Outcome {
  std::string turn;
  StoredItem item;
  std::int64_t shown_at = 0;
  std::int64_t mature_at = 0;  // from when on it counts as not taken up
  bool alone = false;          // the turn showed nothing else
  bool viewed = false;         // an impression or viewable event says so
  bool clicked = false;        // the card
  bool opened = false;         // what lies behind it
  bool converted = false;      // within the days of a conversion
  ItemOpinion opinion;         // of the item; the turn's rating where it showed this item alone
  // How sure it is, by what they did, that they took it up: 1 conversion, .6 opened, 0 nothing came
  // and it is mature. Nothing: it is too early to say. What they said of it, thumbs and all, has no
  // part in it: signals are held against that.
  std::optional<double> taken;
};

// Of all decisions of a conversation, in order. `now`: when the windows are looked at. Events about
// an item without a turn belong to the newest turn before them that showed the item.
std::vector<Outcome> outcomes_of(const ConversationRecord& record,
                                 const AttributionSettings& settings, std::int64_t now);

// The item that the catalogue has under that id; what to do where there is none is up to the
// caller.
using ItemNumber = std::function<std::optional<int>(const std::string& id)>;

struct Attributed {
  std::vector<dialogue::Dialogue> dialogues;
  std::int64_t immature = 0;  // left out: the window of an item that they show is still open
};

// A conversation as dialogues, one a path to a leaf (feedback/paths.h). Ids: the conversation's
// own, or its own with ".2", ".3", … and `part_of`; targets, events and labels are those of the
// turns that are not counted in another path, so nothing is there twice. Mentions of items without
// a number are left out.
//   events  impression (one for each shown item that was viewed), dwell (feedback/dwell.h: seconds
//           as of a message of twenty words), accept (value above), rating (of the turn,
//           where it is no label), item_click, session_end, copy, regenerate, stop, edit; branch,
//           where there are targets: what is none counts elsewhere (feedback/signals.h)
//   labels  suggested; liked: thumbs, or false where it is not of interest; seen: said so, or false
//           where anything else was said of the item
Attributed attribute(const ConversationRecord& record, const AttributionSettings& settings,
                     std::int64_t now, const ItemNumber& number);

}  // namespace feedback
