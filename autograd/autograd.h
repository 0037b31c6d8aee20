#pragma once
// All that is needed to differentiate: operations on variables, and the functions that take derivatives.

#include "autograd/apply.h"
#include "autograd/engine.h"
