#include "bench/workloads/gemm_floor.h"

#include <cblas.h>

namespace pf::bench {

float* GemmFloor::buffer(int role, int64_t size) {
  std::vector<float>& memory = buffers_[{role, size}];
  if (memory.empty()) memory.assign(static_cast<size_t>(size), 0.5f);
  return memory.data();
}

void GemmFloor::add(int64_t m, int64_t n, int64_t k, bool a_transposed, bool b_transposed) {
  products_.push_back({m, n, k, a_transposed, b_transposed, buffer(0, m * k), buffer(1, k * n), buffer(2, m * n)});
}

void GemmFloor::add_mlp(int64_t rows, const std::vector<int64_t>& widths, Backward backward) {
  for (size_t i = 0; i + 1 < widths.size(); ++i) add_forward(rows, widths[i], widths[i + 1]);
  if (backward == Backward::none) return;
  for (size_t i = widths.size() - 1; i-- > 0;) {
    add_weight_gradient(rows, widths[i], widths[i + 1]);
    if (i > 0 || backward == Backward::weights_and_input) add_input_gradient(rows, widths[i], widths[i + 1]);
  }
}

void GemmFloor::run() {
  for (const Product& p : products_)
    cblas_sgemm(CblasRowMajor, p.a_transposed ? CblasTrans : CblasNoTrans, p.b_transposed ? CblasTrans : CblasNoTrans,
                int(p.m), int(p.n), int(p.k), 1, p.a, int(p.a_transposed ? p.m : p.k), p.b,
                int(p.b_transposed ? p.k : p.n), 0, p.c, int(p.n));
}

}  // namespace pf::bench
