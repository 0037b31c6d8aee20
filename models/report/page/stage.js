// The stage: the points of every family at one time of their ways, from the noise at 0 to the samples at 1.
const stage = {
  time: 1,
  layers: { heat: false, truth: false, grid: false, velocity: false },
  selected: new Set(),  // indices of noise points
  hovered: -1,
  brush: null,          // { canvas, x, y, radius }: the selecting circle, in the coordinates of its plot
};
const stageCanvases = [...document.querySelectorAll("canvas[data-figure=base], canvas[data-figure=push]")];

const numbers = (array) => Float64Array.from(array.values, (v) => (v === null ? NaN : v));
const kept = new WeakMap();  // a panel's frames as numbers, made when first asked for
function framesOf(panel, key) {
  if (!kept.has(panel)) kept.set(panel, {});
  const own = kept.get(panel);
  if (!own[key] && panel[key]) {
    const size = panel[key].shape.slice(1).reduce((a, b) => a * b), all = numbers(panel[key]);
    own[key] = Array.from({ length: panel[key].shape[0] }, (_, t) => all.subarray(t * size, (t + 1) * size));
  }
  // A family that does not say its way leaps from the noise to the samples.
  if (!own[key] && key === "path") own[key] = [numbers(noiseOf(panel)), numbers(panel.pushed)];
  return own[key];
}
// Positions at a time from 0 to 1, straight between two of the family's own frames.
function at(frames, time) {
  const place = time * (frames.length - 1), i = Math.min(frames.length - 2, Math.floor(place)), part = place - i;
  if (frames.length === 1 || part === 0) return frames[Math.max(0, i)];
  if (part === 1) return frames[i + 1];
  return frames[i].map((v, k) => v + part * (frames[i + 1][k] - v));
}
const baseNumbers = atlas.noise ? numbers(atlas.noise) : null;
const positions = (panel, time = stage.time) => (panel ? at(framesOf(panel, "path"), time) : baseNumbers);

// What the figures show of the plane: one window for all times where noise and data are of similar size, else moving
// from one to the other.
function reach(time = stage.time) {
  const ratio = atlas.range / noiseRange;
  if (ratio > 0.5 && ratio < 2.5) return Math.max(atlas.range, noiseRange);
  return noiseRange * ratio ** time;
}

const colourLists = {};
function colours() {
  const dark = isDark(), key = dark ? "dark" : "light";
  const colour = (_, i) => noiseColour(baseNumbers[2 * i], baseNumbers[2 * i + 1], dark);
  return (colourLists[key] ||= Array.from({ length: rows(atlas.noise) }, colour));
}

function drawStage(canvas, panel) {
  const view = open(canvas), plot = plane(view, reach(), panel ? ["x₁", "x₂"] : ["z₁", "z₂"]);
  const { pen } = view, { heat: hot, truth, grid, velocity } = stage.layers;
  if (panel && hot && panel.density)
    plot.inside(() => {
      pen.globalAlpha = isDark() ? 0.6 : 0.4;
      heat(view, plot, panel.density, atlas.range);
    });
  if (grid) warped(view, plot, panel);
  if (panel && truth && atlas.trueDensity) contours(view, plot, atlas.trueDensity, atlas.range);
  const points = positions(panel), colour = colours(), chosen = stage.selected;
  const size = Math.min(3, Math.max(1.15, view.width / 200 * Math.sqrt(1500 / rows(atlas.noise))));
  const dot = (i, radius) => {
    pen.beginPath();
    pen.arc(plot.toX(points[2 * i]), plot.toY(points[2 * i + 1]), radius, 0, 2 * Math.PI);
  };
  let lit = 0;
  plot.inside(() => {
    pen.globalAlpha = chosen.size ? 0.16 : 1;
    for (let i = 0; i < colour.length; ++i) {
      if (Number.isNaN(points[2 * i] + points[2 * i + 1]) || chosen.has(i)) continue;
      pen.fillStyle = colour[i];
      dot(i, size);
      pen.fill();
    }
    pen.globalAlpha = 1;
    pen.lineWidth = 0.75;
    pen.strokeStyle = ink("plot");
    for (const i of chosen) {
      ++lit;
      pen.fillStyle = colour[i];
      dot(i, Math.max(2.4, size * 1.5));
      pen.fill();
      pen.stroke();
    }
    pen.strokeStyle = ink("ink");
    if (stage.hovered >= 0) {
      pen.lineWidth = 1.75;
      dot(stage.hovered, size + 4);
      pen.stroke();
    }
    const { brush } = stage;
    if (brush && brush.canvas === canvas) {
      pen.lineWidth = 1;
      pen.setLineDash([4, 3]);
      pen.beginPath();
      pen.arc(plot.toX(brush.x), plot.toY(brush.y), plot.toX(brush.radius) - plot.toX(0), 0, 2 * Math.PI);
      pen.stroke();
      pen.setLineDash([]);
    }
  });
  if (panel && velocity) arrows(view, plot, velocities(panel));
  plot.frame();
  return { ...plot, lit };
}

