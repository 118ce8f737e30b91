// The figures to play with. `interactive.show("fig-…", data)` in a page's code leaves
// data for the figure of that name. Where scripts run, what is drawn from them takes
// the place of the figure's picture, with controls above it and words below it.

"use strict";

// Okabe and Ito's palette, as in the pictures. Blue comes with the look: the dark
// theme needs the lighter one.
const BLUES = { light: "#0072B2", dark: "#56B4E9" };
const ORANGE = "#D55E00", GREEN = "#009E73", PINK = "#CC79A7";

// ---- The figures. Each takes the page's data and returns its controls (a slider has
// `stops`, a choice has `options`) and a function from their positions to what is to
// be drawn: plotly's traces and layout, and words that say the same.

const figures = {
  // Batch norm beside group norm as batches shrink.
  "fig-gn-batch-size"({ batch, group, stops }) {
    const at = (method, size) => median(method.errors[method.sizes.indexOf(size)]);
    return {
      controls: { size: { label: "Images in a training batch", stops, start: stops.length - 1 } },
      draw({ size: stop }, look) {
        const size = stops[stop];
        const errors = [at(batch, size), at(group, size)];
        const traces = [
          { ...batch, name: "batch norm", color: ORANGE, symbol: "square", dash: "dash" },
          { ...group, name: "group norm", color: look.blue, symbol: "circle", dash: "solid" },
        ].flatMap(({ name, sizes, errors: runs, color, symbol, dash }, i) => [
          { x: sizes, y: runs.map(median), mode: "lines", line: { color, dash }, showlegend: false },
          {
            x: sizes.flatMap((n, j) => runs[j].map(() => n)), y: runs.flat(), mode: "markers", name,
            marker: { color, symbol: `${symbol}-open`, size: 8 },
          },
          {
            x: [size], y: [errors[i]], mode: "markers+text", showlegend: false,
            marker: { ...bold(look), color, symbol },
            text: [`${number(errors[i])} %`],
            textposition: errors[i] > errors[1 - i] ? "top center" : "bottom center",
          },
        ]);
        return {
          traces,
          layout: {
            showlegend: true,
            xaxis: {
              title: { text: "images in a training batch" }, type: "log", range: [0.15, 1.65],
              ...ticks(batch.sizes),
            },
            yaxis: {
              title: { text: "test error, %" }, type: "log", range: [0.1, 2.1],
              ...ticks([2, 5, 10, 20, 50, 100]),
            },
            shapes: [upright(size, look)],
          },
          words: `Batches of ${size}. Batch norm: ${size} numbers share a mean, `
            + `${number(errors[0])} % error. Group norm: ${group.members} numbers share a mean, `
            + `${number(errors[1])} % error.`,
        };
      },
    };
  },

  // The block of activations: which values share a mean with the dot.
  "fig-gn-sets"({ shape: [N, C, P], marked, counts, sets, groups }) {
    const methods = [...Object.keys(sets), "group norm"];
    const formulas = {
      "batch norm": `N · H·W = ${N} · ${P}`,
      "layer norm": `C · H·W = ${C} · ${P}`,
      "layer norm at each position": `C = ${C}`,
      "instance norm": `H·W = ${P}`,
    };
    // The oblique projection of the book's other blocks.
    const project = (n, c, p) => [n + 0.5 * c, 0.4 * c - p];
    const pairs = (A, B) => [...Array(A * B).keys()].map((k) => [Math.floor(k / B), k % B]);
    const faces = [
      ...pairs(N, P).map(([n, p]) => [[n, 0, p], [1, 0, 0], [0, 0, 1]]), // front
      ...pairs(C, P).map(([c, p]) => [[N, c, p], [0, 1, 0], [0, 0, 1]]), // right side
      ...pairs(N, C).map(([n, c]) => [[n, c, 0], [1, 0, 0], [0, 1, 0]]), // top
    ];
    const plus = (...vectors) => vectors.reduce((a, b) => a.map((value, i) => value + b[i]));
    const outlines = (cells) => {
      const points = cells.flatMap(([q, u, v]) => [
        ...[q, plus(q, u), plus(q, u, v), plus(q, v), q].map((corner) => project(...corner)),
        [null, null], // ends the polygon
      ]);
      return { x: points.map((q) => q[0]), y: points.map((q) => q[1]), mode: "lines", fill: "toself" };
    };
    return {
      controls: {
        method: { label: "Method", options: methods, start: methods.length - 1 },
        count: { label: "Groups", stops: counts, start: 1 },
      },
      draw({ method, count }) {
        const name = methods[method], G = counts[count];
        const members = sets[name] ?? groups[count];
        const isMember = ([[n, c, p]]) => members[(Math.min(n, N - 1) * C + c) * P + p];
        const m = members.filter(Boolean).length;
        const same = sets[name] ? undefined
          : Object.keys(sets).find((other) => sets[other].every((value, i) => value === members[i]));
        const [n, c, p] = marked, dot = project(n + 0.5, c, p + 0.5);
        const label = (x, y, text, angle = 0) => ({ x, y, text, showarrow: false, textangle: angle });
        return {
          disabled: sets[name] ? ["count"] : [],
          height: 300,
          traces: [
            {
              ...outlines(faces.filter((face) => !isMember(face))),
              fillcolor: "#f4f4f4", line: { color: "#8a8a8a", width: 1 },
            },
            {
              ...outlines(faces.filter(isMember)), line: { color: "white", width: 1 },
              fillpattern: {
                shape: "/", fgcolor: "white", bgcolor: BLUES.light, size: 9, solidity: 0.2,
              },
            },
            {
              x: [dot[0]], y: [dot[1]], mode: "markers",
              marker: { color: "white", size: 12, line: { color: "black", width: 1.5 } },
            },
          ],
          layout: {
            ...plane([-0.9, N + 0.5 * C + 0.4], [-P - 0.7, 0.4 * C + 0.2]),
            annotations: [
              label(...project(N / 2, 0, P + 0.4), "N"), label(...project(-0.4, 0, P / 2), "H·W", -90),
              label(...project(N + 0.4, C / 2, P + 0.4), "C"),
            ],
          },
          words: `${capital(name)}${sets[name] ? "" : `, ${G === 1 ? "1 group" : `${G} groups`}`}: `
            + `${m} of the ${members.length} values share a mean with the dot `
            + `(${formulas[name] ?? `C/G · H·W = ${C / G} · ${P}`}). `
            + `The block has ${members.length / m} means.${same ? ` It is the set of ${same}.` : ""}`,
        };
      },
    };
  },

  // Switchable norm's mixing weights as points in a triangle.
  "fig-switchable-triangle"({ devices, members, shares }) {
    return {
      controls: { device: { label: "Images per device", stops: devices, start: devices.length - 1 } },
      draw({ device }, look) {
        // shares[device][layer][kind][member]; plotly's corners: a above, b left, c right.
        const kinds = ["means", "variances"];
        const layers = [
          [look.blue, "circle"], [ORANGE, "square"], [GREEN, "triangle-up"], [PINK, "diamond"],
        ];
        const traces = [], text = [];
        kinds.forEach((kind, k) => {
          const subplot = k ? "ternary2" : "ternary";
          const place = (points) => ({
            b: points.map((q) => q[0]), c: points.map((q) => q[1]), a: points.map((q) => q[2]),
          });
          layers.forEach(([color, symbol], layer) => {
            const path = shares.slice(0, device + 1).map((all) => all[layer][k]);
            const line = { type: "scatterternary", subplot, cliponaxis: false };
            traces.push(
              { ...line, ...place(path), mode: "lines", line: { color, width: 2 } },
              {
                ...line, ...place(path.slice(0, 1)), mode: "markers",
                marker: { color, symbol: `${symbol}-open`, size: 9 },
              },
              {
                ...line, ...place(path.slice(-1)), mode: "markers+text", text: [`<b>${layer + 1}</b>`],
                textposition: "middle right", marker: { ...bold(look), color, symbol },
              },
            );
          });
          const most = shares[device].map((all) => Math.max(...all[k]));
          text.push(`${capital(kind)}: ` + most.map((share, i) =>
            `${members[shares[device][i][k].indexOf(share)]} ${number(share, 2)}`).join(", "));
        });
        const triangle = (domain) => ({
          domain, sum: 1, bgcolor: "rgba(0,0,0,0)",
          ...Object.fromEntries(["a", "b", "c"].map((axis, i) => [`${axis}axis`, {
            title: { text: [members[2], members[0], members[1]][i] }, showticklabels: false, ticks: "",
            gridcolor: look.grid, linecolor: look.text, dtick: 0.25,
          }])),
        });
        const [first, second] = look.narrow
          ? [{ x: [0, 1], y: [0.56, 1] }, { x: [0, 1], y: [0, 0.44] }]
          : [{ x: [0, 0.4], y: [0, 1] }, { x: [0.6, 1], y: [0, 1] }];
        const title = (kind, { x, y }) => ({
          text: `weights of the ${kind}`, showarrow: false, xref: "paper", yref: "paper",
          x: (x[0] + x[1]) / 2, y: y[0], xanchor: "center", yanchor: "top", yshift: -24,
        });
        return {
          height: look.narrow ? 660 : 340,
          traces,
          layout: {
            ternary: triangle(first), ternary2: triangle(second),
            annotations: [title("means", first), title("variances", second)],
            margin: { l: 50, r: 50, t: 34, b: 54 },
          },
          words: `${devices[device]} images per device. The largest mixing weight of layers 1 to 4. `
            + `${text.join(". ")}.`,
        };
      },
    };
  },

  // One image among different neighbors, batch norm in training mode.
  "fig-neighbors"({ asked, right, company, alone, together }) {
    const best = (shares) => shares.indexOf(Math.max(...shares));
    const digits = alone[0].map((_, digit) => digit);
    return {
      controls: {
        image: { label: "Image", options: asked.map((_, i) => `${i + 1}`), start: 0 },
        draw: { label: "Its neighbors", stops: company.map((_, i) => i + 1), start: 0 },
      },
      draw({ image, draw }, look) {
        const shares = together[image][draw], answer = best(shares);
        const says = (p) => `${best(p)}, with ${number(100 * p[best(p)], 0)} %`;
        const pictures = [asked[image], ...company[draw]];
        const gap = [null, null];
        const rows = [...Array(8).keys()].map((row) => pictures.flatMap(
          (pixels, i) => [...(i ? gap : []), ...pixels.slice(8 * row, 8 * row + 8)],
        ));
        const title = (x, text) => ({
          x, y: -1, text, showarrow: false, xref: "x2", yref: "y2", yanchor: "bottom",
        });
        return {
          height: 440,
          traces: [
            {
              type: "heatmap", z: rows, xaxis: "x2", yaxis: "y2",
              colorscale: [[0, "#ffffff"], [1, "#000000"]], showscale: false,
            },
            {
              type: "bar", x: digits, y: shares.map((p) => 100 * p), name: "among these", width: 0.6,
              marker: {
                color: look.blue,
                pattern: {
                  shape: digits.map((d) => (d === answer ? "/" : "")),
                  bgcolor: look.blue, fgcolor: "white",
                },
              },
            },
            {
              x: digits, y: alone[image].map((p) => 100 * p), mode: "markers", name: "at inference",
              marker: { symbol: "diamond-open", size: 11, color: look.text, line: { width: 2 } },
            },
          ],
          layout: {
            showlegend: true,
            legend: { orientation: "h", x: 0.5, xanchor: "center", y: 0.63, yanchor: "bottom" },
            xaxis: { title: { text: "digit" }, dtick: 1, showgrid: false },
            yaxis: { title: { text: "probability, %" }, range: [-5, 105], domain: [0, 0.62] },
            xaxis2: { visible: false, anchor: "y2" },
            yaxis2: {
              visible: false, anchor: "x2", domain: [0.76, 1], autorange: "reversed", scaleanchor: "x2",
            },
            annotations: [title(3.5, "the image"), title(23.5, "its neighbors")],
          },
          words: `Image ${image + 1}, a ${right[image]}, among neighbors ${draw + 1}: the network says `
            + `${says(shares)}. In inference mode it says ${says(alone[image])}, whoever is beside it.`,
        };
      },
    };
  },

  // Two formulas for the variance, in float32, of numbers far from zero.
  "fig-offset"({ offsets, shortcut, mean_first, exact, spacing }) {
    return {
      controls: { offset: { label: "Offset", stops: offsets.map(thousands), start: 0 } },
      draw({ offset: i }, look) {
        const traces = [
          { name: "E[x²] − E[x]²", values: shortcut, color: ORANGE, symbol: "square", dash: "dash" },
          { name: "mean first", values: mean_first, color: look.blue, symbol: "circle", dash: "solid" },
        ].flatMap(({ name, values, color, symbol, dash }) => {
          const errors = values.map((value, j) => Math.abs(value - exact[j]));
          return [
            {
              x: offsets, y: errors, mode: "lines+markers", name, line: { color, dash },
              marker: {
                color, size: 9, symbol: values.map((value) => (value < 0 ? "x" : `${symbol}-open`)),
              },
            },
            {
              x: [offsets[i]], y: [errors[i]], mode: "markers", showlegend: false,
              marker: { ...bold(look), color, symbol: values[i] < 0 ? "x" : symbol },
            },
          ];
        });
        const powers = [-8, -6, -4, -2, 0, 2];
        return {
          traces,
          layout: {
            showlegend: true,
            xaxis: { title: { text: "offset" }, type: "log", ...ticks([1, 10, 100, 1000, 10000]) },
            yaxis: {
              title: { text: "error of the variance" }, type: "log", range: [-9.5, 2.5],
              tickvals: powers.map((k) => 10 ** k),
              ticktext: powers.map((k) => `10<sup>${number(k, 0)}</sup>`),
            },
            shapes: [upright(offsets[i], look)],
          },
          words: `Offset ${thousands(offsets[i])}. E[x²] − E[x]² gives ${number(shortcut[i], 3)}, `
            + `mean first ${number(mean_first[i], 3)}; right is ${number(exact[i], 3)}. Around the `
            + `squares, float32 numbers are ${Number(spacing[i].toPrecision(2))} apart.`
            + (shortcut[i] < 0 ? " A negative variance: its root is NaN." : ""),
        };
      },
    };
  },

  // Where norms stand in a transformer: does it train, at this depth and learning rate?
  "fig-arch-trains"({ depths, rates, arrangements }) {
    const names = Object.keys(arrangements);
    const verdict = (error) => (error < 50 ? "it trains" : error < 80 ? "it hardly trains" : "it does not train");
    return {
      controls: {
        arrangement: { label: "Norms", options: names, start: 0 },
        depth: { label: "Blocks", stops: depths, start: depths.length - 1 },
        rate: { label: "Learning rate", stops: rates, start: 2 },
      },
      draw({ arrangement, depth, rate }, look) {
        const medians = (name) => arrangements[name][depth].map(median);
        const chosen = names[arrangement], runs = arrangements[chosen][depth];
        const errors = medians(chosen), error = errors[rate];
        const least = errors.indexOf(Math.min(...errors));
        const traces = [
          ...names.filter((name) => name !== chosen).map((name) => ({
            x: rates, y: medians(name), mode: "lines", opacity: 0.3,
            line: { color: look.text, width: 1.5 }, name,
          })),
          { x: rates, y: errors, mode: "lines", line: { color: look.blue, width: 3 } },
          {
            x: rates.flatMap((r) => runs[0].map(() => r)), y: runs.flat(), mode: "markers",
            marker: { color: look.blue, symbol: "circle-open", size: 8 },
          },
          {
            x: [rates[rate]], y: [error], mode: "markers",
            marker: { ...bold(look), color: ORANGE, symbol: "diamond" },
          },
        ];
        return {
          traces,
          layout: {
            xaxis: {
              title: { text: "learning rate" }, type: "log", range: [-3.7, -1.35], tickvals: rates,
              ticktext: rates.map(String),
            },
            yaxis: { title: { text: "test error, %" }, range: [0, 100] },
            shapes: [{
              type: "line", xref: "paper", x0: 0, x1: 1, y0: 90, y1: 90, line: dotted(look),
            }],
          },
          words: `${depths[depth]} blocks, ${chosen}, learning rate ${rates[rate]}: `
            + `${number(error)} % error, ${verdict(error)}. Its best rate here is ${rates[least]}, `
            + `with ${number(errors[least])} %. Guessing gives 90 %.`,
        };
      },
    };
  },

  // Points in space, before and after a norm, seen from any side.
  "fig-circle"({ views, marked }) {
    const names = Object.keys(views), radius = Math.sqrt(3);
    // The circle of that radius in the plane where the three numbers sum to zero.
    const circle = [...Array(73).keys()].map((k) =>
      [0, 1, 2].map((i) => Math.SQRT2 * Math.cos(Math.PI * (k / 36 + 2 * i / 3))));
    return {
      controls: {
        view: { label: "Points", options: names, start: 0 },
        turn: { label: "Turn", stops: degrees(-180, 180), start: 32 },
        tilt: { label: "Tilt", stops: degrees(-90, 90), start: 22 },
      },
      drag: { x: "turn", y: "tilt" },
      draw({ view, turn, tilt }, look) {
        const a = (5 * turn - 180) * Math.PI / 180, e = (5 * tilt - 90) * Math.PI / 180;
        const [cos, sin] = [Math.cos, Math.sin];
        const project = ([x, y, z]) => ({
          x: cos(a) * y - sin(a) * x,
          y: cos(e) * z - sin(e) * (cos(a) * x + sin(a) * y),
          depth: sin(e) * z + cos(e) * (cos(a) * x + sin(a) * y), // toward the eye
        });
        const flat = (points) => ({ x: points.map((q) => q.x), y: points.map((q) => q.y) });
        const points = views[names[view]], seen = points.map(project);
        const order = [...seen].sort((p, q) => p.depth - q.depth); // the nearest last
        const axes = [[2.6, 0, 0], [0, 2.6, 0], [0, 0, 2.6]].map(project);
        const lengths = points.map((q) => Math.hypot(...q));
        const sums = points.map(([x, y, z]) => x + y + z);
        const span = (values) => {
          const [low, high] = [Math.min, Math.max].map((end) => number(end(...values), 2));
          return low === high ? `all ${low}` : `from ${low} to ${high}`;
        };
        return {
          height: 380,
          traces: [
            ...axes.map((end) => ({
              x: [0, end.x], y: [0, end.y], mode: "lines", line: { color: look.text, width: 1 },
            })),
            {
              ...flat(circle.map(project)), mode: "lines",
              line: { color: GREEN, width: 1.5, dash: "dash" },
            },
            {
              ...flat(order), mode: "markers",
              marker: {
                color: look.blue, size: order.map((q) => 6 + q.depth), line: { width: 0 },
                opacity: order.map((q) => Math.min(1, 0.6 + 0.2 * q.depth)),
              },
            },
            {
              ...flat([seen[marked]]), mode: "markers",
              marker: { ...bold(look), color: ORANGE, symbol: "diamond" },
            },
          ],
          layout: {
            ...plane([-2.9, 2.9], [-2.9, 2.9]),
            // The outline of the sphere of radius √3.
            shapes: [{
              type: "circle", x0: -radius, x1: radius, y0: -radius, y1: radius, line: dotted(look),
            }],
            annotations: axes.map((end, i) => ({
              x: 1.1 * end.x, y: 1.1 * end.y, text: `x<sub>${i + 1}</sub>`, showarrow: false,
            })),
          },
          words: `The points ${names[view]}. Distances from the origin: ${span(lengths)}. `
            + `Sums of the three numbers: ${span(sums)}.`,
        };
      },
    };
  },
};

