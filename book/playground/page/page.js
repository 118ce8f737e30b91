// The page of a notebook: its exercises, its points, and the notebook as a file.

import { showCourse } from "./course.js";
import { button, element } from "./elements.js";
import { Exercise } from "./exercise.js";
import { Loading, Progress } from "./loading.js";
import { Notebook } from "./notebook.js";
import { Pythons } from "./python.js";
import { lasting, onChangeElsewhere } from "./store.js";
import { Written } from "./written.js";

const OWN = ["page.js", "worker.js"]; // parts that are loaded before the others

export function enliven(manifest) {
  const read = (name) => {
    const data = document.querySelector(`script.playground-${name}`);
    return data && JSON.parse(data.textContent);
  };
  const [notebook, course] = [read("notebook"), read("course")];
  const tellCourse = course ? showCourse(course) : () => {};
  if (notebook) new Page(notebook, manifest, tellCourse).build();
}

class Page {
  constructor({ file, notebook, torch, whole }, { parts, pictures, version }, tellCourse) {
    this.whole = whole; // or only one exercise, on the book's first page
    this.tellCourse = tellCourse;
    this.notebook = new Notebook(file, notebook);
    this.torch = torch;
    const toLoad = Object.entries(parts).filter(([name]) => !OWN.includes(name));
    const others = toLoad.map(([name]) => name).filter((name) => name !== "normlib.zip");
    const what = { version, parts: others, pictures: Object.keys(pictures) };
    this.pythons = new Pythons(what);
    this.loading = new Loading(this.pythons, Object.fromEntries(toLoad));
    this.matplotlib = new Progress("matplotlib", "matplotlib", pictures);
    this.book = new URL("../../../book", import.meta.url).href; // from the bundle
  }

  build() {
    const make = (selector, Kind) =>
      Array.from(document.querySelectorAll(selector), (place) => new Kind(place, this));
    this.exercises = make(".playground-exercise", Exercise);
    this.written = make(".playground-written", Written);
    if (this.whole) document.querySelector(".playground-notice").before(this.#makeBar());
    this.showPoints();
    onChangeElsewhere(() => this.refresh());
  }

  refresh() {
    for (const part of [...this.exercises, ...this.written]) part.refresh();
    this.showPoints();
  }

  #makeBar() {
    this.meter = element("progress", { className: "playground-meter" });
    this.meter.ariaLabel = "Points reached";
    this.summary = element("p", { className: "playground-summary" });
    const file = element("input", { type: "file", accept: ".ipynb", hidden: true });
    file.addEventListener("change", () => this.#open(file));
    this.said = element("p", { className: "playground-said" });
    this.said.setAttribute("role", "status");
    const buttons = element(
      "div",
      { className: "playground-buttons" },
      button("Download my notebook", () => this.notebook.download()),
      button("Open a notebook", () => file.click()),
      file,
    );
    if (!lasting) this.said.textContent = "This browser keeps nothing: download your work.";
    return element("div", { className: "playground-bar" }, this.meter, this.summary, buttons, this.said);
  }

  showPoints() {
    this.tellCourse();
    if (!this.whole) return;
    const sum = (parts, points) => parts.reduce((total, part) => total + points(part), 0);
    const here = this.exercises.filter((exercise) => !exercise.inTorch);
    const elsewhere = this.exercises.filter((exercise) => exercise.inTorch);
    const possible = sum(here, (e) => e.possible);
    const reached = Math.round(100 * sum(here, (e) => e.points ?? 0)) / 100;
    this.meter.max = possible;
    this.meter.value = reached;
    const more = [
      [sum(elsewhere, (e) => e.possible), "in JupyterLab"],
      [sum(this.written, (w) => w.possible), "for answers in words"],
    ].filter(([points]) => points > 0);
    const rest = more.map(([points, where]) => `${points} more ${where}`).join(", ");
    this.summary.textContent = `${reached} of ${possible} points${rest ? `; ${rest}` : ""}`;
  }

  async #open(input) {
    const [file] = input.files;
    input.value = ""; // the same file can be opened again
    if (!file) return;
    try {
      const answers = this.notebook.answersIn(await file.text());
      const replaced = [...answers].some(([cell, answer]) => {
        const mine = this.notebook.read(cell);
        return mine !== answer && mine !== this.notebook.stubs.get(cell);
      });
      if (replaced && !confirm("Replace what you wrote on this page by that notebook?")) return;
      for (const [cell, answer] of answers) this.notebook.write(cell, answer);
      this.refresh();
      this.said.textContent =
        `The answers of ${file.name} are in their places. Press Check to see their points. ` +
        "Cells of your own stay in your file.";
    } catch (error) {
      this.said.textContent = error.message;
    }
  }
}
