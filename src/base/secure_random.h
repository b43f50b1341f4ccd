#pragma once

#include <cstddef>
#include <string>

namespace base {

// Bytes that nobody can foresee, for keys and ids. Everything that a result may depend on draws
// from base::Random. Throws ResourceError where the system has none.
std::string secure_random(std::size_t bytes);

}  // namespace base
