// atlas.html#selftest makes the page check itself; the root's data-selftest says what came out.
function selftest() {
  const said = [];
  let failed = false;
  const expect = (what, holds) => { said.push(holds ? what : `NOT ${what}`); failed ||= !holds; };
  const equal = (a, b) => a.length === b.length && a.every((v, i) => Object.is(v, b[i]));
  const key = (target, name) => target.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
  const pushes = stageCanvases.filter((canvas) => canvas.dataset.figure === "push");
  const picture = (canvas) => {
    draw(canvas);
    return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  };
  const varied = (bytes) => bytes.some((v, i) => i > 3 && v !== bytes[i - 4]);
  expect("every figure is drawn", canvases.every((canvas) => varied(picture(canvas))));
  if (pushes.length) {
    const slide = (value) => { controls.time.value = value; controls.time.dispatchEvent(new Event("input")); };
    const everywhere = (holds) => pushes.every((canvas) => holds(positions(panelOf(canvas)), panelOf(canvas), canvas));
    slide(0);
    expect("the slider sets the time", stage.time === 0 && controls.clock.textContent === "t = 0.00");
    expect("all start at the noise", everywhere((points) => equal(points, baseNumbers)));
    const drawn = picture(pushes[0]);
    expect("all pictures are the same at 0", everywhere((points, panel, canvas) => equal(picture(canvas), drawn)));
    if (!calm.matches) {
      controls.play.click();
      expect("play moves", playing !== null && controls.play.textContent === "Pause");
      controls.play.click();
      expect("and pauses", playing === null);
    }
    slide(1000);
    expect("all end at their samples", everywhere((points, panel) => equal(points, numbers(panel.pushed))));

    const field = pushes[0].parentElement, before = pushes.map(picture);
    key(field, "ArrowRight");
    for (let i = 0; i < 6; ++i) key(field, "+");
    const points = positions(panelOf(pushes[0])), { brush, selected } = stage;
    const all = [...Array(points.length / 2).keys()];
    const apart = (i, x, y) => Math.hypot(points[2 * i] - x, points[2 * i + 1] - y);
    const inside = all.filter((i) => apart(i, brush.x, brush.y) <= brush.radius);
    expect("keys select the points in the circle", inside.length > 0 && equal(inside, [...selected]));
    expect("the count is told", controls.selected.textContent.startsWith(`${inside.length} point`));
    expect("all light as many", pushes.every((canvas) => drawStage(canvas, panelOf(canvas)).lit === inside.length));
    expect("every picture shows it", pushes.every((canvas, i) => !equal(picture(canvas), before[i])));
    key(document.body, "Escape");
    expect("Escape clears", selected.size === 0 && pushes.every((canvas, i) => equal(picture(canvas), before[i])));
    const box = pushes[0].getBoundingClientRect(), plot = plots.get(pushes[0]);
    const first = all.find((i) => apart(i, 0, 0) < reach());
    const pointer = (type) => pushes[0].dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0, pointerId: 1,
      clientX: box.left + plot.toX(points[2 * first]), clientY: box.top + plot.toY(points[2 * first + 1]) }));
    pointer("pointerdown"); pointer("pointermove"); pointer("pointerup");
    expect("dragging selects", selected.has(first) && !controls.clear.hidden);
    controls.clear.click();
    expect("the button clears", selected.size === 0 && controls.clear.hidden);
    hover(0);
    const told = (canvas) => canvas.closest("figure").querySelector(".here").textContent;
    const pair = (name, points) => `${name} (${short(points[0])}, ${short(points[1])})`;
    const tells = (canvas) => {
      const panel = panelOf(canvas), text = told(canvas);
      if (!text.includes(pair("z", baseNumbers))) return false;
      if (!panel) return true;
      const said = panel.logDensity ? `(${panel.logDensityKind})` : "no log p";
      return text.includes(pair("x", numbers(panel.pushed))) && text.includes(said);
    };
    expect("pointing tells z, x and log p", stageCanvases.every(tells));
    hover(-1);
    for (const box of document.querySelectorAll("[data-layer]")) {
      box.click();
      expect(`${box.dataset.layer} shows`, pushes.some((canvas, i) => !equal(picture(canvas), before[i])));
      box.click();
    }
  }
  if (walkers.length) {
    const walkTo = (place) => { walkTool.place.value = place; walkTool.place.dispatchEvent(new Event("input")); };
    const shown = (place) => { walkTo(place); return walkers.map(picture); };
    const panelAt = (i) => atlas.panels[walkers[i].dataset.panel];
    const start = shown(0), end = shown(walk.last);
    expect("the walk's slider sets its place", walk.place === walk.last && walkTool.told.textContent.startsWith("1.00"));
    const moves = (i) => {
      const last = walkPictures(panelAt(i), walk.last);
      return walkPictures(panelAt(i), 0).some((bytes, way) => !equal(bytes, last[way]));
    };
    expect("walks change where their images do", walkers.every((_, i) => equal(start[i], end[i]) !== moves(i)));
    expect("and lead back", shown(0).every((bytes, i) => equal(bytes, start[i])));
    walkTool.place.focus();
    expect("the walk's slider takes the keyboard", document.activeElement === walkTool.place);
    walkTool.place.blur();
  }
  for (const table of document.querySelectorAll("table")) {
    const marks = () => table.querySelectorAll(".best").length, marked = marks();
    const rowsBefore = [...table.tBodies[0].rows];
    const head = table.tHead.rows[0].cells[table.tHead.rows[0].cells.length - 1];
    head.querySelector("button").click();
    const column = () => [...table.tBodies[0].rows].map((row) => Number(row.cells[head.cellIndex].dataset.sort));
    const up = column();
    head.querySelector("button").click();
    const down = column();
    const rises = (list) => list.every((v, i) => i === 0 || list[i - 1] <= v);
    expect("the table sorts both ways", rises(up) && rises(down.reverse()));
    expect("the header says so", head.getAttribute("aria-sort") === "descending");
    expect("best stays marked", marks() === marked && rowsBefore.length === table.tBodies[0].rows.length);
    table.tBodies[0].append(...rowsBefore);
    head.removeAttribute("aria-sort");
  }
  const chosen = root.dataset.theme, shown = themeButton.textContent, light = picture(canvases[0]);
  themeButton.click();
  expect("the other theme is drawn in other colours", themeButton.textContent !== shown && !equal(light, picture(canvases[0])));
  themeButton.click();
  if (!chosen) {  // back to the system's
    delete root.dataset.theme;
    try { localStorage.removeItem("pushforward-theme"); } catch { /* private window */ }
    showTheme();
  }
  expect("nothing is wider than the window", root.scrollWidth <= innerWidth);
  root.dataset.selftest = `${failed ? "failed" : "passed"}: ${said.join("; ")}`;
}
if (location.hash === "#selftest") {
  try { selftest(); } catch (error) { root.dataset.selftest = `failed: ${error}`; }
}
