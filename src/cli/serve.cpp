#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <mutex>
#include <thread>

#include "base/interrupt.h"
#include "base/manifest.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "kernels/compute.h"
#include "kernels/passing_thread.h"
#include "pipeline/run.h"
#include "recommend/rank_items.h"
#include "recommend/trained_recommender.h"
#include "recommend/words.h"
#include "serve/server.h"

namespace cli {
namespace {

struct Given {
  std::string run, which = "policy", store, keys, new_key;
  kernels::MatrixNumbers weights = kernels::MatrixNumbers::computed;
  int per_minute = 0, threads = 2, cores = 0;
  int max_open = 32, max_waiting = 128;
  serve::ServerOptions server;
};

Given parse(const Command& self, const std::vector<std::string>& arguments_given) {
  Given given;
  Arguments arguments(self);
  arguments.positional("RUN", given.run, "the folder of a run");
  arguments.option("--model", given.which, "policy, or sft: the model before alignment");
  std::string weights = "computed";
  arguments.option("--weights", weights,
                   "what replies are decoded with: computed (the run's type), or int8, which is "
                   "less exact, and faster on processors with AVX-512 VNNI or AVX2");
  arguments.option("--address", given.server.http.address, "IP address to listen at");
  arguments.option("--port", given.server.http.port, "port to listen at; 0: any free one");
  arguments.option("--store", given.store,
                   "file that keeps conversations and feedback; "
                   "RUN/feedback.db without");
  arguments.option("--keys", given.keys,
                   "file of API keys; without, whoever reaches it may use it");
  arguments.option("--new-key", given.new_key,
                   "add a key of this name to the file of --keys, print it, and end");
  arguments.option("--per-minute", given.per_minute, "requests a minute for the new key; 0: any");
  arguments.option("--host", given.server.access.hosts,
                   "a further name that the server is called by (Host header)");
  arguments.option("--cors", given.server.access.cross_origins,
                   "an origin whose pages may use the API, such as https://shop.example");
  arguments.option("--certificate", given.server.http.certificate, "PEM file for TLS");
  arguments.option("--private-key", given.server.http.key, "PEM file of its private key");
  arguments.option("--threads", given.threads, "threads that talk with clients");
  arguments.option("--cores", given.cores,
                   "cores for the model, whatever the run was trained on; 0: all");
  arguments.option("--events-per-minute", given.server.access.events_per_minute,
                   "events that one session may send in a minute; 0: any number");
  arguments.option("--max-open", given.max_open, "replies worked on at a time");
  arguments.option("--max-waiting", given.max_waiting, "replies that may wait beyond them");
  arguments.parse(arguments_given);
  given.weights = kernels::matrix_numbers(weights);
  if (given.which != "policy" && given.which != "sft")
    throw base::UsageError("--model is \"", given.which, "\", expected policy or sft");
  if (given.server.http.port < 0 || given.server.http.port > 65535)
    throw base::UsageError("--port is ", given.server.http.port, ", expected 0 to 65535");
  if (given.server.http.certificate.empty() != given.server.http.key.empty())
    throw base::UsageError("TLS needs both --certificate and --private-key");
  if (given.per_minute != 0 && given.new_key.empty())
    throw base::UsageError("--per-minute is of the key that --new-key makes");
  for (const std::string& origin : given.server.access.cross_origins)
    if (!serve::is_origin(origin))
      throw base::UsageError("--cors is \"", origin,
                             "\", expected an origin such as https://shop.example");
  const int cores = static_cast<int>(std::thread::hardware_concurrency());  // 0: unknown
  if (given.cores < 0 || (cores > 0 && given.cores > cores))
    throw base::UsageError("--cores is ", given.cores, ", expected 0 to ", cores);
  if (given.max_open < 1 || given.max_waiting < 0 || given.threads < 1 || given.per_minute < 0 ||
      given.server.access.events_per_minute < 0)
    throw base::UsageError("--max-open and --threads are at least 1, the others at least 0");
  return given;
}

// "crime", "Tom Hanks" -> entities of the catalogue.
std::vector<int> entities_named(const std::vector<std::string>& names,
                                const recommend::Entities& entities) {
  std::vector<int> out;
  for (const std::string& name : names) {
    const std::vector<int> found = entities.named_in(recommend::split_words(name));
    if (found.empty())
      throw base::UsageError("no genre or person of the catalogue is called \"", name, "\"");
    out.push_back(found.front());
  }
  return out;
}

std::vector<serve::RankedItem> rank(dialogue::Recommender& recommender,
                                    const recommend::TrainedModel& model,
                                    const serve::RankQuery& query) {
  const recommend::Entities& entities = model.ranker.tables().entities;
  recommend::Constraints constraints;
  if (query.stated) constraints = recommend::stated_constraints(query.state, entities);
  constraints.skip_named = !query.repeats;
  if (query.first_year) constraints.first_year = query.first_year;
  if (query.last_year) constraints.last_year = query.last_year;
  for (int entity : entities_named(query.names, entities)) constraints.names.push_back(entity);
  constraints.never = query.never;
  std::vector<serve::RankedItem> out;
  for (recommend::RankedItem& one : recommend::rank_items(
           recommender, model, query.state, constraints, static_cast<std::size_t>(query.top),
           query.diversity,
           query.explain ? recommend::Reasons::given : recommend::Reasons::left_out))
    out.push_back({one.item, one.log_prob, std::move(one.reasons)});
  return out;
}

// "127.0.0.1", "[::1]"
std::string host_of(const std::string& address) {
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

// A file without keys must not open the server to everybody.
std::vector<serve::ApiKey> read_some_keys(const std::filesystem::path& file) {
  std::vector<serve::ApiKey> keys = serve::read_keys(file);
  if (keys.empty())
    throw base::DataError(file, ": there is no key in it; --new-key NAME makes one");
  return keys;
}

// "http://127.0.0.1:8080"
std::string url_of(const serve::ServerOptions& options, int port) {
  return (options.http.certificate.empty() ? "http://" : "https://") +
         host_of(options.http.address) + ":" + std::to_string(port);
}

// A model that reads sentiment is for one thread at a time, and many ask; with workers of its own
// only as long as it reads.
dialogue::SentimentFunction one_at_a_time(dialogue::SentimentFunction read) {
  return [read = std::move(read), mutex = std::make_shared<std::mutex>()](std::string_view words) {
    const std::lock_guard lock(*mutex);
    return kernels::on_passing_thread([&] { return read(words); });
  };
}

int make_key(const Given& given) {
  if (given.keys.empty()) throw base::UsageError("--new-key needs the file of --keys");
  std::cout << serve::add_key(given.keys, given.new_key, given.per_minute) << "\n";
  std::cerr << "serve  added to " << given.keys << "; the key is kept nowhere: note it down\n";
  return 0;
}

int serve_run(const Command& self, const std::vector<std::string>& arguments) {
  Given given = parse(self, arguments);
  if (!given.new_key.empty()) return make_key(given);
  kernels::use_threads(given.cores);
  const std::filesystem::path folder = given.run;
  for (const std::string& stage : {std::string("data"), given.which})
    if (base::has_manifest(folder / stage)) base::verify_manifest(folder / stage);
  const recommend::TrainedModel model =
      kernels::on_passing_thread([&] { return recommend::read_trained(folder / given.which); });
  const pipeline::Recipe recipe = pipeline::read_recipe(folder, {});
  const auto scorers =
      kernels::on_passing_thread([&] { return pipeline::TextScorers(recipe, folder / "data"); });

  serve::ServedModel served;
  served.id = std::filesystem::absolute(folder).lexically_normal().filename().string();
  if (served.id.empty()) served.id = recipe.name;
  served.kind = given.which;
  served.sha256 = model.hash();
  served.created_at = serve::written_at(folder / given.which / "model" / "config.json");
  served.context = model.language.config.context;
  served.catalogue = &model.catalogue;
  served.state = model.state;
  served.sentiment =
      recipe.sentiment.model.empty() ? scorers.sentiment() : one_at_a_time(scorers.sentiment());
  served.rank = [&model](dialogue::Recommender& recommender, const serve::RankQuery& query) {
    return rank(recommender, model, query);
  };
  const auto recommender = kernels::on_passing_thread([&] {
    return std::make_unique<recommend::TrainedRecommender>(
        given.which, model,
        recommend::ReplyOptions{.slots = given.max_open,
                                .type = kernels::compute_dtype(recipe.run.compute),
                                .hash = served.sha256,
                                .numbers = given.weights});
  });

  serve::ServerOptions& options = given.server;
  options.run = folder;
  options.http.threads = given.threads;
  options.engine = {static_cast<std::size_t>(given.max_open),
                    static_cast<std::size_t>(given.max_waiting)};
  if (!given.keys.empty()) options.access.keys = read_some_keys(given.keys);
  for (const char* name : {"localhost", "127.0.0.1", "[::1]"}) options.access.hosts.push_back(name);
  options.access.hosts.push_back(host_of(options.http.address));
  const std::filesystem::path file =
      given.store.empty() ? folder / "feedback.db" : std::filesystem::path(given.store);
  feedback::Store store(file);
  serve::Server server(*recommender, served, store, options);
  std::cout << "serving " << given.which << " of " << given.run << " at "
            << url_of(options, server.port()) << "\nfeedback goes to " << file.string()
            << "; Ctrl-C ends it" << std::endl;
  while (!base::interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  std::cout << "finishing what is under way" << std::endl;
  server.drain(std::chrono::seconds(20));
  return 0;
}

}  // namespace

Command serve_command() {
  return {"serve", "answer over HTTP: chat, rankings, feedback, and the pages",
          "attune serve runs/quickstart --port 8080", serve_run};
}

}  // namespace cli
