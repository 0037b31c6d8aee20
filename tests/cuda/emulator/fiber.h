#pragma once
// A fiber: a stack of its own and a place in a program to go on from. CUDA threads that wait for each other run on
// fibers of one host thread, so that their order is ours to choose.

#include <cstddef>
#include <cstdint>

namespace pf::emulator {

class Fiber {
 public:
  using Entry = void (*)();  // never returns

  /// The i-th fiber; fibers are made when first asked for and then kept.
  static Fiber& get(size_t i);
  static constexpr size_t limit = 1100;  // a block has at most 1024 threads

  /// Forgets what ran on it; the next resume() starts at the entry.
  void prepare(Entry entry);
  /// From the host's stack: runs the fiber until it suspends.
  void resume();
  /// On the fiber: back to where it was resumed.
  static void suspend();
  /// As suspend, for a fiber that will not be resumed before it is prepared again.
  static void abandon();

  size_t number() const { return number_; }

 private:
  void* context_ = nullptr;
  char* stack_ = nullptr;
  void* fake_stack_ = nullptr;
  size_t number_ = 0;
  Entry entry_ = nullptr;

  static void leave(bool for_good);
  static void start();
};

/// Whether the address lies on a fiber's stack.
bool on_fiber_stack(const void* address);

}  // namespace pf::emulator
