#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "dialogue/recommender.h"
#include "feedback/store.h"
#include "serve/access.h"
#include "serve/engine.h"
#include "serve/http_server.h"
#include "serve/served_model.h"

namespace serve {

struct ServerOptions {
  HttpOptions http;
  AccessOptions access;
  EngineOptions engine;
  std::filesystem::path run;  // a run's folder, for lineage and report; empty: none
};

// A recommender behind HTTP (docs/serving.md): chat, rankings, feedback, the pages.
class Server {
 public:
  // Listens when it returns. All of them must outlive it; the recommender is owned by the server's
  // thread until then. Throws as HttpServer does.
  Server(dialogue::Recommender& recommender, const ServedModel& model, feedback::Store& store,
         const ServerOptions& options);
  ~Server();

  int port() const;
  // Answers what is under way, refuses the rest, and ends; no longer than `patience`.
  void drain(std::chrono::milliseconds patience);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace serve
