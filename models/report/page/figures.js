// One function for each kind of figure, by the name in its canvas' data-figure.
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

  base(canvas) { plots.set(canvas, drawStage(canvas, null)); },

  push(canvas, panel) { plots.set(canvas, drawStage(canvas, panel)); },

  samples(canvas, panel) {
    if (atlas.image) return tiles(canvas, pictures(panel.samples, 64), 8, { colour: tileColour(panel) });
    const view = open(canvas), plot = plane(view, atlas.range), count = Math.min(2000, rows(panel.samples));
    view.pen.globalAlpha = 0.75;
    const both = atlas.data ? mixed(panel.samples, atlas.data, count) : panel.samples;
    const colours = [ink("model"), ink("real")];
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
    const last = steps[steps.length - 1];
    const short = (v) => (v >= 1e6 ? label(v / 1e6) + "M" : v >= 1000 ? label(v / 1000) + "k" : label(v));
    const wide = canvas.clientWidth > 300 && root.clientWidth <= 520;  // alone in its row on a phone
    const view = open(canvas, wide ? 0.55 : 1);
    const plot = axes(view, { x: [0, last || 1], y, xName: "step", xLabel: short, left: 46 });
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
