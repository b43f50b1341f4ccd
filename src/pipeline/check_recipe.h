#pragma once

#include "pipeline/recipe.h"

namespace pipeline {

// Refuses what no stage could work with, before the first one begins: numbers out of range, words
// that name nothing, settings that contradict each other. Throws base::UsageError with the
// setting's name, its value and what is expected.
void check_recipe(const Recipe& recipe);

}  // namespace pipeline