// How the points move at this time, by cells of the window: in each the mean place and the mean dx/dt of its points.
function velocities(panel, time = stage.time) {
  const frames = framesOf(panel, "path"), steps = frames.length - 1, cells = 16, edge = reach(time);
  const step = Math.min(steps - 1, Math.floor(time * steps)), points = positions(panel, time), sums = new Map();
  for (let i = 0; i < points.length; i += 2) {
    const column = Math.floor((points[i] / edge + 1) / 2 * cells), row = Math.floor((points[i + 1] / edge + 1) / 2 * cells);
    if (!(column >= 0 && column < cells && row >= 0 && row < cells)) continue;
    const sum = sums.get(row * cells + column) || { count: 0, x: 0, y: 0, dx: 0, dy: 0 };
    sum.count += 1;
    sum.x += points[i];
    sum.y += points[i + 1];
    sum.dx += (frames[step + 1][i] - frames[step][i]) * steps;
    sum.dy += (frames[step + 1][i + 1] - frames[step][i + 1]) * steps;
    sums.set(row * cells + column, sum);
  }
  return [...sums.values()].filter((s) => Number.isFinite(s.dx + s.dy)).map((s) => ({
    x: s.x / s.count, y: s.y / s.count, dx: s.dx / s.count, dy: s.dy / s.count, longest: 2 * edge / cells,
  }));
}
// As far as the points would go in a twelfth of the time, at most a cell and a half.
function arrows(view, plot, field) {
  const { pen } = view;
  plot.inside(() => {
    pen.strokeStyle = ink("ink");
    pen.lineWidth = 1;
    for (const { x, y, dx, dy, longest } of field) {
      const speed = Math.hypot(dx, dy), length = Math.min(speed / 12, 1.5 * longest);
      if (!(length > 0.02 * longest)) continue;
      const tipX = plot.toX(x + dx / speed * length), tipY = plot.toY(y + dy / speed * length);
      const angle = Math.atan2(tipY - plot.toY(y), tipX - plot.toX(x)), head = 3.5;
      pen.beginPath();
      pen.moveTo(plot.toX(x), plot.toY(y));
      pen.lineTo(tipX, tipY);
      for (const turn of [2.6, -2.6]) {
        pen.moveTo(tipX, tipY);
        pen.lineTo(tipX + head * Math.cos(angle + turn), tipY + head * Math.sin(angle + turn));
      }
      pen.stroke();
    }
  });
}

// The square grid of the base, carried along like the points.
function warped(view, plot, panel) {
  const carrier = panel || atlas.panels.find((p) => p.lines);
  if (!carrier || !carrier.lines) return;
  const frames = framesOf(carrier, "lines"), line = panel ? at(frames, stage.time) : frames[0];
  const [, count, length] = carrier.lines.shape, { pen } = view;
  plot.inside(() => {
    pen.strokeStyle = ink("tick");
    pen.lineWidth = 0.8;
    pen.beginPath();
    for (let l = 0; l < count; ++l)
      for (let k = 0; k < length; ++k) {
        const i = 2 * (l * length + k);
        pen[k ? "lineTo" : "moveTo"](plot.toX(line[i]), plot.toY(line[i + 1]));
      }
    pen.stroke();
  });
}

// Controls ----------------------------------------------------------------------------------------------------
const parts = ["play", "time", "clock", "selected", "clear"];
const controls = Object.fromEntries(parts.map((id) => [id, document.getElementById(id)]));
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const seconds = 6;  // from noise to samples
let playing = null;  // the time of the last frame

// Only what is in the window is drawn again and again; the rest when it comes into it.
const seen = new Set(stageCanvases);
const sight = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
  if (!isIntersecting) { seen.delete(target); return; }
  seen.add(target);
  draw(target);
}), { rootMargin: "100px" });
function drawStages() { seen.forEach(draw); }
let waiting = false;
function drawSoon() {
  if (!waiting) requestAnimationFrame(() => { waiting = false; drawStages(); });
  waiting = true;
}
function setTime(time) {
  stage.time = Math.min(1, Math.max(0, time));
  controls.time.value = Math.round(1000 * stage.time);
  controls.clock.textContent = `t = ${stage.time.toFixed(2)}`;
  controls.time.setAttribute("aria-valuetext", stage.time.toFixed(2));
  drawSoon();
}
function showPlay() { controls.play.textContent = playing !== null ? "Pause" : calm.matches ? "Step" : "Play"; }
function pause() { playing = null; showPlay(); }
function play() {
  if (stage.time >= 1) setTime(0);
  else if (calm.matches) setTime(Math.round(10 * stage.time + 1) / 10);  // no motion: a tenth of the way a press
  if (calm.matches) return;
  playing = performance.now();
  showPlay();
  requestAnimationFrame(function next(now) {
    if (playing === null) return;
    setTime(stage.time + Math.max(0, now - playing) / 1000 / seconds);
    playing = Math.max(now, playing);
    if (stage.time >= 1) pause();
    else requestAnimationFrame(next);
  });
}
if (stageCanvases.length) {
  controls.play.closest(".toolbar").hidden = false;
  stageCanvases.forEach((canvas) => sight.observe(canvas));
  controls.play.addEventListener("click", () => (playing !== null ? pause() : play()));
  controls.time.addEventListener("input", () => { pause(); setTime(controls.time.value / 1000); });
  calm.addEventListener("change", pause);
  document.querySelectorAll("[data-layer]").forEach((box) => {
    stage.layers[box.dataset.layer] = box.checked;  // a browser may keep what was ticked
    box.addEventListener("change", () => { stage.layers[box.dataset.layer] = box.checked; drawSoon(); });
  });
}
