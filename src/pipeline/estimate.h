#pragma once

#include <string>
#include <vector>

#include "pipeline/recipe.h"

namespace pipeline {

// What a run will take, in lines of words: dialogues, steps and memory by stage. Reads or simulates
// the dialogues to count them; memory is a rough bound from sizes, without libtorch's own 0.5 GB.
// Throws base::DataError where the dialogues cannot be read.
std::vector<std::string> estimate(const Recipe& recipe);

}  // namespace pipeline