// ---- What the figures share.

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
const number = (value, digits = 1) => // with a minus sign, and none for zero
  value.toFixed(digits).replace(/^-(?=.*[1-9])/, "−").replace("-", "");
const thousands = (value) => String(value).replace(/^(\d+)(\d{3})$/, "$1 $2");
const capital = (text) => text[0].toUpperCase() + text.slice(1);
const ticks = (values) => ({ tickvals: values, ticktext: values.map(thousands) });
const degrees = (from, to) =>
  [...Array((to - from) / 5 + 1).keys()].map((k) => `${number(from + 5 * k, 0)}°`);
const bold = (look) => ({ size: 14, line: { color: look.text, width: 2 } });
const dotted = (look) => ({ color: look.text, width: 1, dash: "dot" });
const upright = (x, look) => ({
  type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line: dotted(look),
});
const plane = (x, y) => ({
  margin: { l: 0, r: 0, t: 0, b: 0 },
  xaxis: { visible: false, range: x },
  yaxis: { visible: false, range: y, scaleanchor: "x" },
});

function slider({ label, stops, start }) {
  const input = element("input", { type: "range", min: 0, max: stops.length - 1, value: start });
  const shown = element("span", { ariaHidden: "true" });
  const control = element("label", {}, label, input, shown);
  return {
    control,
    position: () => Number(input.value),
    move: (by) => { input.valueAsNumber += by; },
    refresh(disabled) {
      input.disabled = disabled;
      input.ariaValueText = shown.textContent = stops[input.value];
    },
  };
}

