#pragma once
// Colours whose differences look as large as they are: all are made in OKLCH (Ottosson 2020), where equal steps of
// lightness, chroma and hue look about equal.

namespace pf {

/// sRGB as displayed, each 0 … 1.
struct Colour {
  float r = 0, g = 0, b = 0;
};

/// lightness 0 … 1, chroma 0 … about 0.3, hue in turns (0 pink-red, ¼ yellow, ½ green-blue, ¾ blue). What a screen cannot show loses chroma.
Colour from_oklch(double lightness, double chroma, double hue);

/// t from 0 to 1: dark violet, blue, green, yellow, with lightness in even steps.
Colour sequential_colour(double t);

/// A colour for a point of the standard normal plane, so that each can be found again wherever a map takes it: the angle
/// is the hue; the middle is grey and the chroma grows with the share of points that are nearer to the middle.
Colour noise_colour(double x, double y);

/// The k-th of any number of colours for kinds of things; neighbours differ clearly.
Colour category_colour(int k);

}  // namespace pf
