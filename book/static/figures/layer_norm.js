// Chapter 3: where layer norm moves three numbers, and which gradient goes on to them.

"use strict";

figures["fig-ln-circle"] = ({ directions, distances, incoming, axes, samples, landed, passed }) => ({
  controls: {
    direction: { label: "Direction", stops: directions.map((angle) => `${angle}°`), start: 22 },
    distance: { label: "Distance", stops: distances.map(String), start: 0 },
  },
  draw({ direction, distance }, look) {
    const sample = samples[direction][distance], end = landed[direction][distance];
    const gradient = passed[direction][distance];
    const inner = (a, b) => a[0] * b[0] + a[1] * b[1], radius = Math.sqrt(3);
    const removed = end.map((value) => value * inner(incoming, end) / inner(end, end));
    const line = (from, to, style) => ({
      x: [from[0], to[0]], y: [from[1], to[1]], mode: "lines", line: style, showlegend: false,
    });
    const arrow = (from, by, color, dash) => ({
      ...line(from, [from[0] + by[0], from[1] + by[1]], { color, width: 2, dash }),
      mode: "lines+markers",
      marker: { color, symbol: "arrow", size: [0, 14], opacity: 1, angleref: "previous" },
    });
    const named = (trace, name) => ({ ...trace, name, showlegend: true });
    return {
      height: 420,
      traces: [
        ...axes.map((tip) => line([0, 0], tip, { color: look.grid, width: 1 })),
        line(sample, end, { color: ORANGE, width: 1 }),
        named(arrow(end, removed, ORANGE, "dash"), "removed"),
        named(arrow(end, incoming, "#808080", "solid"), "incoming"),
        named(arrow(sample, gradient, look.text, "solid"), "goes on to x"),
        {
          x: [sample[0], end[0]], y: [sample[1], end[1]], mode: "markers", showlegend: false,
          marker: { size: 12, color: [ORANGE, look.blue], symbol: ["circle-open", "circle"] },
        },
      ],
      layout: {
        ...plane([-3.7, 3.7], [-3.7, 3.7]),
        showlegend: true, margin: { l: 0, r: 0, t: 50, b: 0 },
        shapes: [{
          type: "circle", x0: -radius, x1: radius, y0: -radius, y1: radius, line: dotted(look),
        }],
        annotations: axes.map((tip, i) => ({
          x: 1.12 * tip[0], y: 1.12 * tip[1], text: `x<sub>${i + 1}</sub>`, showarrow: false,
        })),
      },
      words: `Direction ${directions[direction]}°, distance ${distances[distance]}, so σ `
        + `${number(Math.hypot(...sample) / radius, 2)}. The sample lands on the circle in the same `
        + `direction. The gradient that goes on has length ${number(Math.hypot(...gradient), 2)}, `
        + `the incoming one ${number(Math.hypot(...incoming), 2)}.`,
    };
  },
});
