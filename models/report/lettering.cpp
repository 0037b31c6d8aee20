#include "models/report/lettering.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

namespace pf {
namespace {

struct Point {
  double x, y;
};
struct Glyph {
  std::vector<std::vector<Point>> strokes;
  double width = 0;
};

// Strokes as points "x y x y …", separated by ";". One that begins with "~" is a smooth curve through its points. Units:
// the baseline is 0, small letters reach 5, capitals 7, descenders -2.
constexpr const char* ring_capital = "~2.8 7 1.1 6.3 0.05 3.5 1.1 0.7 2.8 0 4.5 0.7 5.55 3.5 4.5 6.3 2.8 7";
constexpr const char* ring_small = "~4 3.7 3.2 4.75 2 5 0.6 4.2 0.05 2.5 0.6 0.8 2 0 3.2 0.25 4 1.3";
constexpr const char* ring_left = "~0 3.7 0.8 4.75 2 5 3.4 4.2 3.95 2.5 3.4 0.8 2 0 0.8 0.25 0 1.3";
constexpr const char* six =
    "~3.8 6.2 2.6 7 1.1 6.3 0.2 4.5 0.05 2.4 0.6 0.7 2.1 0 3.6 0.7 4.2 2.2 3.6 3.7 2.2 4.3 0.8 3.6 0.1 2.3";
constexpr const char* nine =
    "~0.5 0.8 1.7 0 3.2 0.7 4.1 2.5 4.25 4.6 3.7 6.3 2.2 7 0.7 6.3 0.1 4.8 0.7 3.3 2.1 2.7 3.5 3.4 4.2 4.7";

const std::pair<const char*, std::string> shapes[] = {
    {"A", "0 0 2.5 7 5 0;0.85 2.4 4.15 2.4"},
    {"B",
     "2.4 3.7 0 3.7 0 0 2.6 0;0 3.7 0 7 2.3 7;~2.3 7 3.7 6.6 4.2 5.4 3.7 4.2 2.3 3.7;~2.4 3.7 4.1 3.2 4.7 1.9 4.1 0.5 "
     "2.6 0"},
    {"C", "~5.1 5.5 4.2 6.7 2.8 7 1.1 6.3 0.05 3.5 1.1 0.7 2.8 0 4.2 0.3 5.1 1.5"},
    {"D", "2 0 0 0 0 7 2 7;~2 7 4.2 6.2 5.1 3.5 4.2 0.8 2 0"},
    {"E", "4.2 7 0 7 0 0 4.2 0;0 3.6 3.6 3.6"},
    {"F", "4.2 7 0 7 0 0;0 3.6 3.4 3.6"},
    {"G", "~5.1 5.5 4.2 6.7 2.8 7 1.1 6.3 0.05 3.5 1.1 0.7 2.8 0 4.3 0.4 5.2 1.6;5.2 1.6 5.2 3.3 3.1 3.3"},
    {"H", "0 0 0 7;5 0 5 7;0 3.6 5 3.6"},
    {"I", "0 0 0 7"},
    {"J", "2.9 7 2.9 2;~2.9 2 2.5 0.5 1.4 0 0.4 0.4 0 1.6"},
    {"K", "0 0 0 7;4.6 7 0 2.6;1.6 4.2 4.9 0"},
    {"L", "0 7 0 0 4 0"},
    {"M", "0 0 0 7 3 1.5 6 7 6 0"},
    {"N", "0 0 0 7 5 0 5 7"},
    {"O", ring_capital},
    {"P", "0 0 0 7 2.5 7;~2.5 7 4.2 6.5 4.7 5.1 4.2 3.7 2.5 3.2;2.5 3.2 0 3.2"},
    {"Q", std::string(ring_capital) + ";3.5 1.7 5.6 -0.6"},
    {"R", "0 0 0 7 2.5 7;~2.5 7 4.2 6.5 4.7 5.1 4.2 3.7 2.5 3.2;2.5 3.2 0 3.2;2.5 3.2 4.9 0"},
    {"S", "~4.5 5.8 3.8 6.7 2.4 7 0.8 6.5 0.3 5.3 0.9 4.2 2.5 3.6 4.1 3 4.8 1.8 4.1 0.5 2.4 0 0.8 0.4 0 1.5"},
    {"T", "0 7 5 7;2.5 7 2.5 0"},
    {"U", "0 7 0 2.4;~0 2.4 0.6 0.7 2.4 0 4.2 0.7 4.8 2.4;4.8 2.4 4.8 7"},
    {"V", "0 7 2.5 0 5 7"},
    {"W", "0 7 1.7 0 3.4 6.6 5.1 0 6.8 7"},
    {"X", "0 7 5 0;0 0 5 7"},
    {"Y", "0 7 2.5 3.4 5 7;2.5 3.4 2.5 0"},
    {"Z", "0 7 4.8 7 0 0 4.8 0"},
    {"a", std::string(ring_small) + ";4 5 4 0"},
    {"b", std::string(ring_left) + ";0 7 0 0"},
    {"c", "~3.8 4 3.1 4.8 2 5 0.6 4.2 0.05 2.5 0.6 0.8 2 0 3.1 0.2 3.8 1"},
    {"d", std::string(ring_small) + ";4 7 4 0"},
    {"e", "0.1 2.7 4 2.7;~4 2.7 3.5 4.3 2.1 5 0.6 4.2 0.05 2.5 0.6 0.8 2.1 0 3.2 0.2 3.9 1"},
    {"f", "~2.6 6.9 1.6 6.95 1 6.3 0.9 5;0.9 5 0.9 0;0 5 2.4 5"},
    {"g", std::string(ring_small) + ";4 5 4 0;~4 0 3.5 -1.6 2.1 -2.05 0.5 -1.5"},
    {"h", "0 7 0 0;~0 3.5 0.9 4.7 2.1 5 3.3 4.5 3.7 3.2;3.7 3.2 3.7 0"},
    {"i", "0 5 0 0;0 6.8 0 6.9"},
    {"j", "0.8 5 0.8 -1;~0.8 -1 0.5 -1.8 -0.3 -2;0.8 6.8 0.8 6.9"},
    {"k", "0 7 0 0;3.5 5 0 1.8;1.3 3 3.7 0"},
    {"l", "0 7 0 0"},
    {"m", "0 5 0 0;~0 3.5 0.8 4.7 1.7 5 2.7 4.5 3 3.2;3 3.2 3 0;~3 3.5 3.8 4.7 4.7 5 5.7 4.5 6 3.2;6 3.2 6 0"},
    {"n", "0 5 0 0;~0 3.5 0.9 4.7 2.1 5 3.3 4.5 3.7 3.2;3.7 3.2 3.7 0"},
    {"o", "~2.1 5 0.6 4.2 0.05 2.5 0.6 0.8 2.1 0 3.6 0.8 4.15 2.5 3.6 4.2 2.1 5"},
    {"p", std::string(ring_left) + ";0 5 0 -2"},
    {"q", std::string(ring_small) + ";4 5 4 -2"},
    {"r", "0 5 0 0;~0 3.3 0.7 4.6 1.6 5 2.4 4.9"},
    {"s", "~3.3 4.2 2.7 4.8 1.7 5 0.6 4.6 0.3 3.8 0.8 3 1.8 2.6 3 2.1 3.5 1.3 2.9 0.3 1.7 0 0.6 0.3 0 1"},
    {"t", "0.9 6.6 0.9 1.2;~0.9 1.2 1.3 0.2 2.4 0.05;0 5 2.4 5"},
    {"u", "0 5 0 1.8;~0 1.8 0.4 0.5 1.6 0 2.8 0.3 3.7 1.5;3.7 5 3.7 0"},
    {"v", "0 5 1.9 0 3.8 5"},
    {"w", "0 5 1.4 0 2.8 4.6 4.2 0 5.6 5"},
    {"x", "0 5 3.6 0;0 0 3.6 5"},
    {"y", "0 5 1.9 0.2;3.8 5 1.7 -0.8;~1.7 -0.8 1.2 -1.8 0 -2"},
    {"z", "0 5 3.5 5 0 0 3.5 0"},
    {"0", "~2.2 7 0.8 6.2 0.05 3.5 0.8 0.8 2.2 0 3.6 0.8 4.35 3.5 3.6 6.2 2.2 7"},
    {"1", "0.4 5.6 2.1 7 2.1 0"},
    {"2", "~0.2 5.3 0.8 6.5 2.2 7 3.7 6.4 4.2 5.2 3.7 3.8 2.3 2.2;2.3 2.2 0.1 0 4.4 0"},
    {"3", "~0.3 5.9 1 6.8 2.2 7 3.6 6.5 4 5.3 3.5 4.1 2 3.7;~2 3.7 3.8 3.1 4.3 1.9 3.7 0.5 2.1 0 0.7 0.4 0 1.4"},
    {"4", "3.4 0 3.4 7 0 2 4.6 2"},
    {"5", "3.9 7 0.7 7 0.4 3.8;~0.4 3.8 2 4.5 3.6 3.9 4.3 2.3 3.6 0.6 2 0 0.7 0.4 0 1.3"},
    {"6", six},
    {"7", "0 7 4.3 7 1.5 0"},
    {"8",
     "~2.2 3.8 0.9 4.3 0.4 5.4 0.9 6.6 2.2 7 3.5 6.6 4 5.4 3.5 4.3 2.2 3.8 0.6 3.1 0 1.9 0.6 0.5 2.2 0 3.8 0.5 4.4 1.9 "
     "3.8 3.1 2.2 3.8"},
    {"9", nine},
    {".", "0.2 0 0.2 0.1"},
    {",", "0.4 0.1 0.35 -0.4 0 -1.2"},
    {":", "0.2 0 0.2 0.1;0.2 4.4 0.2 4.5"},
    {";", "0.4 0.1 0.35 -0.4 0 -1.2;0.4 4.4 0.4 4.5"},
    {"!", "0.2 7 0.2 2;0.2 0 0.2 0.1"},
    {"?", "~0 5.6 0.7 6.7 2 7 3.4 6.5 3.8 5.3 3.2 4 2.2 3.2 1.9 2;1.9 0 1.9 0.1"},
    {"'", "0.2 7 0.2 5"},
    {"\"", "0.2 7 0.2 5;1.6 7 1.6 5"},
    {"(", "~1.5 8 0.5 6 0 3 0.5 0 1.5 -2"},
    {")", "~0 8 1 6 1.5 3 1 0 0 -2"},
    {"[", "1.5 8 0 8 0 -1.5 1.5 -1.5"},
    {"]", "0 8 1.5 8 1.5 -1.5 0 -1.5"},
    {"/", "0 -1 3 8"},
    {"+", "0 3 4 3;2 5 2 1"},
    {"-", "0 2.6 2.4 2.6"},
    {"_", "0 -1 4 -1"},
    {"=", "0 4 4 4;0 2 4 2"},
    {"<", "4 5.5 0 3 4 0.5"},
    {">", "0 5.5 4 3 0 0.5"},
    {"%", "0 0 5 7;~1.2 7 0.1 5.6 1.2 4.2 2.3 5.6 1.2 7;~4.2 2.8 3.1 1.4 4.2 0 5.3 1.4 4.2 2.8"},
    {"*", "2 6.8 2 3.2;0.4 5.9 3.6 4.1;0.4 4.1 3.6 5.9"},
    {"#", "1 0 2 7;3.4 0 4.4 7;0.2 2.2 4.8 2.2;0.6 4.8 5.2 4.8"},
    {"&", "~5 0 2.8 2.6 1 5.2 1.4 6.7 2.6 6.9 3.2 5.6 2.2 4.3 0.5 2.8 0.1 1.2 1.4 0 3.2 0.4 4.8 3"},
    {"|", "0 8 0 -2"},
    {"−", "0 3 3.8 3"},
    {"±", "0 3.8 4 3.8;2 5.8 2 1.8;0 0.3 4 0.3"},
    {"×", "0 5 3.6 1.2;0 1.2 3.6 5"},
    {"·", "0.3 3 0.3 3.1"},
    {"–", "0 2.6 3.6 2.6"},
    {"≤", "4 6 0 4 4 2;0 0.3 4 0.3"},
    {"²", "~0.1 6.6 1 7.3 2 6.8 1.6 5.8;1.6 5.8 0 4 2.3 4"},
    {"₁", "0.2 1.2 1.1 2 1.1 -1.5"},
    {"₂", "~0.1 1.2 1 2 2 1.5 1.6 0.5;1.6 0.5 0 -1.5 2.3 -1.5"},
    {"→", "0 3 6 3;4.2 4.8 6 3 4.2 1.2"},
    {"…", "0.2 0 0.2 0.1;2.2 0 2.2 0.1;4.2 0 4.2 0.1"},
};

constexpr double space = 3.6, gap = 1.75;

/// Catmull–Rom: a curve through all points, its direction at each one that between its neighbours.
std::vector<Point> smooth(const std::vector<Point>& points) {
  std::vector<Point> out;
  auto at = [&](int64_t i) { return points[size_t(std::clamp<int64_t>(i, 0, int64_t(points.size()) - 1))]; };
  constexpr int pieces = 5;
  for (int64_t i = 0; i + 1 < int64_t(points.size()); ++i)
    for (int k = i == 0 ? 0 : 1; k <= pieces; ++k) {
      double t = double(k) / pieces, a = ((2 - t) * t - 1) * t / 2, b = ((3 * t - 5) * t * t + 2) / 2,
             c = ((4 - 3 * t) * t + 1) * t / 2, d = (t - 1) * t * t / 2;
      Point p = at(i - 1), q = at(i), r = at(i + 1), s = at(i + 2);
      out.push_back({a * p.x + b * q.x + c * r.x + d * s.x, a * p.y + b * q.y + c * r.y + d * s.y});
    }
  return out;
}

struct Segment {
  Point from, along;
  double squared;  // of its length
};
double squared_distance(double x, double y, const Segment& s) {
  x -= s.from.x, y -= s.from.y;
  const double t = s.squared > 0 ? std::clamp((x * s.along.x + y * s.along.y) / s.squared, 0.0, 1.0) : 0;
  x -= t * s.along.x, y -= t * s.along.y;
  return x * x + y * y;
}

Glyph glyph_from(const std::string& shape) {
  Glyph glyph;
  const char* at = shape.c_str();
  while (*at) {
    bool curved = *at == '~';
    if (curved) ++at;
    std::vector<Point> points;
    while (*at && *at != ';') {
      char* next;
      double x = std::strtod(at, &next), y = std::strtod(next, &next);
      points.push_back({x, y});
      at = next;
    }
    if (*at == ';') ++at;
    for (const Point& p : points) glyph.width = std::max(glyph.width, p.x);
    glyph.strokes.push_back(curved ? smooth(points) : points);
  }
  return glyph;
}

const Glyph& glyph_of(std::string_view character) {
  static const auto glyphs = [] {
    std::map<std::string, Glyph, std::less<>> all;
    for (const auto& [name, shape] : shapes) all[name] = glyph_from(shape);
    return all;
  }();
  static const Glyph box = glyph_from("0.3 0 0.3 5 3.3 5 3.3 0 0.3 0");
  auto found = glyphs.find(character);
  return found == glyphs.end() ? box : found->second;
}

/// Calls visit(glyph or null for a space, x in units) for each character; returns the whole width in units.
template <class Visit> double layout(std::string_view text, Visit&& visit) {
  double x = 0;
  for (size_t i = 0; i < text.size();) {
    size_t length = 1;
    while (i + length < text.size() && (uint8_t(text[i + length]) & 0xC0) == 0x80) ++length;
    std::string_view character = text.substr(i, length);
    i += length;
    if (character == " " || character == "\u00a0" || character == "\u202f") {
      x += character == "\u202f" ? space / 2 : space;
      continue;
    }
    const Glyph& glyph = glyph_of(character);
    visit(glyph, x);
    x += glyph.width + gap;
  }
  return std::max(0.0, x - gap);
}

}  // namespace

void write(Canvas& canvas, double x, double baseline, std::string_view text, const Lettering& style, Align align) {
  if (align != Align::left) x -= width_of(text, style) * (align == Align::centre ? 0.5 : 1);
  const double unit = style.size / 7, half = std::max(style.weight, 1.0) / 2;
  layout(text, [&](const Glyph& glyph, double at) {
    std::vector<Segment> segments;
    for (const auto& stroke : glyph.strokes)
      for (size_t i = 0; i + 1 < stroke.size(); ++i) {
        const Point from = {x + (at + stroke[i].x) * unit, baseline - stroke[i].y * unit};
        const Point along = {(stroke[i + 1].x - stroke[i].x) * unit, (stroke[i].y - stroke[i + 1].y) * unit};
        segments.push_back({from, along, along.x * along.x + along.y * along.y});
      }
    // Each pixel by its distance to the whole letter: pieces drawn one over another would darken where they meet.
    const double left = std::floor(x + (at - 1) * unit - half), right = x + (at + glyph.width + 1) * unit + half;
    const double top = std::floor(baseline - 8.5 * unit - half), bottom = baseline + 2.6 * unit + half;
    for (double py = top; py < bottom; ++py)
      for (double px = left; px < right; ++px) {
        double nearest = 1e18;
        for (const Segment& s : segments) nearest = std::min(nearest, squared_distance(px + 0.5, py + 0.5, s));
        const double covered = std::clamp(half + 0.5 - std::sqrt(nearest), 0.0, 1.0);
        if (covered > 0) canvas.rectangle(px, py, 1, 1, style.colour, covered);
      }
  });
}

double width_of(std::string_view text, const Lettering& style) {
  return layout(text, [](const Glyph&, double) {}) * style.size / 7;
}

std::vector<std::string> lines_of(std::string_view text, double width, const Lettering& style, size_t most) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find(' ', at), text.size());
    std::string word(text.substr(at, end - at));
    at = end + 1;
    if (word.empty()) continue;
    if (!lines.empty() && width_of(lines.back() + " " + word, style) <= width) lines.back() += " " + word;
    else lines.push_back(word);
  }
  if (lines.size() > most) {
    lines.resize(most);
    lines.back() += "…";
  }
  return lines;
}

}  // namespace pf
