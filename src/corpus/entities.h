#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace corpus {

// The numbers that a published data set gives to things: entity2id.json or relation2id.json, {name:
// number}. Every data set has its own numbers.
class Entities {
 public:
  // Throws base::DataError where the file is damaged or two names share a number.
  explicit Entities(const std::filesystem::path& file);

  std::optional<int> find(const std::string& name) const;
  const std::string* name(int id) const;   // null where there is none
  std::vector<std::string> names() const;  // by number

 private:
  std::unordered_map<std::string, int> ids_;
  std::map<int, std::string> names_;
};

// What stands behind the last "/" of a URI: "<http://dbpedia.org/resource/Joker_(2019_film)>" gives
// "Joker_(2019_film)". Other names come back as they are.
std::string last_part(const std::string& uri);

// A DBpedia name as a person writes it: the last part, its "%3F" and underscores replaced, without
// "__PersonFunction__1" and without brackets at its end, which tell things of one name apart:
// "Joker". Texts name things that way.
std::string readable_name(const std::string& uri);

// The year in brackets at the end of a title or a DBpedia name: "Heat (1995)", "Joker (2019 film)".
std::optional<int> year_in_brackets(const std::string& title);

}  // namespace corpus
