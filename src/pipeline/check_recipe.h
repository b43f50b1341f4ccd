#pragma once

#include <torch/types.h>

#include "pipeline/recipe.h"

namespace pipeline {

// Refuses what no stage could work with, before the first one begins: numbers out of range, words
// that name nothing, settings that contradict each other. Throws base::UsageError with the
// setting's name, its value and what is expected.
void check_recipe(const Recipe& recipe);

// The same of what the device that the language model is on cannot do.
void check_device(const Recipe& recipe, torch::Device device);

}  // namespace pipeline
