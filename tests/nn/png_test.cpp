#include "nn/image/png.h"

#include <png.h>

#include <cmath>
#include <cstring>

#include "nn/image/canvas.h"
#include "nn/image/pictures.h"
#include "tensor/files.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::TemporaryFolder;

Image decode(const std::string& bytes) {
  png_image source;
  std::memset(&source, 0, sizeof source);
  source.version = PNG_IMAGE_VERSION;
  check(png_image_begin_read_from_memory(&source, bytes.data(), bytes.size()) != 0, "decode: ", source.message);
  const int channels = source.format & PNG_FORMAT_FLAG_COLOR ? 3 : 1;
  source.format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  Image out(source.width, source.height, channels);
  check(png_image_finish_read(&source, nullptr, out.pixels.data(), 0, nullptr) != 0, "decode: ", source.message);
  return out;
}

bool near(const uint8_t* pixel, Colour c, int tolerance = 2) {
  return std::abs(pixel[0] - c.r * 255) <= tolerance && std::abs(pixel[1] - c.g * 255) <= tolerance &&
         std::abs(pixel[2] - c.b * 255) <= tolerance;
}

TEST(Png, RoundTripsThroughADecoder) {
  TemporaryFolder folder;
  for (int channels : {1, 3})
    for (const auto& [width, height] : {std::pair{1, 1}, {7, 5}, {300, 200}}) {
      Image image(width, height, channels);
      for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = uint8_t(i * 2654435761u >> 11);
      write_png(folder / "x.png", image);
      const Image back = decode(read_file(folder / "x.png"));
      EXPECT_EQ(back.width, width);
      EXPECT_EQ(back.height, height);
      EXPECT_EQ(back.channels, channels);
      EXPECT_TRUE(back.pixels == image.pixels);
    }
  EXPECT_TRUE(contains(error_of([&] { encode_png(Image()); }), "0 × 0 pixels"));
  EXPECT_TRUE(contains(error_of([&] { encode_png(Image(2, 2, 4)); }), "4 channels: expected 1 (grey) or 3 (RGB)"));
}

TEST(Pictures, AGridPlacesImagesInRows) {
  // Three 2 × 3 images of constant grey, on a grid of 2 × 2.
  std::vector<double> values;
  for (double v : {0., 0.5, 2.}) values.insert(values.end(), 6, v);
  values[0] = NAN;
  const Image grid = image_grid(tensor(values, {3, 6}), {2, 3, 1}, 2, 2);
  EXPECT_EQ(grid.width, 2 * 4 + 1);
  EXPECT_EQ(grid.height, 2 * 3 + 1);
  EXPECT_EQ(grid.channels, 1);
  EXPECT_EQ(*grid.at(0, 0), 255);  // the line between
  EXPECT_EQ(*grid.at(1, 1), 0);    // not a number: black
  EXPECT_EQ(*grid.at(3, 2), 0);
  EXPECT_EQ(*grid.at(5, 1), 128);
  EXPECT_EQ(*grid.at(1, 4), 255);  // clamped
  EXPECT_EQ(*grid.at(5, 4), 255);  // empty
  const Image colour = image_grid(tensor({1, 0, 0, 0, 1, 0}, {1, 6}), {1, 2, 3}, 1, 1, 3);
  EXPECT_TRUE(near(colour.at(3, 3), {1, 0, 0}));
  EXPECT_TRUE(near(colour.at(6, 5), {0, 1, 0}));
  EXPECT_TRUE(contains(error_of([] {
                         image_grid(zeros({2, 5}), {2, 3, 1}, 1, 1);
                       }),
                       "expected [n, 6], images of 2×3×1"));
}

TEST(Pictures, PointsLieWhereTheyAre) {
  const Colour red{1, 0, 0}, blue{0, 0, 1};
  const std::vector<Colour> colours = {red, blue, red, red};
  ScatterStyle style;
  style.width = style.height = 100;
  style.alpha = 1;
  style.radius = 3;
  const Image image = scatter(tensor({1, 1, -1, -1, NAN, 0, 1e30, 5}, {4, 2}), Window::square(2), colours, style);
  EXPECT_TRUE(near(image.at(75, 25), red));
  EXPECT_TRUE(near(image.at(25, 75), blue));
  EXPECT_TRUE(near(image.at(25, 25), {1, 1, 1}));
  EXPECT_TRUE(contains(error_of([&] { scatter(zeros({3, 2}), {}, colours); }), "4 colours for 3 points"));
}