function choice({ label, options, start }, name) {
  const inputs = options.map((_, i) =>
    element("input", { type: "radio", name, value: i, checked: i === start }));
  const labels = options.map((option, i) => element("label", {}, inputs[i], option));
  return {
    control: element("fieldset", {}, element("legend", {}, label), ...labels),
    position: () => inputs.findIndex((input) => input.checked),
    refresh() {},
  };
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function bringToLife(box) {
  const { figure: name } = box.dataset;
  const figure = document.getElementById(name);
  const pictures = figure.querySelectorAll("img"); // one for each theme
  const { controls, draw, drag } = figures[name](JSON.parse(box.firstChild.textContent));
  const parts = Object.fromEntries(Object.entries(controls).map(([key, spec]) =>
    [key, (spec.stops ? slider : choice)(spec, `${name}-${key}`)]));
  const { alt } = pictures[0];
  const plot = element("div", { className: "plot", role: "img", ariaLabel: alt });
  const words = element("output", { ariaLive: "polite" });
  const panel = element("div", { className: "controls" });
  panel.append(...Object.values(parts).map((part) => part.control));
  box.append(panel, plot, words);

  let width;
  function redraw() {
    const page = document.documentElement, style = getComputedStyle(box);
    width = box.clientWidth;
    const look = {
      text: style.color,
      grid: getComputedStyle(page).getPropertyValue("--pst-color-border"),
      blue: BLUES[page.dataset.theme] ?? BLUES.light,
      narrow: width < 560,
    };
    const positions = Object.entries(parts).map(([key, part]) => [key, part.position()]);
    const view = draw(Object.fromEntries(positions), look);
    for (const key in parts) parts[key].refresh(Boolean(view.disabled?.includes(key)));
    const { layout } = view;
    for (const axis of ["xaxis", "yaxis"]) {
      if (layout[axis]) {
        layout[axis] = { gridcolor: look.grid, linecolor: look.text, zeroline: false, ...layout[axis] };
      }
    }
    Plotly.react(plot, view.traces, {
      font: { color: look.text, family: style.fontFamily, size: 14 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      width, height: view.height ?? 340, showlegend: false,
      legend: { orientation: "h", x: 0.5, xanchor: "center", y: 1, yanchor: "bottom" },
      ...layout,
      margin: { l: 60, r: 16, t: 30, b: 50, ...layout.margin },
    }, { staticPlot: true });
    words.textContent = view.words;
  }

  figure.prepend(box);
  box.hidden = false;
  redraw();
  for (const picture of pictures) picture.hidden = true;

  panel.addEventListener("input", redraw);
  new ResizeObserver(() => { if (box.clientWidth !== width) redraw(); }).observe(box);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  if (drag) dragged(plot, (x, y) => { parts[drag.x].move(x); parts[drag.y].move(y); redraw(); });
}

// Dragging moves two sliders: one stop for every eight pixels.
function dragged(plot, move) {
  plot.classList.add("draggable");
  let from = null;
  plot.addEventListener("pointerdown", (event) => {
    from = [event.clientX, event.clientY];
    plot.setPointerCapture(event.pointerId);
  });
  plot.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = [event.clientX, event.clientY];
    const steps = to.map((pixels, i) => Math.trunc((pixels - from[i]) / 8));
    if (steps[0] || steps[1]) move(-steps[0], steps[1]);
    from = from.map((start, i) => start + 8 * steps[i]);
  });
  for (const end of ["pointerup", "pointercancel"]) plot.addEventListener(end, () => { from = null; });
}

// Plotly's script lies beside this one, and is large: it is loaded when the first figure
// comes into view, and each figure is drawn when it does.
const source = new URL("plotly.min.js", document.currentScript.src);
let plotly;

function loadPlotly() {
  plotly ??= new Promise((resolve, reject) => {
    document.head.append(element("script", { src: source, onload: resolve, onerror: reject }));
  });
  return plotly;
}

const comingIntoView = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    comingIntoView.unobserve(target);
    const box = document.querySelector(`.interactive[data-figure="${target.id}"]`);
    loadPlotly().then(() => bringToLife(box));
  }
});
// A page that nobody has touched yet loads nothing large, even where a figure is at its top:
// the picture stands there until then.
const TOUCHES = ["pointermove", "pointerdown", "keydown", "scroll", "focusin"];

function touched() {
  for (const touch of TOUCHES) removeEventListener(touch, touched);
  for (const box of document.querySelectorAll(".interactive")) {
    comingIntoView.observe(document.getElementById(box.dataset.figure));
  }
}

// By then the scripts in figures/, which follow this one, have added theirs.
document.addEventListener("DOMContentLoaded", () => {
  for (const touch of TOUCHES) addEventListener(touch, touched, { passive: true });
});
