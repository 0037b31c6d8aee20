#include <algorithm>

#include "arrays.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/norm.h"
#include "tensor/ops/power.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/scan.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/sum_of.h"

namespace pf::testing {
namespace {

// Every set of axes, of every layout of every shape.
template <class Body>
void for_reductions(const std::vector<Shape>& shapes, std::initializer_list<DType> dtypes, const Body& body) {
  for (const Shape& shape : shapes)
    for (DType dtype : dtypes)
      for (const auto& [how, x] : layouts(shape, dtype))
        for (unsigned bits = 0; bits < 1u << shape.rank(); ++bits)
          for (bool keepdim : {false, true}) {
            Shape axes, kept, to;
            for (int i = 0; i < shape.rank(); ++i) {
              if (bits >> i & 1) axes.push_back(i);
              kept.push_back(bits >> i & 1 ? 1 : shape[i]);
              if (!(bits >> i & 1) || keepdim) to.push_back(kept.back());
            }
            SCOPED_TRACE(join(shape, " ", dtype, " ", how, " over ", axes, keepdim ? " kept" : ""));
            body(x, axes, keepdim, kept, to);
          }
}

// The elements that go into each result, in row-major order.
std::vector<std::vector<double>> groups(const Tensor& x, const Shape& kept) {
  std::vector<std::vector<double>> out(size_t(kept.numel()));
  for_each_index(x.shape(), [&](const Shape& index) {
    int64_t at = 0;
    for (int i = 0; i < kept.rank(); ++i) at = at * kept[i] + (kept[i] == 1 ? 0 : index[i]);
    out[size_t(at)].push_back(x.at(index));
  });
  return out;
}

void expect_groups(const Tensor& got, const Tensor& x, const Shape& kept, const Shape& shape,
                   const std::function<double(const std::vector<double>&)>& reduce, double tolerance) {
  ASSERT_EQ(to_string(got.shape()), to_string(shape));
  const auto list = groups(x, kept);
  const auto is = values(got);
  for (size_t i = 0; i < list.size(); ++i) {
    const double want = reduce(list[i]);
    if (is[i] == want || (std::isnan(is[i]) && std::isnan(want))) continue;
    ASSERT_NEAR(is[i], want, tolerance * std::max(1.0, std::abs(want))) << "result " << i;
  }
}

const std::vector<Shape> shapes = {{}, {1}, {7}, {5, 3}, {3, 1, 4}, {2, 3, 40}, {33, 5}, {2, 2, 2, 3}};

double sum_of_list(const std::vector<double>& v) {
  double s = 0;
  for (double x : v) s += x;
  return s;
}

TEST(Reduce, SumAndMean) {
  for_reductions(shapes, {float32, float64, int64},
                 [](const Tensor& x, const Shape& axes, bool keepdim, const Shape& kept, const Shape& to) {
                   const double tolerance = x.dtype() == float32 ? 1e-5 : 1e-13;
                   expect_groups(sum(x, Axes(axes), keepdim), x, kept, to, sum_of_list, tolerance);
                   if (is_floating(x.dtype()))
                     expect_groups(
                         mean(x, Axes(axes), keepdim), x, kept, to,
                         [](const auto& v) { return sum_of_list(v) / double(v.size()); }, tolerance);
                 });
}

TEST(Reduce, LargeArraysOfEveryForm) {
  for (const Shape& shape :
       {Shape{50, 40, 70}, Shape{9000, 3}, Shape{3, 35000}, Shape{600, 200}, Shape{40, 2500}, Shape{9, 4, 3, 311}})
    for (const auto& [how, x] : layouts(shape, float64))
      for (int axis = 0; axis < shape.rank(); ++axis) {
        SCOPED_TRACE(join(shape, " ", how, " over ", axis));
        Shape kept = shape, to = shape;
        kept[axis] = 1;
        to.erase(axis);
        const std::vector<double> list = values(x);
        std::vector<double> wanted(size_t(kept.numel()), 0.0);
        int64_t inner = 1;
        for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
        for (size_t i = 0; i < list.size(); ++i)
          wanted[size_t(int64_t(i) / (inner * shape[axis]) * inner + int64_t(i) % inner)] += list[i];
        const std::vector<double> is = values(sum(x, axis));
        for (size_t i = 0; i < is.size(); ++i)
          ASSERT_NEAR(is[i], wanted[i], 1e-11 * std::max(1.0, std::abs(wanted[i]))) << i;
      }
}

TEST(Reduce, FloatSumsAreAccurate) {
  const int64_t n = 10'000'000;
  EXPECT_NEAR(sum(full({n}, 0.1)).item(), double(0.1f) * double(n), 0.5);
  EXPECT_NEAR(sum(full({n / 2, 2}, 0.1), 0).at({1}), double(0.1f) * double(n) / 2, 0.5);
  EXPECT_NEAR(mean(full({1000, 1000}, 0.1)).item(), double(0.1f), 1e-7);
}

TEST(Reduce, ThreadsDoNotChangeBits) {
  for (const Shape& shape : {Shape{300'000}, Shape{60'000, 7}, Shape{7, 60'000}, Shape{600, 500}, Shape{50, 20, 300}}) {
    const Tensor x = numbers(shape, float32);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      expect_threads_agree([&] { return sum(x, axis); });
      expect_threads_agree([&] { return sum(flip(x, axis), axis); });
      expect_threads_agree([&] { return logsumexp(x, axis); });
      expect_threads_agree([&] { return softmax(x, axis); });
      expect_threads_agree([&] { return sum_of(Square{}, axis, x); });
    }
    expect_threads_agree([&] { return sum(x); });
    expect_threads_agree([&] { return max(x); });
    expect_threads_agree([&] { return argmax(x, 0); });
    expect_threads_agree([&] { return sum_of(Square{}, {}, x); });
  }
}

TEST(Reduce, Empty) {
  EXPECT_EQ(sum(zeros({0})).item(), 0);
  EXPECT_EQ(values(sum(zeros({0, 2}), 0)), (std::vector<double>{0, 0}));
  EXPECT_EQ(sum(zeros({0, 2}), 1).numel(), 0);
  EXPECT_EQ(prod(zeros({0, 1}), 0).item(), 1);
  EXPECT_EQ(logsumexp(zeros({0})).item(), -INFINITY);
  EXPECT_EQ(sum_of(Square{}, {}, zeros({0, 3})).item(), 0);
  EXPECT_EQ(softmax(zeros({0, 3})).numel(), 0);
  EXPECT_EQ(error_of([] {
              max(zeros({2, 0}), 1);
            }),
            "max: [2, 0] has no elements along the reduced axes, so there is no largest one");
  EXPECT_EQ(error_of([] { argmin(zeros({0})); }),
            "argmin: [0] has no elements along the reduced axes, so there is no smallest one");
  EXPECT_EQ(error_of([] { mean(zeros({0})); }),
            "mean: [0] has no elements along the reduced axes, so there is no mean");
  EXPECT_EQ(max(zeros({2, 0}), 0).numel(), 0);
}

TEST(Reduce, Errors) {
  EXPECT_EQ(error_of([] { sum(zeros({2, 3}), 2); }), "sum: axis 2 of a tensor with 2 axes: expected -2 to 1");
  EXPECT_EQ(error_of([] { sum(zeros({2, 3}), {0, -2}); }), "sum: axis -2 is given twice");
  EXPECT_EQ(error_of([] { sum(cast(zeros({2}), boolean)); }),
            "sum: bool input: expected float32 or float64; convert with cast(x, float32)");
  EXPECT_EQ(error_of([] { var(zeros({1})); }),
            "var: [1]: 1 elements in each result and correction 1: expected more elements than the correction");
}

TEST(Reduce, Variance) {
  const Tensor x = numbers({4, 5});
  expect_elements(var(x, 1), {4}, [&](const Shape& i) {
    double m = 0, s = 0;
    for (int64_t k = 0; k < 5; ++k) m += x.at({i[0], k}) / 5;
    for (int64_t k = 0; k < 5; ++k) s += std::pow(x.at({i[0], k}) - m, 2) / 4;
    return s;
  });
  EXPECT_NEAR(var(x, {}, 0).item(), var(x).item() * 19 / 20, 1e-14);
}

TEST(Extremes, ValuesAndPlaces) {
  for_reductions(shapes, {float32, float64, int64},
                 [](const Tensor& x, const Shape& axes, bool keepdim, const Shape& kept, const Shape& to) {
                   using List = std::vector<double>;
                   expect_groups(
                       max(x, Axes(axes), keepdim), x, kept, to,
                       [](const List& v) { return *std::max_element(v.begin(), v.end()); }, 0);
                   expect_groups(
                       min(x, Axes(axes), keepdim), x, kept, to,
                       [](const List& v) { return *std::min_element(v.begin(), v.end()); }, 0);
                   expect_groups(
                       argmax(x, Axes(axes), keepdim), x, kept, to,
                       [](const List& v) { return double(std::max_element(v.begin(), v.end()) - v.begin()); }, 0);
                   expect_groups(
                       argmin(x, Axes(axes), keepdim), x, kept, to,
                       [](const List& v) { return double(std::min_element(v.begin(), v.end()) - v.begin()); }, 0);
                 });
}

TEST(Extremes, NotANumberWins) {
  for (int64_t n : {3, 40, 100})
    for (int64_t at : {int64_t(0), n / 2, n - 1}) {
      std::vector<double> list(size_t(n), 1.0);
      list[size_t(at)] = NAN;
      const Tensor x = tensor(list);
      EXPECT_TRUE(std::isnan(max(x).item()));
      EXPECT_TRUE(std::isnan(min(x).item()));
      EXPECT_EQ(argmax(x).item(), double(at));
      EXPECT_TRUE(std::isnan(max(expand(x, {5, n}), 1).at({2})));
    }
}

TEST(Extremes, DerivativeGoesToTheFirst) {
  const Tensor x = tensor({1, 3, 3, 2, 3, 0}, {2, 3}, float64);
  EXPECT_EQ(values(Extreme<true>{1}.vjp({}, tensor({5, 7}, float64), x, max(x, 1))[0]),
            (std::vector<double>{0, 5, 0, 0, 7, 0}));
  EXPECT_EQ(values(Extreme<true>{0}.vjp({}, tensor({5, 7, 9}, float64), x, max(x, 0))[0]),
            (std::vector<double>{0, 7, 9, 5, 0, 0}));
  EXPECT_EQ(values(Extreme<true>{}.vjp({}, tensor({5}, {}, float64), x, max(x))[0]),
            (std::vector<double>{0, 5, 0, 0, 0, 0}));
}

TEST(Scan, RunningSums) {
  for (DType dtype : {float32, float64, int64})
    for (const auto& [how, x] : layouts({3, 4, 5}, dtype))
      for (int axis : {0, 1, 2}) {
        SCOPED_TRACE(join(how, " ", axis));
        expect_elements(
            cumsum(x, axis), {3, 4, 5},
            [&](const Shape& i) {
              double s = 0;
              Shape at = i;
              for (at[axis] = 0; at[axis] <= i[axis]; ++at[axis]) s += x.at(at);
              return s;
            },
            1e-6);
        const Tensor g = numbers({3, 4, 5}, dtype, 3);
        EXPECT_NEAR(sum(cumsum(x, axis) * g).item(), sum(x * Cumsum{axis}.adjoint(g, x.shape())).item(), 1e-4);
      }
}

TEST(Scan, Products) {
  for (int64_t n : {1, 2, 3, 5, 8, 13}) {
    const Tensor x = numbers({n, 3});
    expect_elements(prod(x, 0), {3}, [&](const Shape& i) {
      double p = 1;
      for (int64_t k = 0; k < n; ++k) p *= x.at({k, i[0]});
      return p;
    });
    for (bool keepdim : {false, true}) {
      const Tensor y = Prod{0, keepdim}.composite(x);
      EXPECT_NEAR(sum(abs(y - prod(x, 0, keepdim))).item(), 0, 1e-12);
    }
  }
  EXPECT_EQ(prod(tensor({2, 3, 4}, int64)).item(), 24);
}

TEST(Softmax, AgainstDefinition) {
  for (DType dtype : {float32, float64})
    for (const Shape& shape : {Shape{3, 5}, Shape{2, 3, 4}, Shape{4, 33}, Shape{2, 1000}})
      for (const auto& [how, x] : layouts(shape, dtype))
        for (int axis = 0; axis < shape.rank(); ++axis) {
          SCOPED_TRACE(join(shape, " ", how, " ", axis));
          const double tolerance = dtype == float32 ? 2e-6 : 1e-13;
          Shape to = shape;
          to[axis] = 1;
          std::vector<double> totals;
          const Tensor y = softmax(x, axis), l = log_softmax(x, axis), s = logsumexp(x, axis, true);
          expect_elements(
              s, to,
              [&](const Shape& i) {
                double total = 0;
                Shape at = i;
                for (at[axis] = 0; at[axis] < shape[axis]; ++at[axis]) total += std::exp(x.at(at));
                return std::log(total);
              },
              tolerance);
          expect_elements(
              l, shape,
              [&](const Shape& i) {
                Shape at = i;
                at[axis] = 0;
                return x.at(i) - s.at(at);
              },
              tolerance);
          expect_elements(
              y, shape, [&](const Shape& i) { return std::exp(l.at(i)); }, tolerance);
          // The fused derivative and the rule agree.
          const Tensor g = numbers(shape, dtype, 12);
          const Tensor a = Softmax{axis}.fused_vjp({}, g, x, y)[0], b = Softmax{axis}.vjp({}, g, x, y)[0];
          EXPECT_LT(max(abs(a - b)).item(), 1e-5);
          const Tensor c = LogSoftmax{axis}.fused_vjp({}, g, x, l)[0], d = LogSoftmax{axis}.vjp({}, g, x, l)[0];
          EXPECT_LT(max(abs(c - d)).item(), 2e-5);
        }
}

TEST(Softmax, ExtremeArguments) {
  EXPECT_EQ(logsumexp(tensor({1000, 1000}, float64)).item(), 1000 + std::log(2.0));
  EXPECT_EQ(logsumexp(tensor({-1000, -1000})).item(), float(-1000 + std::log(2.0)));
  EXPECT_EQ(logsumexp(tensor({-INFINITY, -INFINITY})).item(), -INFINITY);
  EXPECT_EQ(logsumexp(tensor({INFINITY, 0})).item(), INFINITY);
  EXPECT_EQ(logsumexp(tensor({-INFINITY, 3})).item(), 3);
  EXPECT_TRUE(std::isnan(logsumexp(tensor({NAN, 3})).item()));
  EXPECT_EQ(values(softmax(tensor({-INFINITY, 3}))), (std::vector<double>{0, 1}));
  const Tensor x = tensor({-INFINITY, -INFINITY}), y = logsumexp(x);
  EXPECT_EQ(values(LogSumExp{}.vjp({}, ones({}), x, y)[0]), (std::vector<double>{0, 0}));
}

TEST(SumOf, EqualsTheSumOfTheFormula) {
  for (DType dtype : {float32, float64, int64})
    for (const Shape& shape :
         {Shape{7, 3}, Shape{2, 5, 4}, Shape{3, 700}, Shape{2, 1, 1024}, Shape{300, 2}, Shape{2, 40000}})
      for (const auto& [how, x] : layouts(shape, dtype))
        for (const Axes& axes : {Axes(), Axes(-1), Axes(0), Axes{0, 1}, Axes::none()}) {
          SCOPED_TRACE(join(shape, " ", dtype, " ", how));
          const Tensor fused = sum_of(Square{}, axes, x), plain = sum(square(x), axes);
          ASSERT_EQ(to_string(fused.shape()), to_string(plain.shape()));
          if (dtype == int64) {
            EXPECT_TRUE(same_bits(fused, plain));
            continue;
          }
          EXPECT_LT(max(abs(fused - plain) / plain).item(), dtype == float32 ? 1e-5 : 1e-13);
          // The derivative in one pass is 2 x g.
          const Tensor g = numbers(plain.shape(), dtype, 13);
          const SumOf<Square> op{{}, axes};
          const Tensor spread = detail::spread(g, axes, shape, "test");
          EXPECT_LT(max(abs(op.fused_vjp({}, g, x, fused)[0] - x * spread * 2.0)).item(), 1e-5);
          const Tensor root = SumOf<Sqrt>{{}, axes}.fused_vjp({}, g, abs(x) + 1.0, fused)[0];
          EXPECT_LT(max(abs(root - spread * 0.5 / sqrt(abs(x) + 1.0))).item(), 1e-5);
        }
}

TEST(SumOf, BroadcastsInputs) {
  const Tensor a = numbers({4, 1}), b = numbers({3}, float64, 2);
  EXPECT_NEAR(max(abs(sum_of(Mul{}, -1, a, b) - sum(a * b, -1))).item(), 0, 1e-14);
  EXPECT_NEAR(max(abs(sum_of(Mul{}, 0, a, b) - sum(a * b, 0))).item(), 0, 1e-14);
}

TEST(Norm, SafeAtZero) {
  const Tensor x = tensor({3, 4, 0, 0}, {2, 2}, float64);
  EXPECT_EQ(values(norm(x, -1)), (std::vector<double>{5, 0}));
  EXPECT_EQ(norm(x).item(), 5);
  expect_elements(Norm{-1}.vjp({}, ones({2}, float64), x, norm(x, -1))[0], {2, 2},
                  [&](const Shape& i) { return x.at(i) / 5; });
}

}  // namespace
}  // namespace pf::testing
