#pragma once
// The image figures of an atlas's pictures: samples, interpolations, and samples with their nearest training images.

#include "models/report/plots.h"

namespace pf::plots {

/// The height of a table of images that is `cell` wide; after every `group` rows there is a wider gap.
double table_height(const AtlasPage& page, size_t count, int64_t columns, int64_t group = 0);
/// The first images of [n, pixels] or [rows, columns, pixels].
void draw_grid(Canvas& canvas, double x, double y, const AtlasPage& page, const Tensor& images, size_t most = 64,
               int64_t columns = 8);

int64_t interpolation_columns(const AtlasPanel& panel);
/// How many images of interpolations are shown: up to 8 rows.
size_t interpolation_count(const AtlasPanel& panel);

/// How many samples are shown with their nearest training image.
size_t pair_count(const AtlasPanel& panel);
double pairs_height(const AtlasPage& page, size_t pairs);
/// A row of samples above the row of their nearest training images, and so on.
void draw_nearest(Canvas& canvas, double x, double y, const AtlasPage& page, const AtlasPanel& panel);

}  // namespace pf::plots
