#include "corpus/read.h"

#include <string>

#include "base/error.h"
#include "base/files.h"
#include "corpus/find_file.h"
#include "corpus/inspired.h"
#include "corpus/opendialkg.h"
#include "corpus/redial.h"
#include "corpus/turn_records.h"
#include "dialogue/jsonl.h"

namespace corpus {
namespace {

namespace fs = std::filesystem;

// Empty where the file has none.
std::string first_line(const fs::path& file) {
  const std::string content = base::read_file(file);
  return content.substr(0, content.find('\n'));
}

}  // namespace

dialogue::Corpus read_corpus(const fs::path& path) {
  if (!fs::exists(path)) throw base::DataError(path, ": no such file or folder");
  if (!fs::is_directory(path)) return dialogue::read_dialogues(path);
  if (fs::exists(path / "movies_with_mentions.csv")) return read_redial(path);
  if (is_opendialkg(path)) return read_opendialkg(path);
  if (is_inspired(path)) return read_inspired(path);
  const fs::path dialogues = find_file(path, "dialogues.jsonl"),
                 catalogue = find_file(path, "catalogue.jsonl");
  if (dialogues.empty())
    throw base::DataError(path,
                          ": has neither movies_with_mentions.csv (ReDial), "
                          "train_data_processed.jsonl and item_ids.json (OpenDialKG), "
                          "unicrs/train_data_dbpedia.jsonl (INSPIRED), nor dialogues.jsonl "
                          "(docs/formats.md)");
  return catalogue.empty()
             ? dialogue::read_dialogues(dialogues)
             : dialogue::read_dialogues(dialogues, dialogue::read_catalogue(catalogue));
}

dialogue::Corpus read_more(const fs::path& file, const dialogue::Catalogue& catalogue) {
  const std::string line = first_line(file);
  if (line.find("\"schema\"") == std::string::npos) {
    if (line.find("\"movieMentions\"") != std::string::npos)
      return {catalogue, read_redial_file(file, catalogue)};
    if (is_inspired_line(line)) return read_inspired_file(file, catalogue);
    if (is_turn_record(line)) {
      MergedRecords merged =
          merge_turn_records(read_turn_records(file), source_of(file), catalogue);
      return {catalogue, std::move(merged.dialogues), std::move(merged.dropped)};
    }
  }
  return dialogue::read_dialogues(file, catalogue);
}

dialogue::Catalogue read_catalogue_of(const fs::path& path) {
  if (!fs::is_directory(path)) return dialogue::read_catalogue(path);
  for (const char* place : {"catalogue.jsonl", "data/catalogue.jsonl", "model/catalogue.jsonl"})
    if (fs::exists(path / place)) return dialogue::read_catalogue(path / place);
  throw base::DataError(path, ": has no catalogue.jsonl");
}

void write_corpus(const fs::path& folder, const dialogue::Corpus& corpus) {
  base::create_folder(folder);
  dialogue::write_catalogue(folder / "catalogue.jsonl", corpus.catalogue);
  dialogue::write_dialogues(folder / "dialogues.jsonl", corpus);
}

}  // namespace corpus
