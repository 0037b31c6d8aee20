#include "tensor/pointwise.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/device_pass.h"
#include "tensor/ops/op.h"
#include "tensor/parallel.h"
#include "tensor/strided.h"

namespace pf {
namespace {

constexpr int64_t thread_share = int64_t(1) << 15;  // elements a thread takes; smaller work stays on the calling thread

bool all_row_major(const PointwisePass& pass) {
  for (int i = 0; i < pass.input_count; ++i)
    if (!(pass.inputs[i]->shape() == pass.shape) || !pass.inputs[i]->is_contiguous() ||
        pass.inputs[i]->device().is_cuda())
      return false;
  return true;
}

bool all_plain(std::span<const Tensor* const> inputs, DType dtype, const Shape& shape) {
  for (const Tensor* x : inputs)
    if (x->dtype() != dtype || x->is_literal() || !(x->shape() == shape) || !x->is_contiguous() ||
        x->device().is_cuda())
      return false;
  return true;
}

// The same pass by the kernels on a GPU; `like` has the shape, type and place of the result.
void run_on_device(const PointwiseKernels& kernels, cuda::PointwiseKind kind, const void* op, const Tensor& like,
                   std::span<const Tensor* const> inputs, std::span<Tensor* const> outputs) {
  if (like.numel() == 0) return;
  std::vector<Tensor> kept;
  backend_of(like).pointwise(cuda::find_launchers(kernels), kind, kernels.name, op,
                             device_pass(like.shape(), like.dtype(), inputs, outputs, kept));
}

// A pass for a recording: the formula's parameters by value, the inputs in a list.
template <class Run>
auto record_pass(const PointwiseKernels& kernels, const void* op, std::span<const Tensor* const> inputs,
                 const Run& run) {
  std::array<std::byte, max_formula_bytes> parameters;
  std::memcpy(parameters.data(), op, kernels.op_bytes);
  std::vector<Tensor> list;
  for (const Tensor* x : inputs) list.push_back(*x);
  const auto body = [parameters, run](const std::vector<Tensor>& x) {
    std::array<const Tensor*, max_pass_inputs> in;
    for (size_t i = 0; i < x.size(); ++i) in[i] = &x[i];
    return run(static_cast<const void*>(parameters.data()), std::span<const Tensor* const>(in.data(), x.size()));
  };
  return detail::watching->run(body, list);
}
// 16-bit numbers are widened for the kernels of float32 and the results rounded, but where the GPU has kernels for them.
bool is_widened(const PointwiseKernels& kernels, cuda::PointwiseKind kind, DType dtype, Device device) {
  if (!is_half(dtype)) return false;
  return !device.is_cuda() || !cuda::find_launchers(kernels).launch[size_t(kind)][size_t(dtype)];
}
struct WidenedInputs {
  std::vector<Tensor> values;
  std::vector<const Tensor*> list;
  explicit WidenedInputs(std::span<const Tensor* const> inputs) {
    for (const Tensor* x : inputs) values.push_back(x->is_literal() ? cast(*x, float32) : widened(*x));
    for (const Tensor& x : values) list.push_back(&x);
  }
};

std::vector<const Tensor*> joined(std::span<const Tensor* const> first, std::initializer_list<const Tensor*> second) {
  std::vector<const Tensor*> out(first.begin(), first.end());
  out.insert(out.end(), second.begin(), second.end());
  return out;
}

}  // namespace

PreparedPass::PreparedPass(const PointwisePass& pass) : pass_(pass) {
  for (int i = 0; i < pass.input_count; ++i) {
    const Tensor& x = *pass.inputs[i];
    check(!x.device().is_cuda(), "this operation has no kernel for ", x.device(), " yet: ", x.shape(),
          "; copy the tensor with to_device(x, Device::cpu())");
    Source& source = sources_[i];
    source.base = static_cast<const std::byte*>(x.raw()) - x.layout().offset * size_of(x.dtype());
    source.element_size = size_of(x.dtype());
    source.in_place = x.shape() == pass.shape && x.is_contiguous();
    if (source.in_place) {
      source.layout.offset = x.layout().offset;
      continue;
    }
    source.layout = collapse(x.layout().expand(pass.shape));
    source.in_place = source.layout.rank() == 1 && source.layout.strides[0] == 1;
    source.constant = source.layout.rank() == 1 && source.layout.strides[0] == 0;
    all_in_place_ &= source.in_place;
  }
}

void PreparedPass::run(int64_t first, int64_t last, int64_t block, const PassBody& body) const {
  std::array<const void*, max_pass_inputs> in;
  std::array<void*, max_pass_outputs> out;
  auto set_outputs = [&](int64_t at) {
    for (int i = 0; i < pass_.output_count; ++i)
      out[i] = pass_.outputs[i] ? static_cast<std::byte*>(pass_.outputs[i]) + at * pass_.output_sizes[i] : nullptr;
  };
  auto in_place_at = [&](int i, int64_t at) {
    return sources_[i].base + (sources_[i].layout.offset + at) * sources_[i].element_size;
  };
  if (all_in_place_) {
    for (int64_t at = first; at < last; at += block) {
      for (int i = 0; i < pass_.input_count; ++i) in[i] = in_place_at(i, at);
      set_outputs(at);
      body(std::min(block, last - at), in.data(), out.data());
    }
    return;
  }
  alignas(64) std::byte buffers[max_pass_inputs][max_block * 8];
  std::array<std::optional<StridedCursor>, max_pass_inputs> cursors;
  for (int i = 0; i < pass_.input_count; ++i) {
    const Source& source = sources_[i];
    if (source.in_place) continue;
    cursors[i].emplace(source.layout, first);
    if (source.constant) cursors[i]->read(source.base, source.element_size, std::min(block, last - first), buffers[i]);
  }
  for (int64_t at = first; at < last; at += block) {
    const int64_t n = std::min(block, last - at);
    for (int i = 0; i < pass_.input_count; ++i) {
      const Source& source = sources_[i];
      if (source.in_place) {
        in[i] = in_place_at(i, at);
      } else {
        if (!source.constant) cursors[i]->read(source.base, source.element_size, n, buffers[i]);
        in[i] = buffers[i];
      }
    }
    set_outputs(at);
    body(n, in.data(), out.data());
  }
}

void run_pass(const PointwisePass& pass, const PassBody& body) {
  const int64_t n = pass.shape.numel();
  if (n == 0) return;
  if (n <= thread_share && all_row_major(pass)) {  // small passes are many: no plan for them
    std::array<const void*, max_pass_inputs> in;
    for (int i = 0; i < pass.input_count; ++i) in[i] = pass.inputs[i]->raw();
    return body(n, in.data(), pass.outputs.data());
  }
  const PreparedPass prepared(pass);
  const int64_t block = prepared.all_in_place_ ? thread_share : PreparedPass::max_block;
  parallel_for((n + thread_share - 1) / thread_share,
               [&](int64_t i) { prepared.run(i * thread_share, std::min(n, (i + 1) * thread_share), block, body); });
}

// A number in a formula takes the element type of what it meets, but must not lose its fraction by that.
static void check_literals(const char* op, const Tensor& typed, std::span<const Tensor* const> inputs) {
  for (const Tensor* x : inputs) {
    if (!x->is_literal() || x->dtype() != float64) continue;
    const double largest = typed.dtype() == boolean ? 1 : 0x1p63;
    for (double value : x->to_vector<double>())
      check(value == std::trunc(value) && std::abs(value) <= largest && (typed.dtype() != boolean || value >= 0), op,
            ": ", typed.dtype(), " ", typed.shape(), " and the number ", value, ": ", typed.dtype(),
            " cannot hold it; convert with cast(x, float32)");
  }
}

DType common_dtype(const char* op, std::span<const Tensor* const> inputs) {
  const Tensor* first = nullptr;
  for (const Tensor* x : inputs) {
    check(x->defined(), op, ": an operand is an empty Tensor handle; initialise it first");
    if (x->is_literal()) continue;
    if (!first) first = x;
    check(x->dtype() == first->dtype(), op, ": ", first->dtype(), " ", first->shape(), " and ", x->dtype(), " ",
          x->shape(), ": element types differ; convert one with cast(x, ", first->dtype(), ")");
    check_same_device(op, *first, *x);
  }
  if (!first) return float64;
  if (!is_floating(first->dtype())) check_literals(op, *first, inputs);
  return first->dtype();
}

Tensor as_operand(const Tensor& x, DType dtype) { return x.is_literal() ? cast(x, dtype) : x; }

Tensor pointwise_forward(const PointwiseKernels& kernels, const void* op, std::span<const Tensor* const> inputs) {
  if (detail::watching) [[unlikely]]
    return record_pass(kernels, op, inputs, [&kernels](const void* formula, std::span<const Tensor* const> x) {
      return pointwise_forward(kernels, formula, x);
    });
  const int n = int(inputs.size());
  const Tensor& first = *inputs[0];
  // The common case first: everything contiguous, one shape, one type.
  if (all_plain(inputs, first.dtype(), first.shape()) && kernels.forward[int(first.dtype())] && first.defined()) {
    Tensor out = Tensor::empty(first.shape(), first.dtype());
    const int64_t count = out.numel();
    void* y = out.mutable_raw();
    auto kernel = kernels.forward[int(first.dtype())];
    std::array<const void*, max_pass_inputs> x;
    for (int i = 0; i < n; ++i) x[i] = inputs[i]->raw();
    if (count <= thread_share) {
      if (count > 0) kernel(op, count, x.data(), y);
      return out;
    }
    const int64_t size = size_of(first.dtype());
    parallel_for((count + thread_share - 1) / thread_share, [&](int64_t c) {
      std::array<const void*, max_pass_inputs> part;
      for (int i = 0; i < n; ++i) part[i] = static_cast<const std::byte*>(x[i]) + c * thread_share * size;
      kernel(op, std::min(thread_share, count - c * thread_share), part.data(),
             static_cast<std::byte*>(y) + c * thread_share * size);
    });
    return out;
  }
  const DType dtype = common_dtype(kernels.name, inputs);
  if (is_widened(kernels, cuda::PointwiseKind::forward, dtype, device_of(inputs)))
    return cast(pointwise_forward(kernels, op, WidenedInputs(inputs).list), dtype);
  auto kernel = kernels.forward[int(arithmetic_type(dtype))];
  check(kernel, kernels.name, ": ", dtype, " ", first.shape(), " is not supported",
        is_floating(dtype) ? "" : "; convert with cast(x, float32)");
  if (const Device device = device_of(inputs); device.is_cuda()) {
    Shape shape = first.shape();
    for (const Tensor* x : inputs) shape = broadcast(shape, x->shape(), kernels.name);
    Tensor out = Tensor::empty(shape, dtype, device);
    run_on_device(kernels, cuda::PointwiseKind::forward, op, out, inputs, std::array{&out});
    const bool all_numbers = std::all_of(inputs.begin(), inputs.end(), [](const Tensor* x) { return x->is_literal(); });
    return all_numbers ? Tensor::literal(std::move(out)) : out;
  }
  std::array<Tensor, max_pass_inputs> operands;
  PointwisePass pass;
  for (int i = 0; i < n; ++i) {
    operands[i] = as_operand(*inputs[i], dtype);
    pass.shape = i ? broadcast(pass.shape, operands[i].shape(), kernels.name) : operands[i].shape();
    pass.read(operands[i]);
  }
  Tensor out = Tensor::empty(pass.shape, dtype);
  pass.write(out.mutable_raw(), dtype);
  run_pass(pass, [&](int64_t count, const void* const* x, void* const* y) { kernel(op, count, x, y[0]); });
  const bool literal = std::all_of(inputs.begin(), inputs.end(), [](const Tensor* x) { return x->is_literal(); });
  return literal ? Tensor::literal(std::move(out)) : out;
}

void pointwise_vjp(const PointwiseKernels& kernels, const void* op, const Tensor& g,
                   std::span<const Tensor* const> inputs, const Tensor& y, std::span<Tensor* const> grads) {
  const int n = int(inputs.size());
  if (detail::watching) [[unlikely]] {
    Wanted wanted{0};
    for (size_t i = 0; i < grads.size(); ++i) wanted.bits |= uint32_t(grads[i] != nullptr) << i;
    const auto found =
        record_pass(kernels, op, joined(inputs, {&y, &g}), [&kernels, wanted, n](const void* formula, auto x) {
          std::array<Tensor, max_pass_outputs> made;
          std::array<Tensor*, max_pass_outputs> to{};
          for (int i = 0; i < n; ++i) to[size_t(i)] = wanted[i] ? &made[size_t(i)] : nullptr;
          pointwise_vjp(kernels, formula, *x[size_t(n) + 1], x.first(size_t(n)), *x[size_t(n)],
                        std::span<Tensor* const>(to.data(), size_t(n)));
          return made;
        });
    for (size_t i = 0; i < grads.size(); ++i)
      if (grads[i]) *grads[i] = found[i];
    return;
  }
  const DType dtype = y.dtype();
  if (is_widened(kernels, cuda::PointwiseKind::vjp, dtype, y.device())) {
    pointwise_vjp(kernels, op, widened(g), WidenedInputs(inputs).list, widened(y), grads);
    for (Tensor* grad : grads)
      if (grad) *grad = cast(*grad, dtype);
    return;
  }
  if (y.device().is_cuda()) {
    for (Tensor* grad : grads)
      if (grad) *grad = Tensor::empty(y.shape(), dtype, y.device());
    return run_on_device(kernels, cuda::PointwiseKind::vjp, op, y, joined(inputs, {&y, &g}), grads);
  }
  PointwisePass pass;
  pass.shape = y.shape();
  for (const Tensor* x : inputs) pass.read(*x);
  pass.read(y);
  pass.read(g);
  for (Tensor* grad : grads) {
    if (grad) *grad = Tensor::empty(y.shape(), dtype);
    pass.write(grad ? grad->mutable_raw() : nullptr, dtype);
  }
  auto kernel = kernels.vjp[int(dtype)];
  check(kernel, kernels.name, ": ", dtype, " has no derivative; convert with cast(x, float32)");
  run_pass(pass,
           [&](int64_t count, const void* const* x, void* const* out) { kernel(op, count, x[n + 1], x, x[n], out); });
}

Tensor pointwise_jvp(const PointwiseKernels& kernels, const void* op, std::span<const Tensor* const> tangents,
                     std::span<const Tensor* const> inputs, const Tensor& y) {
  const int n = int(inputs.size());
  if (detail::watching) [[unlikely]] {
    std::vector<const Tensor*> all = joined(inputs, {&y});
    all.insert(all.end(), tangents.begin(), tangents.end());
    return record_pass(kernels, op, all, [&kernels, n](const void* formula, auto x) {
      const size_t count = size_t(n);
      return pointwise_jvp(kernels, formula, x.subspan(count + 1), x.first(count), *x[count]);
    });
  }
  const DType dtype = y.dtype();
  if (is_widened(kernels, cuda::PointwiseKind::jvp, dtype, y.device()))
    return cast(pointwise_jvp(kernels, op, WidenedInputs(tangents).list, WidenedInputs(inputs).list, widened(y)),
                dtype);
  if (y.device().is_cuda()) {
    Tensor out = Tensor::empty(y.shape(), dtype, y.device());
    std::vector<const Tensor*> all = joined(inputs, {&y});
    all.insert(all.end(), tangents.begin(), tangents.end());
    run_on_device(kernels, cuda::PointwiseKind::jvp, op, y, all, std::array{&out});
    return out;
  }
  PointwisePass pass;
  pass.shape = y.shape();
  for (const Tensor* x : inputs) pass.read(*x);
  pass.read(y);
  for (const Tensor* t : tangents) pass.read(*t);
  Tensor out = Tensor::empty(y.shape(), dtype);
  pass.write(out.mutable_raw(), dtype);
  auto kernel = kernels.jvp[int(dtype)];
  check(kernel, kernels.name, ": ", dtype, " has no derivative; convert with cast(x, float32)");
  run_pass(pass, [&](int64_t count, const void* const* x, void* const* out_block) {
    kernel(op, count, x + n + 1, x, x[n], out_block[0]);
  });
  return out;
}

}  // namespace pf
