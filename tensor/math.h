#pragma once

// The elementary functions `pf::math::f(V)` for V = float, double, and with tensor/simd.h also Vec<float>, Vec<double>. Bounds of their errors:
// tests/tensor/math_test.cpp.

#include "tensor/math/erf.h"
#include "tensor/math/exp.h"
#include "tensor/math/gamma.h"
#include "tensor/math/hyperbolic.h"
#include "tensor/math/inverse_trig.h"
#include "tensor/math/log.h"
#include "tensor/math/logistic.h"
#include "tensor/math/normal.h"
#include "tensor/math/pow.h"
#include "tensor/math/trig.h"
