// From numbers to a canvas: axes, dots, heat maps, contours, tables of images.
const font = (size) => `${size}px ${getComputedStyle(document.body).fontFamily}`;
const label = (v) => String(+v.toPrecision(6)).replace("-", "−");

// The canvas at the screen's own resolution, `ratio` = height / width.
function open(canvas, ratio = 1) {
  const width = canvas.clientWidth, height = Math.round(width * ratio);
  const scale = Math.max(window.devicePixelRatio || 1, printing ? 3 : 1);
  const pen = canvas.getContext("2d"), pixels = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) {
    [canvas.width, canvas.height] = pixels;
    canvas.style.aspectRatio = `${width} / ${height}`;
  }
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, ...pixels);
  pen.scale(scale, scale);
  pen.globalAlpha = 1;
  return { pen, width, height };
}

function niceTicks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const ticks = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + 1e-9 * step; v += step)
    ticks.push(Math.abs(v) < step / 1e6 ? 0 : v);
  return ticks;
}

// Frame, ticks and names of a plot; returns the functions from data to canvas.
function axes(view, { x, y, xName, yName, xLabel = label, yLabel = label, left = 34 }) {
  const { pen, width, height } = view, small = width < 230;  // two figures side by side on a phone
  const bottom = small ? 20 : 34;
  if (small) left -= 3;
  const box = { left, top: 5, right: width - 5, bottom: height - bottom };
  const toX = (v) => box.left + (v - x[0]) / (x[1] - x[0]) * (box.right - box.left);
  const toY = (v) => box.bottom - (v - y[0]) / (y[1] - y[0]) * (box.bottom - box.top);
  pen.fillStyle = ink("plot");
  pen.fillRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  const frame = () => {
    pen.globalAlpha = 1;
    pen.strokeStyle = ink("line");
    pen.lineWidth = 1;
    pen.strokeRect(box.left + 0.5, box.top + 0.5, box.right - box.left - 1, box.bottom - box.top - 1);
    pen.fillStyle = ink("soft");
    pen.strokeStyle = ink("tick");
    pen.font = font(11);
    pen.textBaseline = "top";
    pen.textAlign = "center";
    for (const v of niceTicks(x[0], x[1], 4)) {
      if (toX(v) > box.right - 2 && v !== x[1]) continue;
      const text = xLabel(v), half = pen.measureText(text).width / 2;
      pen.beginPath(); pen.moveTo(toX(v), box.bottom); pen.lineTo(toX(v), box.bottom + 4); pen.stroke();
      pen.fillText(text, Math.min(toX(v), width - half), box.bottom + 6);
    }
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const v of niceTicks(y[0], y[1], 4)) {
      pen.beginPath(); pen.moveTo(box.left - 4, toY(v)); pen.lineTo(box.left, toY(v)); pen.stroke();
      pen.fillText(yLabel(v), box.left - 6, Math.max(6, toY(v)));
    }
    if (small) return;
    pen.font = "italic " + font(12);
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    if (xName) pen.fillText(xName, (box.left + box.right) / 2, height);
    if (yName) {
      pen.save();
      pen.translate(10, (box.top + box.bottom) / 2);
      pen.rotate(-Math.PI / 2);
      pen.textBaseline = "middle";
      pen.fillText(yName, 0, 0);
      pen.restore();
    }
  };
  const inside = (draw) => {
    pen.save();
    pen.beginPath();
    pen.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    pen.clip();
    draw();
    pen.restore();
  };
  const fromX = (at) => x[0] + (at - box.left) / (box.right - box.left) * (x[1] - x[0]);
  const fromY = (at) => y[0] + (box.bottom - at) / (box.bottom - box.top) * (y[1] - y[0]);
  return { box, toX, toY, fromX, fromY, frame, inside };
}
const plane = (view, range, names = ["x₁", "x₂"]) =>
  axes(view, { x: [-range, range], y: [-range, range], xName: names[0], yName: names[1] });

function dots(view, plot, points, size, colour, count = rows(points)) {
  const { pen } = view, values = points.values;
  plot.inside(() => {
    for (let i = 0; i < count; ++i) {
      const x = values[2 * i], y = values[2 * i + 1];
      if (x === null || y === null) continue;
      pen.fillStyle = typeof colour === "string" ? colour : colour(i);
      pen.beginPath();
      pen.arc(plot.toX(x), plot.toY(y), size, 0, 2 * Math.PI);
      pen.fill();
    }
  });
}
const cloudDot = (view) => Math.min(1.6, Math.max(0.8, view.width / 215));
function colouredDots(view, plot, points, start) {
  const dark = isDark(), from = start.values;
  const size = Math.min(3.5, Math.max(1.15, view.width / 200 * Math.sqrt(1500 / rows(points))));
  dots(view, plot, points, size, (i) => noiseColour(from[2 * i], from[2 * i + 1], dark));
}

// Two clouds as one, taking turns, so that neither covers the other; from[i] tells whose point i is.
function mixed(first, second, most) {
  const values = [], from = [];
  for (let i = 0; i < most; ++i)
    [second, first].forEach((cloud, k) => {
      if (i >= rows(cloud)) return;
      values.push(cloud.values[2 * i], cloud.values[2 * i + 1]);
      from.push(1 - k);
    });
  return { shape: [from.length, 2], values, from };
}

