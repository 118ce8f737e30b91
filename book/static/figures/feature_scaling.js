// Chapter 1: one wrong value, and what four scalings make of the others.

"use strict";

figures["fig-typo"] = ({ entered, scalings }) => ({
  controls: { value: { label: "First wine", stops: entered.map(String), start: 0 } },
  draw({ value }, look) {
    const traces = [], text = [], layout = {
      showlegend: true, annotations: [], margin: { l: 16, t: look.narrow ? 80 : 40, b: 30 },
    };
    Object.entries(scalings).forEach(([name, at], row) => {
      const clean = at[0].others, { others, wrong, kept } = at[value];
      const all = at.flatMap((stop) => stop.others), low = Math.min(...all), high = Math.max(...all);
      const from = low - 0.05 * (high - low), to = high + 0.05 * (high - low);
      const n = row ? row + 1 : "", axes = { xaxis: `x${n}`, yaxis: `y${n}`, showlegend: row === 0 };
      const dots = (x, height, more) => ({
        ...axes, x, y: x.map(() => height), mode: "markers", ...more,
      });
      traces.push(
        dots(clean, 1, {
          name: "as measured", marker: { color: look.blue, symbol: "circle-open", size: 8 },
        }),
        dots(others, 0, {
          name: "beside the value entered", marker: { color: ORANGE, symbol: "x-thin-open", size: 8 },
        }),
        // Far away, it is not drawn: the axis stays where the others are.
        dots([wrong].filter((z) => z >= from && z <= to), 0, {
          name: "the value entered", marker: { ...bold(look), color: PINK, symbol: "diamond" },
        }),
      );
      const top = 1 - row / 4;
      layout[`xaxis${n}`] = {
        anchor: `y${n}`, range: [from, to], nticks: 6, zeroline: false, gridcolor: look.grid,
        linecolor: look.text,
      };
      layout[`yaxis${n}`] = {
        anchor: `x${n}`, domain: [top - 0.14, top - 0.06], range: [-0.7, 1.7], visible: false,
      };
      layout.annotations.push({
        text: `<b>${name}</b>`, showarrow: false, xref: "paper", x: 0, xanchor: "left",
        yref: "paper", y: top - 0.06, yanchor: "bottom",
      });
      text.push(`${name} ${number(wrong, 2)}, ${number(100 * kept, 0)} %`);
    });
    return {
      height: 480, traces, layout,
      words: `First wine ${entered[value]}. What it becomes, and how much of their range the others `
        + `keep: ${text.join("; ")}.`,
    };
  },
});
