#pragma once
// Capture: a function of tensors, recorded once and replayed. The function runs as always in the first call; the second
// one records it, and later calls do what its kernels did, on the same memory, without the host's work between them: on a
// GPU one graph is launched, on the CPU the kernels run one after the other. The results have the same bits.
//
//   Capture step([&](std::span<const Tensor> in) { return loss_and_gradients(in[0], rng); }, {&rng});
//   for (…) outputs = step({batch});
//
// A function can be replayed if it does the same each time: its kernels may depend on the tensors it is given, on those of
// `state` and on random numbers of the generators named, but the host must not read any of them to decide anything.
// What the host computes itself (a learning rate, a count of steps) is a constant of the recording. A function that reads
// runs as it is in every call, and obstacle() says why.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace pf {

class Rng;
namespace detail {
class Recording;
}

/// Puts the numbers of x into the memory of `to`, whoever looks at it: what a recording reads there changes by that.
void overwrite(const Tensor& to, const Tensor& x);
/// Whether overwrite has ever written where x begins: its memory is one that changes under its holders.
bool rewritten(const Tensor& x);

class Capture {
 public:
  using Function = std::function<std::vector<Tensor>(std::span<const Tensor> inputs)>;
  /// `state` lists tensors that others change between calls, in their own memory: parameters. If one has moved to other
  /// memory, or the inputs have another shape, the function is recorded anew. The generators must outlive the capture.
  explicit Capture(Function function, std::vector<Rng*> generators = {},
                   std::function<std::vector<Tensor>()> state = {});
  ~Capture();
  Capture(Capture&&) noexcept;
  Capture& operator=(Capture&&) noexcept;

  /// f(inputs). What a replay returns is overwritten by the next one: copy what must stay.
  std::vector<Tensor> operator()(std::span<const Tensor> inputs);
  std::vector<Tensor> operator()(std::initializer_list<Tensor> inputs) {
    return (*this)(std::span(inputs.begin(), inputs.size()));
  }

  /// Whether the last call was a replay.
  bool replayed() const;
  /// Why the function cannot be replayed, in a sentence; empty as long as nothing speaks against it.
  const std::string& obstacle() const;
  /// Kernels of a replay on the CPU; on a GPU it is one launch, and this is 0.
  int64_t kernels() const;

 private:
  struct State;
  std::unique_ptr<State> self_;
};

}  // namespace pf
