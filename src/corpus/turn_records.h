#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dialogue/dialogue.h"

namespace corpus {

// One turn that recommends, as iEvaLM publishes OpenDialKG and ReDial: {dialog_id, turn_id,
// context, entity, rec, resp}. The turns of the context alternate, and the answer is the
// recommender's.
struct TurnRecord {
  std::string dialogue;
  std::vector<std::string> context;   // without the empty text put before a recommender's opening
  std::vector<std::string> entities;  // names that the context holds, in order
  std::vector<std::string> recommended;  // titles; the targets
  std::string answer;
  std::string where;  // FILE:LINE

  std::size_t turn() const { return context.size(); }  // place of the answer in the dialogue
};

// Whether a file's first line is such a record.
bool is_turn_record(const std::string& line);

// Throws base::DataError "FILE:LINE: …" where a line is damaged, lacks a key, its turn_id is not
// the number of turns before it, or one turn of a dialogue is there twice.
std::vector<TurnRecord> read_turn_records(const std::filesystem::path& file);

struct MergedRecords {
  std::vector<dialogue::Dialogue> dialogues;
  std::vector<dialogue::Dropped> dropped;  // only what occurs
};

// Dialogues of the records: id "SOURCE-DIALOGUE", part_of "DIALOGUE", order the dialogue's number,
// targets the records' turns. Records of one dialogue whose contexts continue each other are one;
// others become dialogues of their own ("SOURCE-DIALOGUE-2"), which is counted.
// Mentions of a target are what it recommends, at the places of the text that name it (as a word in
// either case, else anywhere), else an empty mention at the text's end, which is counted. Mentions
// of other turns are items among the entities of the first record after them. Titles that the
// catalogue lacks are counted; of several items of one title the first is meant. The seed is the
// first entity.
MergedRecords merge_turn_records(const std::vector<TurnRecord>& records, const std::string& source,
                                 const dialogue::Catalogue& catalogue);

// The part of the data that a file of that name holds: "valid" of valid_data_processed.jsonl.xz.
std::string source_of(const std::filesystem::path& file);

}  // namespace corpus
