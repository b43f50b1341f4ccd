#pragma once

#include <filesystem>
#include <string>

namespace corpus {

// The file of that name in a folder, or the one with ".xz" behind it; empty where there is neither.
std::filesystem::path find_file(const std::filesystem::path& folder, const std::string& name);

// The same; throws base::DataError where there is neither. `because` ends the message.
std::filesystem::path need_file(const std::filesystem::path& folder, const std::string& name,
                                const std::string& because);

}  // namespace corpus
