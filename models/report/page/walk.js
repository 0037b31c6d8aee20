// Images on ways between two noise points, at a place that all families share.
const walk = { place: 0, last: Math.max(0, ...atlas.panels.map((p) => (p.walks ? p.walks.shape[1] - 1 : 0))) };
const walkers = [...document.querySelectorAll("canvas[data-figure=walk]")];
const walkTool = { place: document.getElementById("place"), told: document.getElementById("place-told") };

const decoded = new WeakMap();  // the slider asks for the same images again and again
function allPictures(images) {
  if (!decoded.has(images)) decoded.set(images, pictures(images));
  return decoded.get(images);
}
function walkPictures(panel, place = walk.place) {
  const [ways, steps] = panel.walks.shape, all = allPictures(panel.walks);
  return Array.from({ length: ways }, (_, way) => all[way * steps + Math.min(steps - 1, place)]);
}
figures.walk = (canvas, panel) => tiles(canvas, walkPictures(panel), panel.walks.shape[0]);
figures.lattice = (canvas, panel) => {
  const images = allPictures(panel.lattice);
  tiles(canvas, images, Math.round(Math.sqrt(images.length)));
};

function setPlace(place) {
  walk.place = Math.min(walk.last, Math.max(0, Math.round(place)));
  const part = walk.last ? walk.place / walk.last : 0;
  walkTool.place.value = walk.place;
  walkTool.told.textContent = `${part.toFixed(2)} of the way`;
  walkTool.place.setAttribute("aria-valuetext", walkTool.told.textContent);
}
if (walkers.length) {
  walkTool.place.max = walk.last;
  walkTool.place.closest(".toolbar").hidden = false;
  setPlace(walk.last / 2);
  walkTool.place.addEventListener("input", () => { setPlace(Number(walkTool.place.value)); walkers.forEach(draw); });
}
