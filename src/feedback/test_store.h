#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "base/files.h"
#include "base/uuid.h"
#include "feedback/store.h"

// Conversations and events for tests.
namespace feedback::test {

inline std::string id(const std::string& name) { return base::uuid_of_name(name); }

// A conversation of a question and an answer that shows one item.
inline Batch small_talk(const std::string& name, const std::string& subject, std::int64_t at,
                        const std::string& words = "something tense") {
  const std::string conversation = id(name);
  const std::string reply = "Did you see Heat (1995)?";
  Batch batch;
  batch.conversations.push_back({conversation, subject, words, at, 0, 0});
  batch.turns.push_back(
      {id(name + " question"), conversation, "", dialogue::Role::seeker, words, {}, at, 0});
  batch.turns.push_back({id(name + " answer"),
                         conversation,
                         id(name + " question"),
                         dialogue::Role::recommender,
                         reply,
                         {{"7", 13, 24}},
                         at + 2000,
                         0});
  StoredDecision decision;
  decision.turn = id(name + " answer");
  decision.conversation = conversation;
  decision.model = "sha";
  decision.arm = "default";
  decision.finish_reason = "stop";
  decision.shown = {{"7", "Heat (1995)", 1, .1}};
  decision.candidates = {{"7", "Heat (1995)", 1, .1}, {"8", "Alien (1979)", 2, .05}};
  decision.details = {{"seed", 1}};
  decision.at = at + 2000;
  batch.decisions.push_back(decision);
  return batch;
}

// An event about the answer of small_talk(name).
inline StoredEvent event(const std::string& name, const std::string& type,
                         const std::string& subject, std::int64_t at,
                         base::Json props = base::Json::object(), const std::string& item = "",
                         const std::string& of = "answer") {
  StoredEvent event;
  event.id = id(name + type + std::to_string(at) + props.dump() + item + of);
  event.type = type;
  event.subject = subject;
  event.conversation = id(name);
  event.turn = id(name + " " + of);
  event.item = item;
  event.page = id("page");
  event.occurred_at = event.received_at = event.corrected_at = at;
  event.props = std::move(props);
  return event;
}

inline Batch of_events(std::vector<StoredEvent> events) {
  Batch batch;
  batch.events = std::move(events);
  return batch;
}

inline Batch of_consent(const std::string& subject, bool training, std::int64_t at) {
  Batch batch;
  batch.consents.push_back({subject, true, training, "1", at});
  return batch;
}

// The content of all files of a folder.
inline std::string all_bytes(const std::filesystem::path& folder) {
  std::string bytes;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(file), {});
  }
  return bytes;
}

inline bool anywhere(const std::filesystem::path& folder, const std::string& bytes) {
  return all_bytes(folder).find(bytes) != std::string::npos;
}

}  // namespace feedback::test
