#include "serve/served_model.h"

#include <chrono>

namespace serve {

std::int64_t written_at(const std::filesystem::path& file) {
  const auto at = std::chrono::file_clock::to_sys(std::filesystem::last_write_time(file));
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

}  // namespace serve