TEST(Pictures, HeatMapsGrowLighter) {
  const Image map = heat_map(tensor({0, 1, 2, NAN}, {2, 2}), 4);
  EXPECT_EQ(map.width, 8);
  EXPECT_TRUE(near(map.at(0, 0), sequential_colour(0)));
  EXPECT_TRUE(near(map.at(7, 0), sequential_colour(0.5)));
  EXPECT_TRUE(near(map.at(0, 7), sequential_colour(1)));
  const auto points = window_points({0, 4, 0, 2}, 4, 2).to_vector<double>();
  EXPECT_EQ((std::vector<double>{points[0], points[1], points[14], points[15]}),
            (std::vector<double>{0.5, 1.5, 3.5, 0.5}));
  heat_map(full({2, 2}, NAN), 1);  // nothing finite: a picture all the same
}

TEST(CanvasTest, CoverageAddsUpToTheArea) {
  const auto painted = [](const Canvas& canvas) {
    const Image image = canvas.image();
    double sum = 0;
    for (uint8_t p : image.pixels) sum += p / 255. / 3;
    return sum;
  };
  const Colour white{1, 1, 1};
  Canvas disc(60, 60, {});
  disc.disc(30.3, 29.6, 10, white);
  EXPECT_NEAR(painted(disc), M_PI * 100, 4);
  Canvas line(60, 60, {});
  line.line(10, 12, 50, 42, 4, white);
  EXPECT_NEAR(painted(line), 50 * 4 + M_PI * 4, 4);
  Canvas box(60, 60, {});
  box.rectangle(3.25, 4.5, 10.5, 7.25, white);
  EXPECT_NEAR(painted(box), 10.5 * 7.25, 1);
  Canvas half(10, 10, {});
  half.rectangle(0, 0, 10, 10, white, 0.5);
  EXPECT_NEAR(painted(half), 50, 0.5);
}

TEST(CanvasTest, WhatLiesOutsideIsLeftOut) {
  Canvas canvas(20, 20);
  const Colour c{};
  for (double far : {-1e300, -50., 1e9, double(NAN), double(INFINITY)}) {
    canvas.disc(far, 3, 2, c);
    canvas.line(far, far, far, 5, 1, c);
    canvas.rectangle(far, 2, 1, 1, c);
    canvas.text(far, far, "text", c);
  }
  for (uint8_t p : canvas.image().pixels) EXPECT_EQ(p, 255);
  canvas.line(-1e6, 10.5, 1e6, 10.5, 1, c);
  EXPECT_EQ(*canvas.image().at(10, 10), 0);
  canvas.draw(Image(50, 50, 1, 7), -10, -10);
  EXPECT_EQ(*canvas.image().at(19, 19), 7);
  canvas.text(0, 0, "\xc3\xa9", c);
}

TEST(Colours, AreShownByAnyScreenAndDiffer) {
  for (int i = 0; i <= 100; ++i) {
    const Colour c = sequential_colour(i / 100.);
    for (float v : {c.r, c.g, c.b}) EXPECT_TRUE(v >= 0 && v <= 1);
    if (i > 0) {  // lightness grows all the way
      const Colour before = sequential_colour((i - 1) / 100.);
      EXPECT_GT(0.2126 * std::pow(c.r, 2.2) + 0.7152 * std::pow(c.g, 2.2) + 0.0722 * std::pow(c.b, 2.2),
                0.2126 * std::pow(before.r, 2.2) + 0.7152 * std::pow(before.g, 2.2) + 0.0722 * std::pow(before.b, 2.2));
    }
  }
  // The angle decides the colour, without a seam; the middle is grey.
  const Colour a = noise_colour(-1, 1e-9), b = noise_colour(-1, -1e-9), middle = noise_colour(0, 0),
               right = noise_colour(1, 0);
  EXPECT_NEAR(a.r, b.r, 1e-3);
  EXPECT_NEAR(middle.r, middle.g, 0.1);
  EXPECT_GT(std::abs(right.r - a.r) + std::abs(right.g - a.g) + std::abs(right.b - a.b), 0.3);
  noise_colour(NAN, 1);
  sequential_colour(NAN);
  EXPECT_EQ(noise_colours(zeros({5, 2})).size(), 5u);
}

}  // namespace
}  // namespace pf
