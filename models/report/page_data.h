#pragma once
// What the page's figures are drawn from: one JSON value with every array of an AtlasPage, rounded and, where they are
// more than fit into the page, thinned.

#include "models/report/atlas_page.h"
#include "tensor/json.h"

namespace pf {

/// All figures' data. Arrays are {"shape": […], "values": […]} in row-major order, rounded to 4 significant digits, NaN
/// and infinities null; images {"shape": […], "bytes": base64 of 0…255}. `thinning` 0 keeps everything up to what a
/// screen can show; each step beyond keeps about half.
Json page_data(const AtlasPage& page, int thinning = 0);

/// An error, naming panel and field, unless every tensor has the shape that AtlasPage promises.
void check_page(const AtlasPage& page);

/// All log densities are shown on one scale of so many nats, whose top is the highest value that is not an outlier.
constexpr double density_span = 7;
double density_top(const AtlasPage& page);

/// Any floating tensor's elements as doubles, row-major.
std::vector<double> numbers_of(const Tensor& x);

/// `value` rounded to so many significant digits.
double round_to(double value, int digits);

std::string base64(const std::vector<uint8_t>& bytes);

}  // namespace pf
