#pragma once
// Text for pictures at any size: letters as strokes with round ends, drawn smooth.

#include <string>
#include <string_view>
#include <vector>

#include "nn/image/canvas.h"

namespace pf {

/// How text is set: `size` is the height of a capital in pixels, `weight` the thickness of its strokes.
struct Lettering {
  double size = 10, weight = 1.3;
  Colour colour = {0.11f, 0.13f, 0.15f};
};

enum class Align { left, centre, right };

/// UTF-8; x is where the text begins, has its middle or ends; `baseline` is the line that letters stand on. Characters
/// without a shape are drawn as a small box.
void write(Canvas& canvas, double x, double baseline, std::string_view text, const Lettering& style,
           Align align = Align::left);
double width_of(std::string_view text, const Lettering& style);
/// The text broken at spaces into lines no wider than `width` pixels (a single longer word stands alone), the last of
/// at most `most` lines ending in "…" where not all fits.
std::vector<std::string> lines_of(std::string_view text, double width, const Lettering& style, size_t most = 2);

}  // namespace pf
