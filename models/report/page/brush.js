// Choosing noise points in one figure and following them in all: by dragging, by arrow keys, by pointing.
const panelOf = (canvas) => atlas.panels[canvas.dataset.panel];
const plots = new WeakMap();  // of each canvas as last drawn

function sayChosen() {
  const n = stage.selected.size;
  controls.selected.textContent = n ? `${n} point${n === 1 ? "" : "s"} selected` : "No points selected";
  controls.clear.hidden = !n;
  drawSoon();
}
function clearChosen() {
  stage.selected.clear();
  stage.brush = null;
  sayChosen();
}
const brushRadius = () => 0.12 * reach() * brushScale;
let brushScale = 1;
// Adds the points of this figure that are inside the circle.
function choose(canvas, x, y) {
  const points = positions(panelOf(canvas)), radius = brushRadius();
  stage.brush = { canvas, x, y, radius };
  for (let i = 0; i < points.length / 2; ++i)
    if (Math.hypot(points[2 * i] - x, points[2 * i + 1] - y) <= radius) stage.selected.add(i);
  sayChosen();
}
function nearest(canvas, x, y, within) {
  const points = positions(panelOf(canvas));
  let best = -1, least = within;
  for (let i = 0; i < points.length / 2; ++i) {
    const far = Math.hypot(points[2 * i] - x, points[2 * i + 1] - y);
    if (far < least) [best, least] = [i, far];
  }
  return best;
}

const short = (v) => (Number.isFinite(v) ? v.toFixed(2).replace("-", "−") : "–");
// log p at a panel's point i, in words, with what it is.
function logDensity(panel, i) {
  const value = panel.logDensity ? panel.logDensity.values[i] : undefined, kind = panel.logDensityKind;
  if (value === undefined) return "no log p";
  return `log p ${kind === "bound" ? "≥ " : ""}${value === null ? "–" : short(value)} (${kind})`;
}
// Above a figure where no point is pointed at: the kind of its density, and how the points get from noise to samples.
function manner(panel) {
  if (!panel) return "the same for all";
  const steps = framesOf(panel, "path").length > 2 ? "step by step" : "in one leap";
  return `density: ${panel.densityKind || "none"} · ${steps}`;
}
function hover(i) {
  stage.hovered = i;
  for (const canvas of stageCanvases) {
    const panel = panelOf(canvas), line = canvas.closest("figure").querySelector(".here");
    if (i < 0) { line.textContent = manner(panel); continue; }
    const place = (name, points) => `${name} (${short(points[2 * i])}, ${short(points[2 * i + 1])})`;
    const words = [place("z", baseNumbers)];
    if (panel) words.push(place("x", positions(panel, 1)), logDensity(panel, i));
    line.replaceChildren(...words.map((text) => Object.assign(document.createElement("span"), { textContent: `${text} ` })));
  }
  drawSoon();
}

// Pointer and keys ---------------------------------------------------------------------------------------------
function place(canvas, event) {
  const box = canvas.getBoundingClientRect(), plot = plots.get(canvas);
  return [plot.fromX(event.clientX - box.left), plot.fromY(event.clientY - box.top)];
}
for (const canvas of stageCanvases) {
  const field = canvas.parentElement;
  let down = false;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    down = true;
    try { canvas.setPointerCapture(event.pointerId); } catch { /* a pointer that a test makes up */ }
    if (!event.shiftKey) stage.selected.clear();  // with Shift more are added
    choose(canvas, ...place(canvas, event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(canvas, event);
    if (down) choose(canvas, x, y);
    const near = nearest(canvas, x, y, 0.08 * reach());
    if (near !== stage.hovered) hover(near);
  });
  const up = () => { down = false; stage.brush = null; drawSoon(); };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", () => hover(-1));
  field.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const scale = { "+": 1.25, "=": 1.25, "-": 0.8 }[event.key];
    if (!step && !scale) return;
    event.preventDefault();
    const here = stage.brush && stage.brush.canvas === canvas ? stage.brush : { x: 0, y: 0 }, by = 0.06 * reach();
    if (scale) brushScale = Math.min(4, Math.max(0.25, brushScale * scale));
    const move = (from, k) => Math.min(reach(), Math.max(-reach(), from + (step ? by * step[k] : 0)));
    stage.selected.clear();
    choose(canvas, move(here.x, 0), move(here.y, 1));
  });
  field.addEventListener("blur", () => { if (!down) { stage.brush = null; drawSoon(); } });
}
if (stageCanvases.length) {
  addEventListener("keydown", (event) => { if (event.key === "Escape") clearChosen(); });
  controls.clear.addEventListener("click", clearChosen);
}
