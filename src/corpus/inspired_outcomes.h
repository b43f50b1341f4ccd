#pragma once

#include <filesystem>
#include <vector>

#include "dialogue/dialogue.h"

namespace corpus {

// Adds what seekers did after INSPIRED's dialogues (inspired.h has how) from a dev.tsv
// (tab-separated without quoting; a header names dialog_id, text and fine_label) to the dialogues
// whose first letters are those of one of its dialogues. Returns to how many; throws
// base::DataError "FILE:LINE: …".
int add_inspired_outcomes(const std::filesystem::path& file,
                          std::vector<dialogue::Dialogue>& dialogues);

}  // namespace corpus
