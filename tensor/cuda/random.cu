// Random numbers: a thread makes all that one counter gives, and writes them as one pack where they fill it.

#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/for_each.h"
#include "tensor/philox.h"

namespace pf::cuda {
namespace {

struct UniformDraw {
  template <class T, class Out> __device__ static void make(const T* u, double, Out* out) {
    for (int k = 0; k < pf::detail::philox_numbers<T>; ++k) out[k] = Out(u[k]);
  }
};
struct NormalDraw {
  template <class T> __device__ static void make(const T* u, double, T* out) {
    for (int k = 0; k < pf::detail::philox_numbers<T>; k += 2)
      pf::detail::box_muller(u[k], u[k + 1], out[k], out[k + 1]);
  }
};
struct BernoulliDraw {
  template <class T, class Out> __device__ static void make(const T* u, double p, Out* out) {
    for (int k = 0; k < pf::detail::philox_numbers<T>; ++k) out[k] = u[k] < T(p) ? Out(1) : Out(0);
  }
};
struct RademacherDraw {
  template <class T, class Out> __device__ static void make(const T* u, double, Out* out) {
    for (int k = 0; k < pf::detail::philox_numbers<T>; ++k) out[k] = u[k] < T(0.5) ? Out(-1) : Out(1);
  }
};
struct IntegersDraw {
  __device__ static void make(const double* u, double below, int64_t* out) {
    for (int k = 0; k < 2; ++k) out[k] = pf::detail::integer_below(u[k], int64_t(below));
  }
};

template <class Rule, class T, class Out> struct DrawBody {
  static constexpr int each = pf::detail::philox_numbers<T>;
  RandomStart start;
  double p;
  int64_t n;
  Out* to;
  __device__ void operator()(int64_t counter) const {
    uint32_t words[4][1];
    const uint64_t position = start.position + (start.base ? start.base[0] : 0);
    const uint64_t sequence = start.base ? start.base[1] : start.stream;
    pf::detail::philox_words<1>(start.seed, sequence, position + uint64_t(counter), words);
    T u[each];
    pf::detail::uniform_numbers<T, 1>(words, 0, u);
    const int64_t first = counter * each;
    Pack<Out> pack;
    if constexpr (Pack<Out>::size == each) {
      Rule::make(u, p, pack.element);
      if (first + each <= n) return store_pack(to + first, pack);
      for (int k = 0; k < each; ++k)  // a fixed number of times, so that all stays in registers
        if (first + k < n) to[first + k] = pack.element[k];
    } else {
      Out out[each];
      Rule::make(u, p, out);
      for (int k = 0; k < each; ++k)
        if (first + k < n) to[first + k] = out[k];
    }
  }
};

template <class Rule, class T, class Out>
void run_draw(const char* op, const RandomStart& start, double p, int64_t n, void* to, cudaStream_t stream) {
  constexpr int each = pf::detail::philox_numbers<T>;
  for_each_index(op, (n + each - 1) / each, stream, DrawBody<Rule, T, Out>{start, p, n, static_cast<Out*>(to)});
}

}  // namespace

// Memory is fresh from the pool, so packs are aligned.
void launch_draw(Draw kind, DType source, const RandomStart& start, double p, int64_t n, DType dtype, void* to,
                 cudaStream_t stream) {
  if (kind == Draw::integers) return run_draw<IntegersDraw, double, int64_t>("integers", start, p, n, to, stream);
  if (kind == Draw::bernoulli) {
    if (dtype == int64) return run_draw<BernoulliDraw, float, int64_t>("bernoulli", start, p, n, to, stream);
    if (dtype == boolean) return run_draw<BernoulliDraw, float, bool>("bernoulli", start, p, n, to, stream);
  }
  dispatch_floating(source, "random", [&]<class T>() {
    if (kind == Draw::uniform) run_draw<UniformDraw, T, T>("uniform", start, p, n, to, stream);
    else if (kind == Draw::normal) run_draw<NormalDraw, T, T>("normal", start, p, n, to, stream);
    else if (kind == Draw::bernoulli) run_draw<BernoulliDraw, T, T>("bernoulli", start, p, n, to, stream);
    else run_draw<RademacherDraw, T, T>("rademacher", start, p, n, to, stream);
  });
}

}  // namespace pf::cuda
