#include "tensor/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "tensor/error.h"

namespace pf {
namespace {

thread_local bool inside = false;

class ThreadPool {
 public:
  ~ThreadPool() { stop(); }

  void resize(int count) {
    std::lock_guard one_at_a_time(submit_);
    stop();
    count_ = count;
    for (int i = 1; i < count; ++i) workers_.emplace_back([this] { work(); });
  }

  int count() const { return count_; }

  void run(int64_t chunks, detail::ChunkFunction function, void* body) {
    if (inside || !submit_.try_lock()) {  // nested, or another thread is using the pool: do it here
      for (int64_t i = 0; i < chunks; ++i) function(body, i);
      return;
    }
    std::lock_guard one_at_a_time(submit_, std::adopt_lock);
    {
      std::lock_guard lock(mutex_);
      function_ = function;
      body_ = body;
      chunks_ = chunks;
      next_.store(0, std::memory_order_relaxed);
      error_ = nullptr;
      busy_ = int(workers_.size());
      ++generation_;
    }
    wake_.notify_all();
    take_chunks();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void take_chunks() {
    inside = true;
    for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < chunks_;) {
      try {
        function_(body_, i);
      } catch (...) {
        std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
      }
    }
    inside = false;
  }

  void work() {
    int64_t seen = 0;
    std::unique_lock lock(mutex_);
    seen = generation_start_;
    while (true) {
      wake_.wait(lock, [&] { return stopping_ || generation_ != seen; });
      if (stopping_) return;
      seen = generation_;
      lock.unlock();
      take_chunks();
      lock.lock();
      if (--busy_ == 0) done_.notify_one();
    }
  }

  void stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    stopping_ = false;
    generation_start_ = generation_;
  }

  std::mutex submit_, mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  std::atomic<int> count_{1};
  std::atomic<int64_t> next_{0};
  detail::ChunkFunction function_ = nullptr;
  void* body_ = nullptr;
  int64_t chunks_ = 0, generation_ = 0, generation_start_ = 0;
  int busy_ = 0;
  bool stopping_ = false;
  std::exception_ptr error_;
};

ThreadPool& thread_pool() {
  static ThreadPool pool;
  return pool;
}

// Read on every operation, so kept apart from the pool and its initialisation guard.
std::atomic<int> thread_count{1};

}  // namespace

void set_threads(int count) {
  check(count >= 0 && count <= 1024, "set_threads: ", count, ": expected 0 (all processors) to 1024");
  if (count == 0) count = int(std::max(1u, std::thread::hardware_concurrency()));
  thread_pool().resize(count);
  thread_count = count;
}

int threads() { return thread_count.load(std::memory_order_relaxed); }

void detail::run_chunks(int64_t chunks, ChunkFunction function, void* body) {
  thread_pool().run(chunks, function, body);
}

}  // namespace pf
