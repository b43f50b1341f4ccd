#include "corpus/knowledge.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/test_data.h"
#include "corpus/entities.h"
#include "corpus/redial.h"
#include "corpus/test_dropped.h"

namespace corpus {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

class KnowledgeTest : public testing::Test {
 protected:
  fs::path write(const std::string& folder, const std::string& name, const std::string& content) {
    base::create_folder(folder_.path() / folder);
    base::write_file(folder_.path() / folder / name, content);
    return folder_.path() / folder;
  }
  // Joker stars two people; number 9 has no name.
  fs::path graph() {
    write("graph", "entity2id.json",
          R"j({"<http://dbpedia.org/resource/Joker_(2019_film)>":0,)j"
          R"j("<http://dbpedia.org/resource/Joaquin_Phoenix__PersonFunction__1>":1,)j"
          R"j("<http://dbpedia.org/resource/Zazie_Beetz_(actress)>":2,)j"
          R"j("<http://dbpedia.org/resource/Who%3F>":3})j");
    write("graph", "relation2id.json",
          R"j({"<http://dbpedia.org/ontology/starring>":0,"self_loop":1})j");
    return write("graph", "dbpedia_subkg.json",
                 R"j({"0":[[0,1],[1,0],[0,2],[0,9],[7,2],[0,1]],"1":[[0,3]]})j");
  }
  std::string error_of(const std::vector<fs::path>& folders) {
    try {
      with_knowledge(items_, folders);
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "no error";
  }
  dialogue::Catalogue items_{{{"5", "Joker (2019)", "", {}, {}},
                              {"6", "Who?", "", {}, {{"genre", {"comedy"}}}},
                              {"7", "Heat", "", 1995, {}}}};
  base::TemporaryFolder folder_;
};

TEST_F(KnowledgeTest, EntriesByIdGiveAttributesAndAPlotIsOneValue) {
  const fs::path folder = write(
      "info", "id2info.json",
      R"j({"5":{"name":"Joker (2019)","genre":["drama","crime","Drama"],"plot":"A man, and a city.","year":"2018"},)j"
      R"j("6":{"name":"Who%3F","genre":["Comedy","farce"],"imdb_id":"tt1"},)j"
      R"j("7":{"name":"Heat","year":"1996"},"8":{"name":"Alien","genre":["horror"]}})j");
  const Knowledge out = with_knowledge(items_, {folder});
  EXPECT_EQ(out.catalogue[0].attributes.at("genre"), (Strings{"drama", "crime"}));
  EXPECT_EQ(out.catalogue[0].attributes.at("plot"), Strings{"A man, and a city."});
  EXPECT_EQ(out.catalogue[0].year, 2018);
  EXPECT_EQ(out.catalogue[1].attributes.at("genre"), (Strings{"comedy", "farce"}));
  EXPECT_EQ(out.catalogue[1].attributes.count("imdb_id"), 0u);
  EXPECT_EQ(out.catalogue[2].year, 1995);  // what was known stays
  EXPECT_EQ(out.items_with_attributes, 2);
  EXPECT_EQ(out.with.at("genre"), 2);
  EXPECT_EQ(out.values, 4);  // drama, crime, the plot, farce
  EXPECT_EQ(test::count(out.dropped, "entries of id2info.json for no item"), 1);
}

TEST_F(KnowledgeTest, EntriesWhoseIdsAreOthersAreJoinedByTitle) {
  const fs::path folder = write("info", "id2info.json",
                                R"j({"5":{"name":"Heat","actor":["Al Pacino"]},)j"
                                R"j("7":{"name":"joker (2019)","year":"-500"}})j");
  const Knowledge out = with_knowledge(items_, {folder});
  EXPECT_EQ(out.catalogue[2].attributes.at("actor"), Strings{"Al Pacino"});
  EXPECT_TRUE(out.catalogue[0].attributes.empty());
  EXPECT_EQ(test::count(out.dropped, "years that are no four digits"), 1);
}

TEST_F(KnowledgeTest, AGraphGivesTheNamesOfAnItemsNeighbours) {
  const fs::path names =
      write("names", "id2entity.json",
            R"j({"5":"<http://dbpedia.org/resource/Joker_(2019_film)>","6":null,"99":"<x>"})j");
  const Knowledge out = with_knowledge(items_, {graph(), names});
  EXPECT_EQ(out.catalogue[0].attributes.at("starring"),
            (Strings{"Joaquin Phoenix", "Zazie Beetz"}));
  EXPECT_EQ(out.edges, 5);  // the loop is none
  EXPECT_EQ(test::count(out.dropped, "edges to nowhere"), 2);
  EXPECT_EQ(test::count(out.dropped, "items that graph has no entity for"), 2);
  EXPECT_EQ(test::count(out.dropped, "entries of id2entity.json for no item"), 1);
}

TEST_F(KnowledgeTest, ItemsNamedAsInDBpediaNeedNoTableOfNames) {
  const Knowledge out =
      with_knowledge(dialogue::Catalogue({{"Joker_(2019_film)", "Joker", "", {}, {}}}), {graph()});
  EXPECT_EQ(out.catalogue[0].attributes.at("starring").size(), 2u);
}

TEST_F(KnowledgeTest, DamagedFoldersAreRefused) {
  EXPECT_NE(error_of({folder_.path()}).find("no knowledge of items there"), std::string::npos);
  EXPECT_NE(error_of({write("g", "dbpedia_subkg.json", "{}")}).find("entity2id.json: no such file"),
            std::string::npos);
  graph();
  const fs::path folder = write("graph", "dbpedia_subkg.json", R"j({"0":[[0]]})j");
  const dialogue::Catalogue joker({{"Joker_(2019_film)", "Joker", "", {}, {}}});
  EXPECT_THROW(with_knowledge(joker, {folder}), base::DataError);
  write("graph", "entity2id.json", R"j({"a":1,"b":1})j");
  EXPECT_NE(error_of({folder}).find("the number 1 is given to \"a\" and to \"b\""),
            std::string::npos);
  EXPECT_NE(error_of({write("i", "id2info.json", R"j({"5":{"genre":[]}})j")}).find("name"),
            std::string::npos);
  EXPECT_NE(error_of({write("i", "id2info.json", R"j({"5":{"name":"Joker (2019)","genre":[3]}})j")})
                .find("i/id2info.json: 5: \"genre\" holds 3, expected a text"),
            std::string::npos);
  EXPECT_NE(error_of({write("i", "id2info.json", R"j({"5":{"name")j")}).find("id2info.json: "),
            std::string::npos);
}

TEST(Entities, NamesAreWrittenAsPeopleWriteThem) {
  EXPECT_EQ(readable_name("<http://dbpedia.org/resource/What_About_Bob%3F>"), "What About Bob?");
  EXPECT_EQ(readable_name("<http://dbpedia.org/resource/Kim_Lee__PersonFunction__12>"), "Kim Lee");
  EXPECT_EQ(readable_name("<http://dbpedia.org/resource/Face/Off>"), "Face/Off");
  EXPECT_EQ(readable_name("(500) Days of Summer (film)"), "(500) Days of Summer");
  EXPECT_EQ(readable_name("100%"), "100%");
  EXPECT_EQ(last_part("<http://dbpedia.org/ontology/starring>"), "starring");
  EXPECT_EQ(year_in_brackets("Joker (2019 film)"), 2019);
  EXPECT_EQ(year_in_brackets("Heat (1995)"), 1995);
  EXPECT_FALSE(year_in_brackets("Blade Runner 2049"));
  EXPECT_FALSE(year_in_brackets("Numbers (12345)"));
}

// ---- on the real data ----

TEST(RealKnowledge, MostOfReDialsMoviesHaveGenresAndPeople) {
  const fs::path data = base::test::data_folder();
  if (!fs::exists(data / "crs_splits" / "ievalm_redial" / "id2info.json.xz"))
    GTEST_SKIP() << "skipped: no " << data / "crs_splits"
                 << "; set ATTUNE_DATA";
  const auto movies = read_redial_catalogue(data / "redial" / "movies_with_mentions.csv");
  const fs::path splits = data / "crs_splits";
  const Knowledge out = with_knowledge(
      movies, {splits / "ievalm_redial", splits / "unicrs_redial", splits / "kgsf_redial"});
  EXPECT_EQ(out.catalogue.size(), 6924);
  EXPECT_EQ(out.with.at("plot"), 6451);
  EXPECT_EQ(test::count(out.dropped, "edges to nowhere"), 0);
  EXPECT_EQ(test::count(out.dropped, "entries of id2info.json"), 0);
  EXPECT_EQ(out.items_with_attributes, 6603);
  EXPECT_EQ(out.with.at("genre"), 6570);
  EXPECT_EQ(out.with.at("star"), 6502);
  EXPECT_EQ(out.with.at("director"), 6543);
  EXPECT_EQ(out.with.at("starring"), 4641);
  EXPECT_EQ(out.values, 117841);
  EXPECT_EQ(out.edges, 64800);
  EXPECT_EQ(test::count(out.dropped, "items that unicrs_redial has no entity for"), 1678);
}

}  // namespace
}  // namespace corpus
