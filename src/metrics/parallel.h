#pragma once

#include <cstddef>
#include <functional>

namespace metrics {

// Calls work(0) … work(count - 1), each once, in any order, on as many threads as the machine has.
// A call writes only what belongs to its number, so that the result is the same on any machine. Of
// the exceptions thrown the one with the lowest number is thrown again, once all threads are done.
void run_parallel(std::size_t count, const std::function<void(std::size_t)>& work);

}  // namespace metrics
