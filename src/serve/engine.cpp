#include "serve/engine.h"

#include <algorithm>

namespace serve {
namespace {

double seconds_between(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

Engine::Engine(dialogue::Recommender& recommender, const EngineOptions& options)
    : recommender_(recommender), options_(options), thread_([this] { work(); }) {}

Engine::~Engine() { stop(); }

std::optional<std::int64_t> Engine::submit(dialogue::State state,
                                           const dialogue::Sampling& sampling,
                                           EngineCallbacks callbacks) {
  const std::lock_guard lock(mutex_);
  if (is_full()) return std::nullopt;
  const std::int64_t ticket = next_ticket_++;
  waiting_.push_back(
      {std::move(state), sampling, {ticket, std::move(callbacks), Clock::now(), {}}});
  counts_.waiting = static_cast<std::int64_t>(waiting_.size());
  changed_.notify_one();
  return ticket;
}

void Engine::cancel(std::int64_t ticket) {
  const std::lock_guard lock(mutex_);
  cancelled_.push_back(ticket);
  changed_.notify_one();
}

bool Engine::run(std::function<void(dialogue::Recommender&)> work) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || tasks_.size() > options_.max_waiting) return false;
  tasks_.push_back(std::move(work));
  changed_.notify_one();
  return true;
}

bool Engine::full() const {
  const std::lock_guard lock(mutex_);
  return is_full();
}

// Those that wait may have a place already, which they take at the next step.
bool Engine::is_full() const {
  return stopping_ || static_cast<std::size_t>(counts_.open) + waiting_.size() >=
                          options_.max_open + options_.max_waiting;
}

EngineCounts Engine::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Engine::stop(std::chrono::milliseconds patience) {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
    idle_.wait_for(lock, patience,
                   [&] { return counts_.open == 0 && waiting_.empty() && tasks_.empty(); });
    at_once_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Engine::work() {
  while (take_new()) {
    end_cancelled();
    run_one();
    if (!open_.empty()) step();
    const std::lock_guard lock(mutex_);
    counts_.open = static_cast<std::int64_t>(open_.size());
    if (open_.empty() && waiting_.empty() && tasks_.empty()) idle_.notify_all();
  }
}

bool Engine::take_new() {
  std::vector<Waiting> starting;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return stopping_ || !open_.empty() || !waiting_.empty() || !tasks_.empty() ||
             !cancelled_.empty();
    });
    if (at_once_) {
      for (const auto& [id, open] : open_) cancelled_.push_back(open.ticket);
      for (const Waiting& one : waiting_) cancelled_.push_back(one.open.ticket);
      tasks_.clear();
    }
    if (stopping_ && open_.empty() && waiting_.empty() && tasks_.empty()) return false;
    while (!waiting_.empty() && open_.size() + starting.size() < options_.max_open) {
      starting.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    counts_.waiting = static_cast<std::int64_t>(waiting_.size());
    counts_.open = static_cast<std::int64_t>(open_.size() + starting.size());
  }
  for (Waiting& one : starting) {
    one.open.started = Clock::now();
    try {
      const std::int64_t id = recommender_.open(one.state, one.sampling);
      open_.emplace(id, std::move(one.open));
    } catch (const std::exception& error) {
      one.open.callbacks.done({.reply = {}, .error = error.what()});
    }
  }
  return true;
}

void Engine::end_cancelled() {
  std::vector<std::int64_t> tickets;
  std::vector<Open> never_begun;
  {
    const std::lock_guard lock(mutex_);
    tickets.swap(cancelled_);
    for (std::int64_t ticket : tickets) {
      const auto at = std::find_if(waiting_.begin(), waiting_.end(),
                                   [&](const Waiting& one) { return one.open.ticket == ticket; });
      if (at == waiting_.end()) continue;
      never_begun.push_back(std::move(at->open));
      waiting_.erase(at);
    }
    counts_.waiting = static_cast<std::int64_t>(waiting_.size());
  }
  for (Open& one : never_begun)
    one.callbacks.done({.reply = {},
                        .cancelled = true,
                        .error = {},
                        .queue_seconds = seconds_between(one.submitted, Clock::now()),
                        .total_seconds = seconds_between(one.submitted, Clock::now())});
  for (std::int64_t ticket : tickets) {
    const auto at = std::find_if(open_.begin(), open_.end(),
                                 [&](const auto& one) { return one.second.ticket == ticket; });
    if (at != open_.end()) finish(at, true);
  }
}

void Engine::run_one() {
  std::function<void(dialogue::Recommender&)> task;
  {
    const std::lock_guard lock(mutex_);
    if (tasks_.empty()) return;
    task = std::move(tasks_.front());
    tasks_.pop_front();
  }
  task(recommender_);
}

void Engine::step() {
  std::vector<dialogue::ReplyStep> steps;
  try {
    steps = recommender_.step();
  } catch (const std::exception& error) {
    return fail_all(error.what());
  }
  {
    const std::lock_guard lock(mutex_);
    ++counts_.steps;
  }
  for (dialogue::ReplyStep& one : steps) {
    const auto at = open_.find(one.id);
    if (at == open_.end()) continue;
    if (!one.text.empty()) at->second.callbacks.words(std::move(one.text));
    if (one.finished) finish(at, false);
  }
}

void Engine::finish(std::map<std::int64_t, Open>::iterator at, bool cancelled) {
  EngineReply out;
  out.cancelled = cancelled;
  try {
    out.reply = recommender_.close(at->first);
  } catch (const std::exception& error) {
    out.error = error.what();
  }
  const Open open = std::move(at->second);
  open_.erase(at);
  out.queue_seconds = seconds_between(open.submitted, open.started);
  out.total_seconds = seconds_between(open.submitted, Clock::now());
  {
    const std::lock_guard lock(mutex_);
    ++counts_.replies;
  }
  open.callbacks.done(std::move(out));
}

// A step that failed leaves no reply that could go on.
void Engine::fail_all(const std::string& error) {
  while (!open_.empty()) {
    Open open = std::move(open_.begin()->second);
    const std::int64_t id = open_.begin()->first;
    open_.erase(open_.begin());
    try {
      recommender_.close(id);
    } catch (const std::exception&) {  // what cannot be closed is forgotten
    }
    open.callbacks.done({.reply = {}, .error = error});
  }
}

}  // namespace serve
