#pragma once
// Canvas: smooth discs, lines, rectangles and small text, for pictures of points in the plane.

#include <string_view>
#include <vector>

#include "nn/image/colour.h"
#include "nn/image/image.h"

namespace pf {

/// Positions are in pixels from the upper left corner; pixel (i, j) covers [i, i + 1) × [j, j + 1). What lies outside is
/// left out, and so is what is not finite.
class Canvas {
 public:
  Canvas(int64_t width, int64_t height, Colour background = {1, 1, 1});

  int64_t width() const { return width_; }
  int64_t height() const { return height_; }
  void disc(double x, double y, double radius, Colour colour, double alpha = 1);
  void line(double x0, double y0, double x1, double y1, double thickness, Colour colour, double alpha = 1);
  void rectangle(double x, double y, double width, double height, Colour colour, double alpha = 1);
  /// ASCII in a 5 × 7 font, enlarged `scale` times; (x, y) is the upper left corner. Other characters are drawn as boxes.
  void text(double x, double y, std::string_view text, Colour colour, int scale = 1);
  static int64_t text_width(std::string_view text, int scale = 1) {
    return text.empty() ? 0 : int64_t(text.size()) * 6 * scale - scale;
  }
  void draw(const Image& image, int64_t x, int64_t y);

  Image image() const;

 private:
  template <class Coverage>
  void paint(double x0, double y0, double x1, double y1, Colour colour, double alpha, Coverage&& coverage);
  void blend(int64_t x, int64_t y, Colour colour, float alpha);

  int64_t width_, height_;
  std::vector<Colour> pixels_;
};

}  // namespace pf
