// Chapter 4: one image in the light of your choice, and what two networks say.

"use strict";

figures["fig-in-lights"] = ({ contrasts, brightnesses, images, labels, shares }) => ({
  controls: {
    image: { label: "Image", options: labels.map((_, i) => `${i + 1}`), start: 0 },
    contrast: {
      label: "Contrast", start: contrasts.indexOf(1),
      stops: contrasts.map((a) => `× ${a}`.replace("-", "−")),
    },
    brightness: {
      label: "Brightness", start: brightnesses.indexOf(0),
      stops: brightnesses.map((b) => `${b > 0 ? "+" : ""}${b}`.replace("-", "−")),
    },
  },
  draw({ image, contrast, brightness }, look) {
    const a = contrasts[contrast], b = brightnesses[brightness], right = labels[image];
    const lit = images[image].map((pixel) => a * pixel + b);
    const digits = [...Array(10).keys()], names = Object.keys(shares);
    const said = names.map((name) => shares[name][image][contrast][brightness]);
    const answers = said.map((p) => p.indexOf(Math.max(...p)));
    const styles = [{ color: ORANGE, shape: "" }, { color: look.blue, shape: "/" }];
    const verdict = (answer) => (answer === right ? "which is right" : "which is wrong");
    return {
      height: 440,
      traces: [
        {
          type: "heatmap", z: [...Array(8).keys()].map((row) => lit.slice(8 * row, 8 * row + 8)),
          xaxis: "x2", yaxis: "y2", zmin: -3, zmax: 5, showscale: false,
          colorscale: [[0, "#000000"], [1, "#ffffff"]],
        },
        ...names.map((name, k) => ({
          type: "bar", name, x: digits, y: said[k].map((p) => 100 * p),
          marker: {
            color: styles[k].color,
            pattern: { shape: styles[k].shape, bgcolor: styles[k].color, fgcolor: "white" },
          },
        })),
      ],
      layout: {
        showlegend: true, barmode: "group",
        legend: { orientation: "h", x: 0.5, xanchor: "center", y: 0.53, yanchor: "bottom" },
        xaxis: { title: { text: "digit" }, dtick: 1, showgrid: false },
        yaxis: { title: { text: "probability, %" }, range: [0, 105], domain: [0, 0.52] },
        xaxis2: { visible: false, anchor: "y2" },
        yaxis2: {
          visible: false, anchor: "x2", domain: [0.66, 1], autorange: "reversed", scaleanchor: "x2",
        },
      },
      words: `Image ${image + 1}, a ${right}, at contrast × ${a} and brightness ${b}. `.replace(/-/g, "−")
        + names.map((name, k) => `${capital(name)} says ${answers[k]}, with `
          + `${number(100 * said[k][answers[k]], 0)} %, ${verdict(answers[k])}.`).join(" "),
    };
  },
});