const heatPictures = new WeakMap();  // of a grid, for each theme
function heatPicture(grid) {
  const key = isDark() ? "dark" : "light";
  if (!heatPictures.has(grid)) heatPictures.set(grid, {});
  const own = heatPictures.get(grid);
  if (own[key]) return own[key];
  const g = grid.shape[0], ramp = heatRamp(), [low, high] = atlas.densityRange;
  const picture = document.createElement("canvas");
  picture.width = picture.height = g;
  const pen = picture.getContext("2d"), image = pen.createImageData(g, g);
  for (let row = 0; row < g; ++row)
    for (let column = 0; column < g; ++column) {
      const v = grid.values[row * g + column];
      const [r, green, b] = ramp(v === null ? 0 : (v - low) / (high - low));
      image.data.set([r, green, b, 255], 4 * ((g - 1 - row) * g + column));
    }
  pen.putImageData(image, 0, 0);
  return (own[key] = picture);
}
// A grid covers the square from -range to range.
function heat(view, plot, grid, range) {
  view.pen.imageSmoothingEnabled = true;
  view.pen.imageSmoothingQuality = "high";
  const left = plot.toX(-range), top = plot.toY(range);
  view.pen.drawImage(heatPicture(grid), left, top, plot.toX(range) - left, plot.toY(-range) - top);
}

// Lines around the smallest regions that hold these shares of the mass of a grid of log densities.
const shares = [0.5, 0.9, 0.99];
const contourLines = new WeakMap();
function contourSegments(grid) {
  if (contourLines.has(grid)) return contourLines.get(grid);
  const g = grid.shape[0], values = grid.values.map((v) => (v === null ? -1e4 : v));
  const sorted = values.map(Math.exp).sort((a, b) => b - a), mass = sorted.reduce((a, b) => a + b, 0), all = [];
  for (const share of shares) {
    let inside = 0, i = 0;
    while (i < sorted.length - 1 && (inside += sorted[i]) < share * mass) ++i;
    const level = Math.log(sorted[i]), segments = [];
    const value = (k) => Math.max(values[k], level - 8);  // far below is far enough: the line stays between cells
    for (let row = 0; row + 1 < g; ++row)
      for (let column = 0; column + 1 < g; ++column) {
        const corners = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]];
        const cut = [];
        corners.forEach((a, k) => {
          const b = corners[(k + 1) % 4], va = value(a[1] * g + a[0]) - level, vb = value(b[1] * g + b[0]) - level;
          if (va < 0 === vb < 0) return;
          const part = va / (va - vb);
          cut.push([a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])]);
        });
        for (let k = 0; k + 1 < cut.length; k += 2) segments.push([cut[k], cut[k + 1]]);
      }
    all.push(segments);
  }
  contourLines.set(grid, all);
  return all;
}
function contours(view, plot, grid, range) {
  const { pen } = view, g = grid.shape[0], centre = (i) => range * ((2 * i + 1) / g - 1);
  plot.inside(() => {
    pen.strokeStyle = ink("contour");
    contourSegments(grid).forEach((segments, k) => {
      pen.globalAlpha = 1 - 0.25 * k;
      pen.lineWidth = 1.2;
      pen.beginPath();
      for (const [a, b] of segments) {
        pen.moveTo(plot.toX(centre(a[0])), plot.toY(centre(a[1])));
        pen.lineTo(plot.toX(centre(b[0])), plot.toY(centre(b[1])));
      }
      pen.stroke();
    });
  });
}
function density(canvas, grid) {
  const view = open(canvas), plot = plane(view, atlas.range);
  heat(view, plot, grid, atlas.range);
  plot.frame();
}

// A table of images. After every `group` rows there is a wider gap; colour(k), where given, is a line below image k.
function tiles(canvas, pictures, columns, { group = 0, colour = null } = {}) {
  const [h, w] = atlas.image, lines = Math.ceil(pictures.length / columns), gap = colour ? 5 : 2;
  const cell = (canvas.clientWidth + gap) / columns, tall = (cell - gap) * h / w + gap;
  const top = (line) => line * tall + (group ? 6 * Math.floor(line / group) : 0);
  const view = open(canvas, (top(lines - 1) + tall - (colour ? 1 : gap)) / canvas.clientWidth);
  const buffer = document.createElement("canvas");
  buffer.width = w;
  buffer.height = h;
  const pen = buffer.getContext("2d"), image = pen.createImageData(w, h);
  view.pen.imageSmoothingEnabled = true;
  view.pen.imageSmoothingQuality = "high";
  pictures.forEach((bytes, k) => {
    if (!bytes) return;
    const x = (k % columns) * cell, y = top(Math.floor(k / columns));
    for (let i = 0; i < w * h; ++i) image.data.set([bytes[i], bytes[i], bytes[i], 255], 4 * i);
    pen.putImageData(image, 0, 0);
    view.pen.drawImage(buffer, x, y, cell - gap, tall - gap);
    if (!colour || !colour(k)) return;
    view.pen.fillStyle = colour(k);
    view.pen.fillRect(x, y + tall - gap + 1, cell - gap, 2.5);
  });
}
// For images: sample k comes from noise point k, whose colour it carries.
function tileColour(panel) {
  const noise = noiseOf(panel);
  if (!noise) return null;
  return (k) => (k < rows(noise) ? noiseColour(noise.values[2 * k], noise.values[2 * k + 1], isDark()) : null);
}
function pictures(images, most = Infinity) {
  const bytes = bytesOf(images), size = images.shape[2], count = Math.min(most, images.shape[0] * images.shape[1]);
  return Array.from({ length: count }, (_, k) => bytes.subarray(k * size, (k + 1) * size));
}
