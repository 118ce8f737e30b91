// On the book's first page: how far a learner has come in the whole course, and where
// she goes on. Who has not begun yet sees nothing of it.

import { element } from "./elements.js";
import { isBegun, onChangeElsewhere, readPoints } from "./store.js";

export function showCourse(notebooks) {
  const place = document.querySelector(".playground-course:not(script)");
  const exercises = notebooks.flatMap(({ url, title, exercises }) =>
    exercises.map((exercise) => ({ ...exercise, url, notebook: title })),
  );
  const sum = (points) => exercises.reduce((total, one) => total + points(one), 0);
  const pointsOf = ({ key, cell }) => readPoints(key, cell) ?? 0;

  const show = () => {
    const last = exercises.findLastIndex(({ cell }) => isBegun(cell));
    place.hidden = last < 0;
    if (last < 0) return;
    const possible = sum(({ points }) => points);
    const reached = Math.round(100 * sum(pointsOf)) / 100;
    const meter = element("progress", {
      className: "playground-meter",
      max: possible,
      value: reached,
    });
    meter.ariaLabel = "Points reached in the course";
    const summary = element("p", { className: "playground-summary" });
    summary.append(`${reached} of ${possible} points that are checked in the page.`);
    const solved = pointsOf(exercises[last]) === exercises[last].points;
    const next = exercises[solved ? last + 1 : last];
    if (next) {
      const name = `${next.notebook}, ${next.title}`;
      const link = element("a", { href: `${next.url}#${next.cell}` }, name);
      summary.append(" Continue with ", link, ".");
    }
    place.replaceChildren(meter, summary);
  };

  onChangeElsewhere(show);
  show();
  return show;
}
