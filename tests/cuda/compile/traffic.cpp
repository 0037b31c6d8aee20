#include "tests/cuda/compile/traffic.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <vector>

#include "autograd/autograd.h"
#include "nn/module.h"
#include "nn/optim/adam.h"
#include "nn/optim/clip.h"
#include "tensor/cuda_backend.h"
#include "tensor/error.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/causal_attention.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/layer_norm.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/scan.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/sort.h"
#include "tensor/ops/spline.h"
#include "tensor/ops/where.h"
#include "tensor/random.h"
#include "tests/cuda/compile/kernel_usage.h"
#include "tests/cuda/emulator/control.h"

namespace pf::budget {
namespace {

struct Two {
  Variable a, b;
  static void fields(auto& self, auto&& visit) {
    visit("a", self.a);
    visit("b", self.b);
  }
};

/// One run of everything, forward and backward. Sizes are multiples of a warp and of a pack: what is left over at the end of a
/// row costs a sector, and belongs to the tests of sizes.
void run_everything() {
  Rng rng(1);
  const auto backward = [](const Variable& y, std::initializer_list<Variable> x) {
    return grad(sum(y), std::vector<Variable>(x));
  };
  for (DType dtype : {float32, float64, bfloat16}) {
    const Tensor x = cast(rng.normal({128, 128}), dtype), z = cast(rng.normal({128, 128}), dtype);
    const Variable a = tracked(x), b = tracked(z);
    backward(a * b + silu(a), {a, b});                           // flat
    backward(transpose(a) * b, {a, b});                          // by strides
    backward(a * tracked(cast(rng.normal({128}), dtype)), {a});  // a row for all
    if (dtype == bfloat16) continue;
    backward(softmax(a), {a});
    backward(log_softmax(a), {a});
    logsumexp(x, {-1});
    backward(softmax(a, 0), {a});
    backward(sum(a, {0}), {a});
    backward(sum(a, {1}), {a});
    sum(x);
    max(x, {1});
    argmax(x, {1});
    backward(cumsum(a, 0), {a});
    backward(layer_norm(a, tracked(ones({128}, dtype)), tracked(zeros({128}, dtype))), {a});
    backward(concat({a, b}, 0), {a, b});
    backward(concat({a, b}, 1), {a, b});
    where(x < z, x, z);
    logical_not(x < z);
    sort(x);
    argsort(x);
    const Tensor index = rng.integers(128, {128});
    backward(index_select(a, 0, index), {a});
    gather(x, 1, rng.integers(128, {128, 64}));
    scatter_add(x, 1, rng.integers(128, {128, 16}), cast(rng.normal({128, 16}), dtype));
    index_add(zeros({2, 16384}, dtype), 0, rng.integers(2, {3}), ones({3, 16384}, dtype));  // many columns
    searchsorted(linspace(-1, 1, 64, dtype), x);
    const auto [y, log_slope] = rational_quadratic_spline(a, tracked(cast(rng.normal({128, 128, 23}), dtype)), 3.0);
    backward(y + log_slope, {a});
    const Tensor square =
        matmul(cast(rng.normal({64, 16, 16}), dtype), cast(rng.normal({64, 16, 16}), dtype)) + eye(16, dtype) * 30.0;
    solve(square, cast(rng.normal({64, 16, 16}), dtype));
    cholesky(matmul(square, transpose(square)));
    const auto heads = [&] { return tracked(cast(rng.normal({2, 64, 32}), dtype)); };
    const Variable q = heads(), k = heads(), v = heads();
    backward(causal_attention(q, k, v), {q, k, v});
    rng.uniform({128, 128}, dtype);
    Two two{x, z};
    const std::vector<Field> parameters = parameters_of(two);
    Adam().update(parameters, clip_by_norm(Gradients{{z, x}}, 1.0), 1e-3);
  }
  rng.bernoulli(0.5, {128, 128});
  cuda::backend().synchronize();
}

}  // namespace

std::map<std::string, Traffic> measure_traffic(const std::string& checked_library) {
  setenv("PF_CUDA_LIBRARY", checked_library.c_str(), 1);
  const UseDevice on(Device::cuda());
  cuda::backend().synchronize();
  void* library = dlopen(checked_library.c_str(), RTLD_NOW);
  check(library != nullptr, checked_library, ": ", library ? "" : dlerror());
  void* symbol = dlsym(library, "pf_emulator_control");
  check(symbol != nullptr, checked_library, " is not an emulated CUDA library");
  const auto& emulator = *reinterpret_cast<const pf_emulator_control_table* (*)()>(symbol)();
  check(emulator.has_checker() != 0, checked_library, " was built without the race checker, which counts sectors");
  emulator.reset_traffic();
  run_everything();
  std::vector<pf_emulator_traffic> all(emulator.traffic(nullptr, 0));
  emulator.traffic(all.data(), all.size());
  std::map<std::string, Traffic> out;
  for (const pf_emulator_traffic& one : all) {
    const KernelName name = parts_of(one.kernel);
    Traffic found{.bytes = double(one.bytes_read + one.bytes_written),
                  .sector_bytes = 32.0 * double(one.sectors_read + one.sectors_written),
                  .threads = int(one.most_threads),
                  .shared = int64_t(one.most_shared)};
    Traffic& worst = out[name.kernel + " " + name.body];
    found.threads = std::max(found.threads, worst.threads);
    found.shared = std::max(found.shared, worst.shared);
    if (found.ratio() < worst.ratio()) {
      found.bytes = worst.bytes;
      found.sector_bytes = worst.sector_bytes;
    }
    worst = found;
  }
  return out;
}

}  // namespace pf::budget
