// What the page is given (#atlas-data), its themes and its colours.
const atlas = JSON.parse(document.getElementById("atlas-data").textContent);
const root = document.documentElement;

// Themes ------------------------------------------------------------------------------------------------------
const systemDark = matchMedia("(prefers-color-scheme: dark)");
const themeButton = document.getElementById("theme");
let printing = false;
const isDark = () => !printing && (root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches);
function remember(theme) {
  try { localStorage.setItem("pushforward-theme", theme); } catch { /* private window */ }
}
function remembered() {
  try { return localStorage.getItem("pushforward-theme"); } catch { return null; }
}
if (remembered() === "dark" || remembered() === "light") root.dataset.theme = remembered();

const inks = { light: {}, dark: {} };  // asking the browser for a style takes long
function ink(name) {
  const known = inks[isDark() ? "dark" : "light"];
  return (known[name] ||= getComputedStyle(root).getPropertyValue("--" + name).trim());
}
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
