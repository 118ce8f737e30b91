// Chapter 6: how far one step turns the weight.

"use strict";

figures["fig-weight-step"] = ({ lengths, rates, vectors, angles }) => ({
  controls: {
    length: { label: "Length of v", stops: lengths.map(String), start: 0 },
    rate: { label: "Learning rate", stops: rates.map(String), start: 2 },
  },
  draw({ length, rate }, look) {
    const [v, newV, w, newW] = vectors[length][rate];
    const from = ([x, y]) => ({ x: [0, x], y: [0, y] });
    const wide = (end, dash) => ({
      ...from(end), mode: "lines", line: { color: ORANGE, width: 9, dash }, opacity: 0.5,
    });
    const arrow = (end, color, dash) => ({
      ...from(end), mode: "lines+markers", line: { color, width: 2, dash },
      marker: { color, symbol: "arrow", size: [0, 14], opacity: 1, angleref: "previous" },
    });
    const label = ([x, y], text, color, yanchor, xanchor) => ({
      x, y, text, font: { color }, showarrow: false, yanchor, xanchor,
    });
    return {
      height: look.narrow ? 240 : 290,
      traces: [
        wide(w, "solid"), wide(newW, "dash"),
        arrow(v, look.text, "solid"), arrow(newV, look.blue, "dash"),
      ],
      layout: {
        ...plane([-0.1, 3.5], [-0.25, 1.75]),
        annotations: [
          label(v, "v", look.text, "top", "left"), label(newV, "new v", look.blue, "bottom", "right"),
          label([0.48, 0.14], "w", look.text, "top", "left"),
        ],
      },
      words: `v of length ${lengths[length]}, learning rate ${rates[rate]}: the step turns v, and w `
        + `with it, by ${number(angles[length][rate])}°. The new v has the length `
        + `${number(Math.hypot(...newV), 3)}; w keeps its length.`,
    };
  },
});
