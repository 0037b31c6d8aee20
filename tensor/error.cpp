#include "tensor/error.h"

#include <cstdio>

namespace pf::detail {

void append(std::string& out, double part) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", part);
  out += text;
}

void append(std::string& out, int64_t part) { out += std::to_string(part); }

}  // namespace pf::detail
