#pragma once
// Finding the operation that made the first NaN. Off it costs one branch an operation; the training loop turns it on
// only to repeat a step whose loss was not finite.

#include <span>

#include "autograd/variable.h"

namespace pf {

namespace detail {
inline thread_local bool anomaly_flag = false;
}
inline bool anomaly_detection() { return detail::anomaly_flag; }

/// While this object lives, an operation (or a derivative) that makes a NaN or infinity out of finite inputs throws an
/// Error that names it, its input shapes, and the place where its output has the first one.
class AnomalyDetection {
 public:
  AnomalyDetection() : before_(detail::anomaly_flag) { detail::anomaly_flag = true; }
  ~AnomalyDetection() { detail::anomaly_flag = before_; }
  AnomalyDetection(const AnomalyDetection&) = delete;
  AnomalyDetection& operator=(const AnomalyDetection&) = delete;

 private:
  bool before_;
};

void report_first_nan(const char* op, std::span<const Variable> inputs, const Tensor& output);
void report_nan_gradient(const char* op, const Shape& input, const Tensor& gradient);

}  // namespace pf
