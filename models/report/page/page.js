// Draws every figure, again where its width or the theme changes, and on paper always light.
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
addEventListener("beforeprint", () => {
  before = root.dataset.theme;
  root.dataset.theme = "light";
  root.classList.add("printing");
  printing = true;
  drawAll();
});
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
if (stageCanvases.length) {
  setTime(1);
  showPlay();
  sayChosen();
  hover(-1);
}
showTheme();
