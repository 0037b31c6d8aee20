#include "tensor/ops/comparison.h"

#include <cmath>
#include <cstring>

#include "tensor/device_pass.h"
#include "tensor/pointwise.h"

namespace pf {
namespace {

constexpr const char* names[] = {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"};

// One loop a comparison and type; everything else is shared.
template <class T, class F> void fill(int64_t n, const void* const* in, void* out, F f) {
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[1]);
  bool* y = static_cast<bool*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
}

template <class T> void compare_block(Comparison comparison, int64_t n, const void* const* in, void* out) {
  switch (comparison) {
    case Comparison::less:
      return fill<T>(n, in, out, [](T a, T b) { return a < b; });
    case Comparison::less_equal:
      return fill<T>(n, in, out, [](T a, T b) { return a <= b; });
    case Comparison::equal:
      return fill<T>(n, in, out, [](T a, T b) { return a == b; });
    default:
      return fill<T>(n, in, out, [](T a, T b) { return a != b; });
  }
}

template <class T> void test_block(FloatTest test, int64_t n, const void* in, void* out) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const T* x = static_cast<const T*>(in);
  bool* y = static_cast<bool*>(out);
  auto fill_with = [&](auto f) {
    for (int64_t i = 0; i < n; ++i) y[i] = f(x[i]);
  };
  switch (test) {
    case FloatTest::nan:
      return fill_with([](T v) { return v != v; });
    case FloatTest::infinite:
      return fill_with([](T v) { return std::abs(v) == infinity; });
    case FloatTest::finite:
      return fill_with([](T v) { return std::abs(v) < infinity; });
  }
}

void check_mask(const Tensor& x, const char* op) {
  check(x.defined() && x.dtype() == boolean, op, ": ", x.dtype(), " ", x.shape(),
        ": expected bool; not_equal(x, 0) makes one");
}

Tensor on_device(cuda::Elementwise kind, DType dtype, std::initializer_list<const Tensor*> inputs, Tensor out) {
  std::vector<Tensor> kept;
  if (out.numel() > 0)
    backend_of(out).elementwise(
        kind, device_pass(out.shape(), dtype, std::span(inputs.begin(), inputs.size()), std::array{&out}, kept));
  return out;
}

Tensor combine(const char* op, const Tensor& a, const Tensor& b, bool is_and) {
  if (detail::watching) [[unlikely]]
    return detail::watching->run([=](const Tensor& p, const Tensor& q) { return combine(op, p, q, is_and); }, a, b);
  check_mask(a, op);
  check_mask(b, op);
  check_same_device(op, a, b);
  Tensor out = Tensor::empty(broadcast(a.shape(), b.shape(), op), boolean, a.device());
  if (a.device().is_cuda())
    return on_device(is_and ? cuda::Elementwise::logical_and : cuda::Elementwise::logical_or, boolean, {&a, &b},
                     std::move(out));
  PointwisePass pass{.shape = out.shape()};
  pass.read(a);
  pass.read(b);
  pass.write(out.mutable_raw(), boolean);
  run_pass(pass, [is_and](int64_t n, const void* const* in, void* const* y) {
    if (is_and) fill<uint8_t>(n, in, y[0], [](uint8_t p, uint8_t q) { return p & q; });
    else fill<uint8_t>(n, in, y[0], [](uint8_t p, uint8_t q) { return p | q; });
  });
  return out;
}

// Whether the value occurs among the elements.
bool contains(const Tensor& mask, bool value) {
  if (mask.numel() == 0) return false;
  const Tensor row = to_device(contiguous(mask), Device::cpu());
  return std::memchr(row.raw(), value, size_t(row.numel())) != nullptr;
}

}  // namespace

