// A released notebook: its answers' cells, the code above one, and the file with a
// learner's answers in it.

import { readAnswer, writeAnswer } from "./store.js";

const text = (cell) => [].concat(cell.source).join("");

export class Notebook {
  constructor(file, released) {
    this.file = file;
    this.released = released;
    this.stubs = new Map();
    for (const cell of released.cells) {
      const marked = cell.metadata.nbgrader;
      if (marked?.solution) this.stubs.set(marked.grade_id, text(cell));
    }
  }

  read(id) {
    return readAnswer(id, this.stubs.get(id));
  }

  write(id, answer) {
    writeAnswer(id, this.stubs.get(id), answer);
  }

  // The code above a cell: each with whether it is an answer. Checks are left out.
  above(id) {
    const found = [];
    for (const cell of this.released.cells) {
      const marked = cell.metadata.nbgrader;
      if (marked?.grade_id === id) break;
      if (cell.cell_type !== "code" || marked?.grade) continue;
      found.push([marked ? this.read(marked.grade_id) : text(cell), Boolean(marked)]);
    }
    return found;
  }

  // The points that a check can give, by the cell of the answer above it.
  points(id) {
    const { cells } = this.released;
    const place = cells.findIndex((cell) => cell.metadata.nbgrader?.grade_id === id);
    const graded = [cells[place], cells[place + 1]].map((c) => c.metadata.nbgrader);
    return (graded[0].grade ? graded[0] : graded[1]).points;
  }

  // The released file, in the very bytes that nbgrader writes, with the answers in it.
  download() {
    const filled = structuredClone(this.released);
    for (const cell of filled.cells) {
      const marked = cell.metadata.nbgrader;
      if (!marked?.solution) continue;
      cell.source = this.read(marked.grade_id).match(/[^\n]*\n|[^\n]+/g) ?? [];
    }
    const bytes = `${JSON.stringify(filled, null, 1)}\n`;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes], { type: "application/x-ipynb+json" }));
    link.download = this.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  // The answers in a notebook's text, by cell. Throws when it is another notebook.
  answersIn(content) {
    let cells;
    try {
      ({ cells } = JSON.parse(content));
    } catch {
      cells = undefined;
    }
    if (!Array.isArray(cells)) throw new Error("This file is not a notebook.");
    const found = new Map();
    for (const cell of cells) {
      const id = cell.metadata?.nbgrader?.grade_id;
      if (this.stubs.has(id)) found.set(id, text(cell));
    }
    if (found.size === 0) throw new Error("This notebook holds no answer to this page.");
    return found;
  }
}
