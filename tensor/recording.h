#pragma once
// What a capture (tensor/capture.h) sees of a function while it runs: the kernels, as bodies that can run again, and what
// host code reads. Everything that computes goes through `replayable`, or does the same; nothing here costs more than looking at one address
// while nobody records.

#include <atomic>
#include <functional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "tensor/random.h"

namespace pf {
namespace detail {

/// Memory of a recording: blocks used again during it, and handed out in the same order when its kernels run again. On a
/// GPU the memory is the graph's, and this only marks it.
class Arena {
 public:
  explicit Arena(Device device) : device_(device) {}
  Arena(const Arena&) = delete;
  Device device() const { return device_; }
  /// On the CPU. In a replay the address is the one of the recording.
  std::byte* allocate(size_t bytes);
  void release(std::byte* data);
  void count() { ++next_; }
  size_t handed_out() const { return next_; }
  /// From now on the same blocks are handed out again, and to nobody else.
  void close() { open_ = false; }
  void rewind() { next_ = 0; }

  // Held by its recording and by each storage in its memory.
  void retain() { holders_.fetch_add(1, std::memory_order_relaxed); }
  void drop() {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  struct Block {
    std::byte* data;
    size_t bytes;
  };
  ~Arena();

  Device device_;
  std::vector<Block> script_;  // in the order of asking
  std::vector<Block> blocks_, free_;
  size_t next_ = 0;
  std::atomic<int64_t> holders_{0};
  bool open_ = true;
};

/// Thrown through a function that cannot be replayed.
struct NotReplayable {
  std::string why;
};

class Recording {
 public:
  /// `given`: tensors that hold other numbers at the next run. On the CPU kernels are kept here, on a GPU in its graph.
  Recording(std::span<const Tensor> given, std::span<Rng* const> generators, Device device);
  ~Recording();
  Recording(const Recording&) = delete;

  /// Runs the body, and keeps it to be run again.
  template <class Body, class... X> auto run(const Body& body, const X&... x) {
    auto held = std::tuple(hold(x)...);
    const Running running(*this);
    if constexpr (std::is_void_v<std::invoke_result_t<const Body&, const X&...>>) {
      body(x...);
      keep([body, held = std::move(held)] { std::apply(body, held); });
    } else {
      auto out = body(x...);
      // A view has no work to be done again.
      if (running.worked()) keep([body, held = std::move(held)] { std::apply(body, held); });
      return out;
    }
  }

  /// Throws NotReplayable if the tensor's numbers are others at the next run.
  void note_read(const Tensor& x) const;
  [[noreturn]] static void refuse(std::string why) { throw NotReplayable{std::move(why)}; }
  bool owns(const Tensor& x) const { return x.storage().arena() == arena_; }

  /// Where the generator is in this run, {position, stream}, and which part of its sequence a draw of so many counters takes.
  struct Draw {
    const uint64_t* base;
    uint64_t offset;
  };
  Draw draw(const Rng& generator, uint64_t counters, Device device);

  /// No more kernels are recorded; they may be run again.
  void close() { arena_->close(); }
  /// Whether the generators still have the seeds that were recorded.
  bool same_seeds() const;
  /// Before a replay: tells the kernels where the generators are, and moves these on as the recorded run did.
  void advance_generators();
  /// As before the recorded run.
  void restore_generators();
  /// The kernels once more. Only of a recording on the CPU.
  void replay();
  int64_t kernels() const { return int64_t(kernels_.size()); }

 private:
  /// While a body runs its memory comes from the arena, and what it reads is its own affair.
  class Running {
   public:
    explicit Running(Recording& recording);
    ~Running();
    Running(const Running&) = delete;
    bool worked() const;

   private:
    Recording& recording_;
    size_t before_;
  };

  // Memory of the recording and what is given are looked at without holding on to them: holding would keep them from
  // being used again. Everything else is a constant, which must stay.
  Tensor hold(const Tensor& x);
  std::vector<Tensor> hold(const std::vector<Tensor>& list);
  // On a GPU the body is not run again, but the constants in it are needed.
  template <class Kernel> void keep(Kernel&& kernel) { kernels_.emplace_back(std::forward<Kernel>(kernel)); }
  bool is_given(const Tensor& x) const;
  void tell_bases();

  struct Generator {
    Rng* generator;
    Rng::State start;
    uint64_t used = 0;
  };

  Device device_;
  std::vector<const std::byte*> given_;  // sorted
  std::vector<Generator> generators_;
  std::vector<uint64_t> bases_;  // position and stream of each generator
  Tensor device_bases_;
  Arena* arena_;
  std::vector<std::function<void()>> kernels_;
};

// `watching` (tensor/tensor.h) is the recording of this thread while a function is recorded and no kernel of it runs,
// `kernel_arena` (tensor/storage.h) where memory comes from while one runs.

/// Runs body(x…), whose work may have to be done again on the same memory. The body is copied, so it must hold what it
/// needs by value; it gets tensors only as arguments.
template <class Body, class... X> auto replayable(const Body& body, const X&... x) {
  if (watching) [[unlikely]]
    return watching->run(body, x...);
  return body(x...);
}

/// While this lives memory comes from where it always does.
class OrdinaryMemory {
 public:
  OrdinaryMemory() : before_(std::exchange(kernel_arena, nullptr)) {}
  ~OrdinaryMemory() { kernel_arena = before_; }
  OrdinaryMemory(const OrdinaryMemory&) = delete;

 private:
  Arena* before_;
};

/// The same for code of the host that decides by the numbers how much memory it takes: only its result is the recording's.
template <class Body, class... X> Tensor replayable_on_host(const Body& body, const X&... x) {
  if (!watching) [[likely]]
    return body(x...);
  const auto again = [body](const auto&... in) {
    const Tensor found = [&] {
      const OrdinaryMemory outside;
      return body(in...);
    }();
    return copy(found);
  };
  return watching->run(again, x...);
}

}  // namespace detail
}  // namespace pf
