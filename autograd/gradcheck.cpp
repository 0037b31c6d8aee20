#include "autograd/gradcheck.h"

#include <algorithm>
#include <cmath>

#include "tensor/random.h"

namespace pf {
namespace {

using Tensors = std::vector<Tensor>;
using Variables = std::vector<Variable>;

double dot(const Tensor& a, const Tensor& b) { return sum(a * b).item(); }

Tensor unit(const Shape& shape, int64_t i) {
  Tensor out = zeros(shape, float64);
  out.mutable_data<double>()[i] = 1;
  return out;
}

class Checker {
 public:
  Checker(const ListMap& f, const Tensors& inputs, const GradcheckOptions& options)
      : f_(f), options_(options), rng_(options.seed) {
    report_.tolerance = options.tolerance;
    for (const Tensor& x : inputs) {
      check(x.defined(), "gradcheck: input ", inputs_.size(), " is an empty Tensor handle");
      if (is_floating(x.dtype())) active_.push_back(inputs_.size());
      inputs_.push_back(is_floating(x.dtype()) ? cast(x, float64) : x);
    }
    check(!active_.empty(), "gradcheck: none of the ", inputs.size(), " inputs is floating-point");
  }

  GradcheckReport run() {
    const Run at = start(inputs_);
    const Shape& shape = at.y.shape();
    projection_ = rng_.normal(shape, float64);
    for (size_t i : active_) tangents_.push_back(rng_.rademacher(inputs_[i].shape(), float64));

    const Tensors gradient = plain_gradient(at);
    count_ = &report_.first_order;
    for (size_t k = 0; k < active_.size(); ++k)
      check(gradient[k].shape() == at.x[k].shape() && gradient[k].dtype() == float64,
            "gradcheck: the gradient of input ", active_[k], " ", at.x[k].shape(), " is ", gradient[k].dtype(), " ",
            gradient[k].shape());
    against_differences("first order", gradient, [&](const Tensors& x) { return dot(projection_, value(x)); });

    // What follows builds on what is right so far: the first thing that is wrong is the one to report.
    count_ = &report_.forward_mode;
    if (options_.forward_mode && report_.ok()) forward(at, gradient);
    count_ = &report_.second_order;
    if (options_.second_order && report_.ok()) second(at, gradient);
    return report_;
  }

 private:
  struct Run {
    Variables x;  // the active inputs, tracked
    Variable y;
  };
  Run start(const Tensors& inputs) const {
    Run run;
    Variables all;
    for (const Tensor& x : inputs) {
      all.push_back(is_floating(x.dtype()) ? tracked(x) : Variable(x));
      if (all.back().tracked()) run.x.push_back(all.back());
    }
    run.y = f_(all);
    check(run.y.defined() && run.y.dtype() == float64, "gradcheck: float64 inputs gave ",
          run.y.defined() ? join(run.y.dtype(), " ", run.y.shape()) : "an empty handle", ": expected float64");
    return run;
  }
  Tensor value(const Tensors& inputs) const {
    const Variables all(inputs.begin(), inputs.end());
    return f_(all).value();
  }
  Tensors plain_gradient(const Run& run) const { return pull_cotangents<Tensor>(run.y, run.x, projection_, unused_); }
  /// ⟨Jᵀg, t⟩ by plain reverse mode.
  double directional(const Tensors& inputs) const {
    const Tensors gradient = plain_gradient(start(inputs));
    double total = 0;
    for (size_t k = 0; k < gradient.size(); ++k) total += dot(gradient[k], tangents_[k]);
    return total;
  }

  void compare(double found, double expected, const std::string& what, const char* against = "differences give") {
    ++*count_;
    double error = std::abs(found - expected) / std::max({1.0, std::abs(found), std::abs(expected)});
    if (!(error <= 1e300)) error = INFINITY;  // NaN too
    if (error > report_.worst_error || report_.worst.empty()) {
      report_.worst_error = std::max(error, report_.worst_error);
      report_.worst = join(what, ": ", found, ", ", against, " ", expected);
    }
  }

