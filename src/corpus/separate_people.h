#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/random.h"

namespace corpus {

enum class Part { train, validation, test, none };

// Where each dialogue goes so that nobody is in two parts. talks: the people of each dialogue, one
// or two. Test and validation grow by the people who mostly talk inside them until they have
// `test` and `validation` dialogues; those between people of two parts are in none.
std::vector<Part> separate_people(const std::vector<std::vector<std::string>>& talks,
                                  std::size_t test, std::size_t validation, base::Random& random);

}  // namespace corpus
