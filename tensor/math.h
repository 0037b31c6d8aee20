#pragma once

// The elementary functions `pf::math::f(V)`, V = float, double, Vec<float> or Vec<double>.

#include "tensor/math/exp.h"
#include "tensor/math/inverse_trig.h"
#include "tensor/math/erf.h"
#include "tensor/math/hyperbolic.h"
#include "tensor/math/log.h"
#include "tensor/math/logistic.h"
#include "tensor/math/trig.h"
