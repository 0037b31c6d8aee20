#pragma once
// The element types, and the one place where a runtime type becomes a compile-time one. The 16-bit ones are for storage:
// operations on them compute in float32 (tensor/ops/op.h).

#include <cstdint>
#include <string>
#include <type_traits>

#include "tensor/error.h"
#include "tensor/half.h"

namespace pf {

enum class DType : uint8_t { float32, float64, int64, boolean, bfloat16, float16 };
inline constexpr int dtype_count = 6;

inline constexpr DType float32 = DType::float32;
inline constexpr DType float64 = DType::float64;
inline constexpr DType int64 = DType::int64;
inline constexpr DType boolean = DType::boolean;
inline constexpr DType bfloat16 = DType::bfloat16;
inline constexpr DType float16 = DType::float16;

constexpr const char* name_of(DType dtype) {
  constexpr const char* names[] = {"float32", "float64", "int64", "bool", "bfloat16", "float16"};
  return names[int(dtype)];
}
inline std::string to_string(DType dtype) { return name_of(dtype); }

constexpr int64_t size_of(DType dtype) {
  constexpr int64_t sizes[] = {4, 8, 8, 1, 2, 2};
  return sizes[int(dtype)];
}

constexpr bool is_half(DType dtype) { return dtype == bfloat16 || dtype == float16; }
constexpr bool is_floating(DType dtype) { return dtype == float32 || dtype == float64 || is_half(dtype); }
/// What elements of a type are computed with.
constexpr DType arithmetic_type(DType dtype) { return is_half(dtype) ? float32 : dtype; }

template <class T> constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return float32;
  else if constexpr (std::is_same_v<T, double>) return float64;
  else if constexpr (std::is_same_v<T, int64_t>) return int64;
  else if constexpr (std::is_same_v<T, BFloat16>) return bfloat16;
  else if constexpr (std::is_same_v<T, Float16>) return float16;
  else {
    static_assert(std::is_same_v<T, bool>, "an element type is float, double, int64_t, bool, BFloat16 or Float16");
    return boolean;
  }
}

/// Calls `body.template operator()<T>()` with the C++ type of `dtype`.
template <class Body> decltype(auto) dispatch(DType dtype, Body&& body) {
  switch (dtype) {
    case DType::float32:
      return body.template operator()<float>();
    case DType::float64:
      return body.template operator()<double>();
    case DType::int64:
      return body.template operator()<int64_t>();
    case DType::bfloat16:
      return body.template operator()<BFloat16>();
    case DType::float16:
      return body.template operator()<Float16>();
    case DType::boolean:
      break;
  }
  return body.template operator()<bool>();
}

/// As `dispatch`, for operations that only make sense on floating-point numbers; `op` names them in the error.
template <class Body> decltype(auto) dispatch_floating(DType dtype, const char* op, Body&& body) {
  if (dtype == float32) return body.template operator()<float>();
  check(dtype == float64, op, ": ", dtype, " input: expected float32 or float64; convert with cast(x, float32)");
  return body.template operator()<double>();
}

/// As `dispatch`, without bool.
template <class Body> decltype(auto) dispatch_numeric(DType dtype, const char* op, Body&& body) {
  if (dtype == int64) return body.template operator()<int64_t>();
  return dispatch_floating(dtype, op, body);
}

/// As `dispatch`, for operations that compute with their operands: 16-bit ones have been widened before.
template <class Body> decltype(auto) dispatch_arithmetic(DType dtype, const char* op, Body&& body) {
  if (dtype == boolean) return body.template operator()<bool>();
  return dispatch_numeric(dtype, op, body);
}

}  // namespace pf
