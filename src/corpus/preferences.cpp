#include "corpus/preferences.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "corpus/dropped.h"
#include "dialogue/find_names.h"

namespace corpus {
namespace {

namespace fs = std::filesystem;
using base::DataError;
using base::Json;
using dialogue::Turn;
using Turns = std::vector<Turn>;

constexpr int kShortTitle = 2;  // words; titles of fewer are looked for as they are written

std::vector<dialogue::Name> titles(const dialogue::Catalogue& catalogue) {
  std::vector<dialogue::Name> names;
  for (int item = 0; item < catalogue.size(); ++item) {
    const std::string& title = catalogue[item].title;
    const auto spaces = std::count(title.begin(), title.end(), ' ');
    names.push_back(
        {title, item,
         spaces + 1 < kShortTitle ? dialogue::Name::Case::exact : dialogue::Name::Case::either});
  }
  return names;
}

class Reader {
 public:
  Reader(const fs::path& file, const dialogue::Catalogue& catalogue)
      : file_(file), catalogue_(catalogue), finder_(titles(catalogue)) {}

  dialogue::Preferences read() {
    base::read_lines(file_, [&](std::string_view text, long line) {
      if (text.empty()) return;
      where_ = base::concatenate(file_.string(), ":", line);
      read_line(base::parse_json(text, where_));
    });
    out_.dropped = dropped_.take();
    return std::move(out_);
  }

 private:
  void read_line(const Json& json) {
    if (!json.is_object()) throw DataError(where_, ": expected an object");
    const bool is_pair = json.contains("chosen") && json.contains("rejected");
    const bool is_judgement = json.contains("completion") && json.contains("label");
    if (is_pair == is_judgement)
      throw DataError(where_,
                      ": expected \"chosen\" and \"rejected\", or \"completion\" and "
                      "\"label\"");
    if (is_pair)
      read_pair(json);
    else
      read_judgement(json);
  }

  void read_pair(const Json& json) {
    Turns chosen = turns(json.at("chosen"), dialogue::Role::recommender, "chosen"),
          rejected = turns(json.at("rejected"), dialogue::Role::recommender, "rejected"), prompt;
    if (json.contains("prompt")) {
      prompt = turns(json.at("prompt"), dialogue::Role::seeker, "prompt");
    } else {
      const auto same = [](const Turn& a, const Turn& b) {
        return a.role == b.role && a.text == b.text;
      };
      // The last message of each is the reply, alike or not.
      const std::size_t most = std::min(chosen.size(), rejected.size());
      while (prompt.size() + 1 < most && same(chosen[prompt.size()], rejected[prompt.size()]))
        prompt.push_back(chosen[prompt.size()]);
      const auto begin = static_cast<std::ptrdiff_t>(prompt.size());
      chosen.erase(chosen.begin(), chosen.begin() + begin);
      rejected.erase(rejected.begin(), rejected.begin() + begin);
    }
    if (!is_reply(chosen) || !is_reply(rejected)) return;
    if (prompt.empty()) throw DataError(where_, ": the prompt is empty");
    out_.pairs.push_back({std::move(prompt), std::move(chosen[0]), std::move(rejected[0])});
  }

  void read_judgement(const Json& json) {
    const bool label = base::require<bool>(json, "label", where_);
    Turns prompt =
              turns(base::require<Json>(json, "prompt", where_), dialogue::Role::seeker, "prompt"),
          completion = turns(json.at("completion"), dialogue::Role::recommender, "completion");
    if (!is_reply(completion)) return;
    if (prompt.empty()) throw DataError(where_, ": the prompt is empty");
    out_.judgements.push_back({std::move(prompt), std::move(completion[0]), label});
  }

  bool is_reply(const Turns& turns) {
    const bool is =
        turns.size() == 1 && turns[0].role == dialogue::Role::recommender && !turns[0].text.empty();
    if (!is) dropped_.add("completions that are not one message of the assistant");
    return is;
  }