  /// The derivative of φ when active input k moves along `direction`: two central differences, extrapolated.
  template <class Phi> double difference(const Phi& phi, size_t k, const Tensor& direction) const {
    auto central = [&](double h) {
      Tensors up = inputs_, down = inputs_;
      up[active_[k]] = inputs_[active_[k]] + direction * h;
      down[active_[k]] = inputs_[active_[k]] - direction * h;
      return (phi(up) - phi(down)) / (2 * h);
    };
    return (4 * central(options_.step / 2) - central(options_.step)) / 3;
  }
  template <class Phi> void against_differences(const char* order, const Tensors& gradient, const Phi& phi) {
    for (size_t k = 0; k < active_.size(); ++k) {
      const Shape& shape = gradient[k].shape();
      const std::string place = join(order, ", input ", active_[k], " ", shape);
      if (shape.numel() <= options_.exhaustive) {
        const std::vector<double> elements = gradient[k].to_vector<double>();
        for (int64_t i = 0; i < shape.numel(); ++i)
          compare(elements[size_t(i)], difference(phi, k, unit(shape, i)), join(place, ", element ", i));
      } else {
        for (int i = 0; i < options_.directions; ++i) {
          const Tensor direction = rng_.rademacher(shape, float64);
          compare(dot(gradient[k], direction), difference(phi, k, direction),
                  join(place, ", along a random direction"));
        }
      }
    }
  }

  void forward(const Run& at, const Tensors& gradient) {
    const char* against = "⟨Jᵀg, t⟩ is";
    double total = 0, differences = 0;
    for (size_t k = 0; k < active_.size(); ++k) {
      const double expected = dot(gradient[k], tangents_[k]);
      total += expected;
      differences += difference([&](const Tensors& x) { return dot(projection_, value(x)); }, k, tangents_[k]);
      if (active_.size() == 1) continue;
      Tensors alone(active_.size());
      alone[k] = tangents_[k];
      compare(dot(projection_, push_tangents<Tensor>(at.y, at.x, alone)), expected,
              join("forward mode, tangent of input ", active_[k], " alone"), against);
    }
    const double found = dot(projection_, push_tangents<Tensor>(at.y, at.x, tangents_));
    compare(found, total, "forward mode", against);
    compare(found, differences, "forward mode");
  }

  void second(const Run& at, const Tensors& gradient) {
    const Variable g = tracked(projection_);
    const Variables recorded = pull_cotangents<Variable>(at.y, at.x, g, unused_);
    Variable product(zeros({}, float64));
    for (size_t k = 0; k < recorded.size(); ++k) {
      const Tensor gap = recorded[k].value() - gradient[k];
      compare(std::sqrt(dot(gap, gap)), 0, join("recorded minus plain gradient of input ", active_[k]), "expected");
      product = product + sum(recorded[k] * tangents_[k]);
    }
    Variables targets = at.x;
    targets.push_back(g);
    Tensors curvature = pull_cotangents<Tensor>(product, targets, ones({}, float64), unused_);
    compare(dot(curvature.back(), projection_), product.item(), "second order, along the cotangent", "expected");
    curvature.pop_back();
    against_differences("second order", curvature, [&](const Tensors& x) { return directional(x); });
    if (!options_.forward_mode) return;

    const Variables tangents(tangents_.begin(), tangents_.end());
    const Variable rising = push_tangents<Variable>(at.y, at.x, tangents);
    const Tensors over_forward = pull_cotangents<Tensor>(sum(rising * projection_), at.x, ones({}, float64), unused_);
    const char* against = "reverse over reverse gives";
    double total = 0;
    for (size_t k = 0; k < active_.size(); ++k) {
      const double expected = dot(curvature[k], tangents_[k]);
      total += expected;
      compare(dot(over_forward[k], tangents_[k]), expected, join("reverse over forward, input ", active_[k]), against);
    }
    compare(push_tangents<Tensor>(product, at.x, tangents_).item(), total, "forward over reverse", against);
  }

  static constexpr WalkOptions unused_{.allow_unused = true};
  const ListMap& f_;
  GradcheckOptions options_;
  Rng rng_;
  Tensors inputs_;
  std::vector<size_t> active_;  // the inputs that are differentiated
  Tensor projection_;           // g: the random projection of the result
  Tensors tangents_;            // t: one for each active input
  GradcheckReport report_;
  int64_t* count_ = &report_.first_order;
};

}  // namespace

GradcheckReport gradcheck(const ListMap& f, const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  return Checker(f, inputs, options).run();
}

std::string to_string(const GradcheckReport& report) {
  return join(report.comparisons(), " comparisons (", report.first_order, " of first order, ", report.forward_mode,
              " of forward mode, ", report.second_order, " of second order), largest error ", report.worst_error, " (",
              report.ok() ? "allowed " : "more than ", report.tolerance, ")", report.worst.empty() ? "" : ": ",
              report.worst);
}

}  // namespace pf
