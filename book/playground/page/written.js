// A question that is answered in words.

import { element, headingOf } from "./elements.js";

export class Written {
  constructor(place, page) {
    this.cell = place.dataset.cell;
    this.page = page;
    this.possible = page.notebook.points(this.cell);
    this.stub = page.notebook.stubs.get(this.cell);
    for (const child of place.children) child.classList.add("playground-replaced");
    this.field = element("textarea", { className: "form-control", rows: 6 });
    this.field.ariaLabel = `Your answer to ${headingOf(place)}`;
    this.field.placeholder = "Your answer, in words";
    this.field.addEventListener("input", () =>
      page.notebook.write(this.cell, this.field.value || this.stub),
    );
    place.append(this.field);
    this.refresh();
  }

  refresh() {
    const answer = this.page.notebook.read(this.cell);
    const shown = answer === this.stub ? "" : answer;
    if (this.field.value !== shown) this.field.value = shown;
  }
}
