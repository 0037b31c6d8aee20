// Updates of many tensors by one launch: the tensors' addresses are parameters of the kernel, and each block finds the
// piece that is its own.

#include <algorithm>

#include "nn/optim/rules.h"
#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/launch.h"
#include "tensor/cuda/pieces.h"

namespace pf::cuda {
namespace {

/// What a rule is on the device: its constants in the element type.
template <class T, class Rule> __device__ Rule ready(const Rule& rule) { return rule; }

/// A factor that a kernel before has computed; 0 stands for "not finite, take nothing over".
struct ClipByFactor {
  const double* factor;
};
template <class T> struct ClipRule {
  T factor;
  __device__ void operator()(T& x) const { x = factor == T(0) ? T(0) : x * factor; }
};
template <class T> __device__ ClipRule<T> ready(const ClipByFactor& rule) { return {T(*rule.factor)}; }

template <class Rule> struct RulePair { Rule first, second; };

template <int arrays> struct Element;
template <> struct Element<1> {
  template <class Rule, class T> __device__ static void apply(const Rule& rule, T (&x)[1]) { rule(x[0]); }
};
template <> struct Element<2> {
  template <class Rule, class T> __device__ static void apply(const Rule& rule, T (&x)[2]) { rule(x[0], x[1]); }
};
template <> struct Element<3> {
  template <class Rule, class T> __device__ static void apply(const Rule& rule, T (&x)[3]) { rule(x[0], x[1], x[2]); }
};
template <> struct Element<4> {
  template <class Rule, class T> __device__ static void apply(const Rule& rule, T (&x)[4]) {
    rule(x[0], x[1], x[2], x[3]);
  }
};
/// The gradient, or the value to average, is read only.
constexpr bool written(int array) { return array != 1; }

template <class Rule, class T, int arrays, int capacity>
__global__ void __launch_bounds__(piece_threads) update_pieces(Pieces<T, arrays, capacity> list, RulePair<Rule> rules) {
  static_assert(sizeof(rules) <= bytes_beside_list);
  const Piece piece = list.find(blockIdx.x);
  const auto& target = list.target[piece.target];
  const auto rule = ready<T>(target.rule == 0 ? rules.first : rules.second);
  constexpr int width = Pack<T>::size;
  int first = int(threadIdx.x);
  if (target.aligned) {
    const int packs = piece.count / width;
    for (int i = int(threadIdx.x); i < packs; i += piece_threads) {
      const int64_t at = piece.first + int64_t(i) * width;
      Pack<T> pack[arrays];
      for (int k = 0; k < arrays; ++k) pack[k] = load_pack(target.array[k] + at);
      for (int e = 0; e < width; ++e) {
        T x[arrays];
        for (int k = 0; k < arrays; ++k) x[k] = pack[k].element[e];
        Element<arrays>::apply(rule, x);
        for (int k = 0; k < arrays; ++k) pack[k].element[e] = x[k];
      }
      for (int k = 0; k < arrays; ++k)
        if (written(k)) store_pack(target.array[k] + at, pack[k]);
    }
    first += packs * width;
  }
  for (int i = first; i < piece.count; i += piece_threads) {
    const int64_t at = piece.first + i;
    T x[arrays];
    for (int k = 0; k < arrays; ++k) x[k] = target.array[k][at];
    Element<arrays>::apply(rule, x);
    for (int k = 0; k < arrays; ++k)
      if (written(k)) target.array[k][at] = x[k];
  }
}

template <class T, int arrays, class Rule>
void run_update(const char* op, const RulePair<Rule>& rules, std::span<const UpdateTarget> targets,
                cudaStream_t stream) {
  in_piece_lists<T, arrays>(targets, [&]<int capacity>(const Pieces<T, arrays, capacity>& list, int64_t) {
    check_launch(PF_LAUNCH_INDEPENDENT((update_pieces<Rule, T, arrays, capacity>), unsigned(list.pieces), piece_threads,
                                       0, stream, list, rules),
                 op, Shape{list.pieces, piece_elements});
  });
}

template <template <class> class Rule, int arrays>
void run_rule(const char* op, DType dtype, const void* rules, int rule_count, std::span<const UpdateTarget> targets,
              cudaStream_t stream) {
  const auto* given = static_cast<const Rule<double>*>(rules);
  dispatch_floating(dtype, op, [&]<class T>() {
    const RulePair<Rule<T>> pair{given[0].template as<T>(), given[rule_count - 1].template as<T>()};
    run_update<T, arrays>(op, pair, targets, stream);
  });
}

}  // namespace

void launch_update(Update kind, DType dtype, const void* rules, int rule_count, std::span<const UpdateTarget> targets,
                   cudaStream_t stream) {
  switch (kind) {
    case Update::sgd:
      return run_rule<SgdRule, 2>("sgd", dtype, rules, rule_count, targets, stream);
    case Update::momentum:
      return run_rule<MomentumRule, 3>("sgd", dtype, rules, rule_count, targets, stream);
    case Update::adam:
      return run_rule<AdamRule, 4>("adam", dtype, rules, rule_count, targets, stream);
    case Update::average:
      return run_rule<AverageRule, 2>("ema", dtype, rules, rule_count, targets, stream);
    case Update::scale:
      return run_rule<ScaleRule, 1>("scale", dtype, rules, rule_count, targets, stream);
    case Update::clip:
      break;
  }
  const ClipByFactor by{*static_cast<const double* const*>(rules)};
  dispatch_floating(dtype, "clip_by_norm", [&]<class T>() {
    run_update<T, 1>("clip_by_norm", RulePair<ClipByFactor>{by, by}, targets, stream);
  });
}

}  // namespace pf::cuda
