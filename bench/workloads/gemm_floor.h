#pragma once
// The GEMM floor of a workload: the matrix products of one step and nothing else, by plain calls of OpenBLAS on memory that
// is there already. No step that uses the same library can be faster than this.

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace pf::bench {

class GemmFloor {
 public:
  /// c = a b with c [m, n] and k terms in each sum; a flag says that the operand lies transposed.
  void add(int64_t m, int64_t n, int64_t k, bool a_transposed, bool b_transposed);

  // The products of y = x Wᵀ, x: [rows, in], W: [out, in].
  void add_forward(int64_t rows, int64_t in, int64_t out) { add(rows, out, in, false, true); }
  void add_weight_gradient(int64_t rows, int64_t in, int64_t out) { add(out, in, rows, true, false); }
  void add_input_gradient(int64_t rows, int64_t in, int64_t out) { add(rows, in, out, false, false); }

  /// What a network of linear layers of these widths needs: only forward, or also backward, to the first layer's weights
  /// or to its input as well.
  enum class Backward { none, weights, weights_and_input };
  void add_mlp(int64_t rows, const std::vector<int64_t>& widths, Backward backward);

  void run();

 private:
  struct Product {
    int64_t m, n, k;
    bool a_transposed, b_transposed;
    float *a, *b, *c;
  };
  float* buffer(int role, int64_t size);

  std::vector<Product> products_;
  std::map<std::pair<int, int64_t>, std::vector<float>> buffers_;  // shared by operands of one role and size
};

}  // namespace pf::bench
