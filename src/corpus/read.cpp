#include "corpus/read.h"

#include <string>

#include "base/error.h"
#include "base/files.h"
#include "corpus/redial.h"
#include "dialogue/jsonl.h"

namespace corpus {
namespace {

namespace fs = std::filesystem;

// The file of that name, packed or not; empty where there is none.
fs::path find_lines(const fs::path& folder, const std::string& name) {
  for (const char* ending : {".jsonl", ".jsonl.xz"})
    if (fs::exists(folder / (name + ending))) return folder / (name + ending);
  return {};
}

bool is_redial(const fs::path& file) {
  const std::string content = base::read_file(file);
  const std::string line = content.substr(0, content.find('\n'));
  return line.find("\"schema\"") == std::string::npos &&
         line.find("\"movieMentions\"") != std::string::npos;
}

}  // namespace

dialogue::Corpus read_corpus(const fs::path& path) {
  if (!fs::exists(path)) throw base::DataError(path, ": no such file or folder");
  if (!fs::is_directory(path)) return dialogue::read_dialogues(path);
  if (fs::exists(path / "movies_with_mentions.csv")) return read_redial(path);
  const fs::path dialogues = find_lines(path, "dialogues"),
                 catalogue = find_lines(path, "catalogue");
  if (dialogues.empty())
    throw base::DataError(path,
                          ": has neither movies_with_mentions.csv (ReDial) nor dialogues.jsonl "
                          "(docs/formats.md)");
  return catalogue.empty()
             ? dialogue::read_dialogues(dialogues)
             : dialogue::read_dialogues(dialogues, dialogue::read_catalogue(catalogue));
}

std::vector<dialogue::Dialogue> read_more(const fs::path& file,
                                          const dialogue::Catalogue& catalogue) {
  if (is_redial(file)) return read_redial_file(file, catalogue);
  return dialogue::read_dialogues(file, catalogue).dialogues;
}

void write_corpus(const fs::path& folder, const dialogue::Corpus& corpus) {
  base::create_folder(folder);
  dialogue::write_catalogue(folder / "catalogue.jsonl", corpus.catalogue);
  dialogue::write_dialogues(folder / "dialogues.jsonl", corpus);
}

}  // namespace corpus
