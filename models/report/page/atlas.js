"use strict";
// Draws every canvas with a data-figure from the JSON in #atlas-data. One function per kind of figure.
(() => {
  const atlas = JSON.parse(document.getElementById("atlas-data").textContent);
  const root = document.documentElement;

  // Themes ------------------------------------------------------------------------------------------------------
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const themeButton = document.getElementById("theme");
  let printing = false;
  const isDark = () => !printing && (root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches);
  const remember = (theme) => { try { localStorage.setItem("pushforward-theme", theme); } catch { /* private window */ } };
  const remembered = () => { try { return localStorage.getItem("pushforward-theme"); } catch { return null; } };
  if (remembered() === "dark" || remembered() === "light") root.dataset.theme = remembered();

  function ink(name) { return getComputedStyle(root).getPropertyValue("--" + name).trim(); }
  function rgb(hex) { return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)); }

  // Colours -----------------------------------------------------------------------------------------------------
  // OKLCH to sRGB (Björn Ottosson): equal steps of lightness look equal, and hues keep theirs.
  function oklch(lightness, chroma, hue) {
    const a = chroma * Math.cos(hue), b = chroma * Math.sin(hue);
    const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
    const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3;
    const linear = [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
      -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s, -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s];
    return linear.map((c) => {
      const v = Math.min(1, Math.max(0, c));
      return Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
    });
  }
  // A noise point's colour: hue from its direction, lightness from its distance (the share of a normal base inside it).
  function noiseColour(x, y, dark) {
    const share = 1 - Math.exp(-(x * x + y * y) / 2);
    const lightness = dark ? 0.92 - 0.30 * share : 0.42 + 0.30 * share;
    return `rgb(${oklch(lightness, 0.05 + 0.11 * share, Math.atan2(y, x))})`;
  }
  function heatRamp() {
    const stops = [0, 1, 2, 3].map((i) => rgb(ink("heat-" + i)));
    return (t) => {
      const at = Math.min(2.9999, Math.max(0, 3 * t)), i = Math.floor(at), part = at - i;
      return stops[i].map((c, k) => c + part * (stops[i + 1][k] - c));
    };
  }

  // Data --------------------------------------------------------------------------------------------------------
  const rows = (array) => (array ? array.shape[0] : 0);
  const noiseOf = (panel) => panel.base || atlas.noise;
  function bytesOf(images) {
    const text = atob(images.bytes), bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
    return bytes;
  }
  const noiseRange = (() => {
    let largest = 1;
    if (atlas.noise) for (const v of atlas.noise.values) largest = Math.max(largest, Math.abs(v));
    return Math.min(4, Math.ceil(largest * 2) / 2);
  })();

  // Drawing -----------------------------------------------------------------------------------------------------
  const font = (size) => `${size}px ${getComputedStyle(document.body).fontFamily}`;
  const label = (v) => String(+v.toPrecision(6)).replace("-", "−");

  // The canvas at the screen's own resolution, `ratio` = height / width.
  function open(canvas, ratio = 1) {
    const width = canvas.clientWidth, height = Math.round(width * ratio), scale = Math.max(window.devicePixelRatio || 1, printing ? 3 : 1);
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.aspectRatio = `${width} / ${height}`;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    return { pen, width, height };
  }

  function niceTicks(low, high, count) {
    const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
    const ticks = [];
    for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + 1e-9 * step; v += step) ticks.push(Math.abs(v) < step / 1e6 ? 0 : v);
    return ticks;
  }

  // Frame, ticks and names of a plot; returns the functions from data to canvas.
  function axes(view, { x, y, xName, yName, xLabel = label, yLabel = label, left = 34 }) {
    const { pen, width, height } = view, small = width < 230;  // two figures side by side on a phone
    const bottom = small ? 20 : 34;
    if (small) left -= 12;
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
    return { box, toX, toY, frame, inside };
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

  function heat(view, plot, grid) {
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
    view.pen.imageSmoothingEnabled = true;
    view.pen.imageSmoothingQuality = "high";
    const { left, top, right, bottom } = plot.box;
    view.pen.drawImage(picture, left, top, right - left, bottom - top);
  }
  function density(canvas, grid) {
    const view = open(canvas), plot = plane(view, atlas.range);
    heat(view, plot, grid);
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

  // Figures -----------------------------------------------------------------------------------------------------
  const figures = {
    noise(canvas) {
      const view = open(canvas), plot = plane(view, noiseRange, ["z₁", "z₂"]);
      colouredDots(view, plot, atlas.noise, atlas.noise);
      plot.frame();
    },

    data(canvas) {
      if (atlas.image) return tiles(canvas, pictures(atlas.data, 64), 8);
      const view = open(canvas), plot = plane(view, atlas.range);
      view.pen.globalAlpha = 0.75;
      dots(view, plot, atlas.data, cloudDot(view), ink("soft"), Math.min(rows(atlas.data), 2000));
      plot.frame();
    },

    truth(canvas) { density(canvas, atlas.trueDensity); },

    push(canvas, panel) {
      const view = open(canvas), plot = plane(view, atlas.image ? noiseRange : atlas.range);
      colouredDots(view, plot, panel.pushed, noiseOf(panel));
      plot.frame();
    },

    samples(canvas, panel) {
      if (atlas.image) return tiles(canvas, pictures(panel.samples, 64), 8, { colour: tileColour(panel) });
      const view = open(canvas), plot = plane(view, atlas.range), count = Math.min(2000, rows(panel.samples));
      view.pen.globalAlpha = 0.75;
      const both = atlas.data ? mixed(panel.samples, atlas.data, count) : panel.samples, colours = [ink("model"), ink("real")];
      dots(view, plot, both, cloudDot(view), atlas.data ? (i) => colours[both.from[i]] : colours[0]);
      plot.frame();
    },

    density(canvas, panel) { density(canvas, panel.density); },

    interpolation(canvas, panel) { tiles(canvas, pictures(panel.interpolation), panel.interpolation.shape[1]); },

    nearest(canvas, panel) {
      const columns = 8, count = Math.min(32, panel.nearest.shape[1], panel.samples.shape[1]);
      const samples = pictures(panel.samples, count), nearest = pictures(panel.nearest, count), order = [];
      for (let from = 0; from < count; from += columns)
        for (const half of [samples, nearest]) {
          for (let k = from; k < from + columns; ++k) order.push(k < count ? half[k] : null);
        }
      tiles(canvas, order, columns, { group: 2 });
    },

    loss(canvas, panel) {
      const { steps, values } = panel.loss;
      const known = values.filter((v) => v !== null).slice(Math.floor(values.length * 0.02)).sort((a, b) => a - b);
      if (!known.length) return;
      const at = (q) => known[Math.round(q * (known.length - 1))];
      const spread = Math.max(at(0.97) - known[0], 1e-6 * Math.max(1, Math.abs(known[0])));
      const low = Math.max(known[0], at(0.01) - 0.3 * spread);
      const y = [low - 0.06 * spread, Math.min(known[known.length - 1], at(0.97) + 0.25 * spread) + 0.06 * spread];
      const last = steps[steps.length - 1], short = (v) => (v >= 1e6 ? label(v / 1e6) + "M" : v >= 1000 ? label(v / 1000) + "k" : label(v));
      const view = open(canvas), plot = axes(view, { x: [0, last || 1], y, xName: "step", xLabel: short, left: 46 });
      const line = (data, colour, width, alpha) => plot.inside(() => {
        view.pen.strokeStyle = colour;
        view.pen.lineWidth = width;
        view.pen.globalAlpha = alpha;
        view.pen.lineJoin = "round";
        view.pen.beginPath();
        let down = false;
        data.forEach((v, i) => {
          if (v === null) { down = false; return; }
          if (down) view.pen.lineTo(plot.toX(steps[i]), plot.toY(v));
          else view.pen.moveTo(plot.toX(steps[i]), plot.toY(v));
          down = true;
        });
        view.pen.stroke();
      });
      const reach = Math.max(1, Math.round(values.length / 40));
      const smooth = values.map((_, i) => {
        const near = values.slice(Math.max(0, i - reach), i + reach + 1).filter((v) => v !== null);
        return near.length ? near.reduce((a, b) => a + b, 0) / near.length : null;
      });
      line(values, ink("accent"), 1, values.length > 40 ? 0.35 : 0);
      line(values.length > 40 ? smooth : values, ink("accent"), 1.8, 1);
      plot.frame();
    },
  };

  // The page ----------------------------------------------------------------------------------------------------
  const canvases = [...document.querySelectorAll("canvas[data-figure]")];
  const draw = (canvas) => figures[canvas.dataset.figure](canvas, atlas.panels[canvas.dataset.panel]);
  const drawAll = () => canvases.forEach(draw);

  function showTheme() {
    themeButton.textContent = isDark() ? "Light" : "Dark";
    themeButton.setAttribute("aria-label", `Switch to the ${isDark() ? "light" : "dark"} theme`);
    drawAll();
  }
  themeButton.hidden = false;
  themeButton.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    showTheme();
  });
  systemDark.addEventListener("change", showTheme);

  let before = null;  // on paper always light
  addEventListener("beforeprint", () => { before = root.dataset.theme; root.dataset.theme = "light"; root.classList.add("printing"); printing = true; drawAll(); });
  addEventListener("afterprint", () => {
    printing = false;
    root.classList.remove("printing");
    if (before) root.dataset.theme = before; else delete root.dataset.theme;
    drawAll();
  });

  const widths = new WeakMap();
  const watcher = new ResizeObserver((entries) => entries.forEach(({ target }) => {
    if (widths.get(target) !== target.clientWidth) { widths.set(target, target.clientWidth); draw(target); }
  }));
  canvases.forEach((canvas) => watcher.observe(canvas));
  showTheme();
})();
