#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "feedback/store.h"
#include "serve/access.h"
#include "serve/background.h"
#include "serve/engine.h"
#include "serve/http_server.h"
#include "serve/metrics.h"
#include "serve/served_model.h"
#include "serve/transcript.h"

namespace serve {

inline constexpr const char* kPolicyVersion = "1";  // of what people are asked to consent to

// What handlers work with. Everything may be used from any thread and outlives them.
struct Context {
  const ServedModel& model;
  Engine& engine;
  feedback::Store& store;
  Access& access;
  Metrics& metrics;
  const Transcriber& transcriber;
  Background& signals;                         // "signals" of GET /v1/loop
  std::string secret;                          // of the store
  std::filesystem::path run;                   // its folder, for lineage and report; empty: none
  std::int64_t started_at = 0;                 // ms since 1970
  std::function<std::int64_t()> now;           // ms since 1970
  std::function<std::uint64_t()> random_seed;  // for replies
  std::function<HttpCounts()> connections;
  std::atomic<bool> draining{false};
};

}  // namespace serve