Tensor compare(Comparison comparison, const Tensor& a, const Tensor& b) {
  if (detail::watching) [[unlikely]]
    return detail::watching->run([=](const Tensor& p, const Tensor& q) { return compare(comparison, p, q); }, a, b);
  if (comparison == Comparison::greater || comparison == Comparison::greater_equal) {
    // The same as the opposite one with exchanged operands, but for the name in errors.
    const char* op = names[int(comparison)];
    const Tensor* operands[] = {&a, &b};
    check(common_dtype(op, operands) != boolean, op, ": bool ", a.shape(),
          ": expected numbers; convert with cast(x, int64)");
    broadcast(a.shape(), b.shape(), op);
    return compare(comparison == Comparison::greater ? Comparison::less : Comparison::less_equal, b, a);
  }
  const char* op = names[int(comparison)];
  const Tensor* operands[] = {&a, &b};
  const DType dtype = common_dtype(op, operands);
  if (is_half(dtype)) return compare(comparison, widened(a), widened(b));
  const bool ordered = comparison == Comparison::less || comparison == Comparison::less_equal;
  check(!ordered || dtype != boolean, op, ": bool ", a.shape(), ": expected numbers; convert with cast(x, int64)");
  if (const Device device = device_of(operands); device.is_cuda()) {
    constexpr cuda::Elementwise kinds[] = {cuda::Elementwise::less,  cuda::Elementwise::less_equal,
                                           cuda::Elementwise::less,  cuda::Elementwise::less_equal,
                                           cuda::Elementwise::equal, cuda::Elementwise::not_equal};
    return on_device(kinds[int(comparison)], dtype, {&a, &b},
                     Tensor::empty(broadcast(a.shape(), b.shape(), op), boolean, device));
  }
  const Tensor left = as_operand(a, dtype), right = as_operand(b, dtype);
  Tensor out = Tensor::empty(broadcast(a.shape(), b.shape(), op), boolean);
  PointwisePass pass{.shape = out.shape()};
  pass.read(left);
  pass.read(right);
  pass.write(out.mutable_raw(), boolean);
  run_pass(pass, [comparison, dtype, op](int64_t n, const void* const* in, void* const* y) {
    dispatch_arithmetic(dtype, op, [&]<class T>() { compare_block<T>(comparison, n, in, y[0]); });
  });
  return out;
}

Tensor test_elements(FloatTest test, const Tensor& x) {
  if (detail::watching) [[unlikely]]
    return detail::watching->run([=](const Tensor& in) { return test_elements(test, in); }, x);
  constexpr const char* test_names[] = {"isnan", "isinf", "isfinite"};
  check(x.defined(), test_names[int(test)], ": the operand is an empty Tensor handle; initialise it first");
  if (is_half(x.dtype())) return test_elements(test, widened(x));
  if (!is_floating(x.dtype())) return full(x.shape(), test == FloatTest::finite, boolean, x.device());
  Tensor out = Tensor::empty(x.shape(), boolean, x.device());
  if (x.device().is_cuda()) {
    constexpr cuda::Elementwise kinds[] = {cuda::Elementwise::isnan, cuda::Elementwise::isinf,
                                           cuda::Elementwise::isfinite};
    return on_device(kinds[int(test)], x.dtype(), {&x}, std::move(out));
  }
  PointwisePass pass{.shape = out.shape()};
  pass.read(x);
  pass.write(out.mutable_raw(), boolean);
  run_pass(pass, [&](int64_t n, const void* const* in, void* const* y) {
    if (x.dtype() == float32) test_block<float>(test, n, in[0], y[0]);
    else test_block<double>(test, n, in[0], y[0]);
  });
  return out;
}

Tensor logical_and(const Tensor& a, const Tensor& b) { return combine("logical_and", a, b, true); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return combine("logical_or", a, b, false); }
Tensor logical_not(const Tensor& x) {
  check_mask(x, "logical_not");
  return equal(x, full({}, 0, boolean, x.device()));
}
bool all(const Tensor& mask) {
  check_mask(mask, "all");
  return !contains(mask, false);
}
bool any(const Tensor& mask) {
  check_mask(mask, "any");
  return contains(mask, true);
}

}  // namespace pf