  // A string is one message of `role`.
  Turns turns(const Json& json, dialogue::Role role, const char* what) {
    if (json.is_string()) return {turn(role, json.get<std::string>(), nullptr)};
    if (!json.is_array())
      throw DataError(where_, ": \"", what, "\" is neither a text nor a list of messages");
    Turns out;
    for (const Json& message : json) {
      const auto name = base::require<std::string>(message, "role", where_);
      const auto content = base::require<std::string>(message, "content", where_);
      if (name == "system") {
        dropped_.add("messages of the system");
        continue;
      }
      if (name != "user" && name != "assistant")
        throw DataError(where_, ": role is \"", name, "\", expected user, assistant or system");
      const auto mentions = message.find("mentions");
      out.push_back(turn(name == "user" ? dialogue::Role::seeker : dialogue::Role::recommender,
                         content, mentions == message.end() ? nullptr : &*mentions));
    }
    return out;
  }

  Turn turn(dialogue::Role role, const std::string& text, const Json* mentions) {
    Turn turn;
    turn.role = role;
    turn.text = text;
    if (!mentions) {
      for (const dialogue::FoundName& found : finder_.find(text))
        turn.mentions.push_back({found.id, found.begin, found.end});
      return turn;
    }
    if (!mentions->is_array()) throw DataError(where_, ": \"mentions\" is no list");
    std::size_t from = 0;
    for (const Json& json : *mentions) {
      const auto id = base::require<std::string>(json, "item", where_);
      const std::optional<int> item = catalogue_.find(id);
      if (!item) throw DataError(where_, ": the catalogue has no item \"", id, "\"");
      const auto begin = base::require<std::int64_t>(json, "begin", where_),
                 end = base::require<std::int64_t>(json, "end", where_);
      if (begin < static_cast<std::int64_t>(from) || end < begin ||
          end > static_cast<std::int64_t>(text.size()))
        throw DataError(where_, ": the mention of \"", id, "\" is at ", begin, " to ", end,
                        ", outside the words or within another");
      from = static_cast<std::size_t>(end);
      turn.mentions.push_back({*item, static_cast<std::size_t>(begin), from});
    }
    return turn;
  }

  const fs::path& file_;
  const dialogue::Catalogue& catalogue_;
  dialogue::NameFinder finder_;
  std::string where_;
  dialogue::Preferences out_;
  DropCounter dropped_;
};

// A message with its titles written out, and where they stand.
Json message_of(const Turn& turn, const dialogue::Catalogue& catalogue) {
  std::string text;
  Json mentions = Json::array();
  std::size_t done = 0;
  for (const dialogue::Mention& mention : turn.mentions) {
    text += turn.text.substr(done, mention.begin - done);
    if (mention.begin == mention.end && !text.empty() && text.back() != ' ') text += ' ';
    const std::size_t begin = text.size();
    text += catalogue[mention.item].title;
    mentions.push_back(
        {{"item", catalogue[mention.item].id}, {"begin", begin}, {"end", text.size()}});
    done = mention.end;
  }
  text += turn.text.substr(done);
  return {{"role", turn.role == dialogue::Role::seeker ? "user" : "assistant"},
          {"content", text},
          {"mentions", mentions}};
}

Json messages_of(const Turns& turns, const dialogue::Catalogue& catalogue) {
  Json list = Json::array();
  for (const Turn& turn : turns) list.push_back(message_of(turn, catalogue));
  return list;
}

}  // namespace

dialogue::Preferences read_preferences(const fs::path& file, const dialogue::Catalogue& catalogue) {
  return Reader(file, catalogue).read();
}

void write_preferences(const fs::path& file, const dialogue::Preferences& preferences,
                       const dialogue::Catalogue& catalogue) {
  base::FileWriter writer(file);
  const auto write = [&](const Json& json) {
    writer.write(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  };
  for (const dialogue::Preference& pair : preferences.pairs)
    write({{"prompt", messages_of(pair.prompt, catalogue)},
           {"chosen", messages_of({pair.chosen}, catalogue)},
           {"rejected", messages_of({pair.rejected}, catalogue)}});
  for (const dialogue::Judgement& judgement : preferences.judgements)
    write({{"prompt", messages_of(judgement.prompt, catalogue)},
           {"completion", messages_of({judgement.completion}, catalogue)},
           {"label", judgement.label}});
  writer.commit();
}

}  // namespace corpus
