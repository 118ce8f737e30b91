// One exercise of the page: an editor, its buttons, and the report below them.

import { createEditor } from "./editor.js";
import { button, element, headingOf } from "./elements.js";
import { TookTooLong } from "./python.js";
import { safe } from "./safe.js";
import { readPoints, writePoints } from "./store.js";

const STOPPED = "Stopped after 10 seconds. Is there a loop that never ends?";
const TORCH =
  "This exercise needs torch, which does not run in a page. Write your answer here or " +
  "there, and check it in JupyterLab: download the notebook and open it in the course’s " +
  "folder, or on Colab if your course offers that.";

export class Exercise {
  constructor(place, page) {
    this.key = place.dataset.exercise;
    this.cell = place.dataset.cell;
    this.page = page;
    this.title = headingOf(place);
    this.inTorch = page.torch.includes(this.key);
    this.possible = page.notebook.points(this.cell);

    const help = element("p", {
      id: `playground-help-${this.cell}`,
      className: "playground-help",
      textContent: "Tab indents; Escape, then Tab leaves the editor. Ctrl+Enter checks.",
    });
    if (this.inTorch) help.textContent = help.textContent.replace(" Ctrl+Enter checks.", "");
    const frame = element("div", { className: "playground-editor" });
    this.loading = element("div", { className: "playground-loading", hidden: true });
    this.report = element("div", { className: "playground-report", role: "status" });
    this.report.setAttribute("role", "status");
    const buttons = element("div", { className: "playground-buttons" });
    if (!this.inTorch) {
      buttons.append(
        button("Check", () => this.check(), { className: "btn playground-button playground-check" }),
        button("Run", () => this.run()),
      );
    }
    buttons.append(button("Reset", () => this.reset()));
    this.state = element("span", { className: "playground-state" });
    buttons.append(this.state);

    for (const cell of place.querySelectorAll(":scope > .cell")) {
      cell.classList.add("playground-replaced");
    }
    place.append(frame, help, buttons, this.loading, this.report);
    if (this.inTorch) help.before(element("p", { className: "playground-torch" }, TORCH));

    this.editor = createEditor({
      parent: frame,
      source: page.notebook.read(this.cell),
      label: `Your answer to ${this.title || this.key}`,
      describedBy: help.id,
      onChange: (text) => this.changed(text),
      onEnter: () => this.check(),
    });
    if (!this.inTorch) {
      for (const touch of ["focusin", "pointerdown"]) {
        place.addEventListener(touch, () => this.prepare(), { once: true });
      }
    }
    this.showState();
  }

  get points() {
    return readPoints(this.key, this.cell);
  }

  // Python is loaded when an exercise of the page is first touched.
  prepare() {
    return this.page.loading.show(this.loading);
  }

  changed(text) {
    this.page.notebook.write(this.cell, text);
    this.page.showPoints();
    this.showState();
  }

  // What another tab, or a notebook that was opened, has changed.
  refresh() {
    this.editor.show(this.page.notebook.read(this.cell));
    this.showState();
  }

  showState() {
    const { points } = this;
    this.state.textContent =
      points === undefined ? "" : `${points} of ${this.possible} points`;
  }

  async check() {
    if (this.inTorch) return;
    const answer = this.editor.source;
    const result = await this.ask({ key: this.key, book: this.page.book });
    if (result?.points === undefined) return;
    writePoints(this.key, answer, result.points);
    this.page.showPoints();
    this.showState();
  }

  async run() {
    const result = await this.ask({});
    if (result?.html === "") this.say("It ran. Print something, or end with a value.");
  }

  // Shows what comes back; undefined when nothing does.
  async ask(request) {
    if (this.asking) return undefined;
    this.asking = true;
    this.report.ariaBusy = "true";
    try {
      await this.prepare();
      this.say("Running…");
      const above = this.page.notebook.above(this.cell);
      const result = await this.page.pythons.ask(
        { ...request, above, answer: this.editor.source },
        (loaded) => this.page.matplotlib.show(this.loading, loaded),
      );
      this.report.replaceChildren(safe(result.html));
      // Wide output scrolls, also for who has no mouse.
      const wide = this.report.querySelectorAll("pre, :scope > div:has(table)");
      for (const output of wide) output.tabIndex = 0;
      return result;
    } catch (error) {
      const stopped = error instanceof TookTooLong;
      this.say(stopped ? STOPPED : `Python could not be loaded: ${error.message}.`);
      return stopped && request.key ? { points: 0 } : undefined;
    } finally {
      this.asking = false;
      this.loading.hidden = true;
      this.report.ariaBusy = "false";
    }
  }

  say(sentence) {
    this.report.replaceChildren(element("p", {}, sentence));
  }

  reset() {
    const question = `Discard your answer to “${this.title}” and start again?`;
    if (!confirm(question)) return;
    this.editor.replace(this.page.notebook.stubs.get(this.cell));
    this.report.replaceChildren();
  }
}
