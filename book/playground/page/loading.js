// The progress of what is loaded, in words and numbers.

import { element } from "./elements.js";

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

export class Progress {
  // ``parts`` holds the size of each, by its name.
  constructor(what, starting, parts) {
    Object.assign(this, { what, starting });
    this.total = Object.values(parts).reduce((sum, size) => sum + size, 0);
    this.bar = element("progress", { max: this.total, value: 0 });
    this.bar.ariaLabel = `Loading ${what}`;
    this.words = element("span");
  }

  show(place, loaded) {
    if (this.bar.parentElement !== place) place.replaceChildren(this.bar, this.words);
    place.hidden = false;
    this.bar.value = loaded;
    this.words.textContent =
      loaded < this.total
        ? `Loading ${this.what}: ${megabytes(loaded)} of ${megabytes(this.total)} MB`
        : `Starting ${this.starting}`;
  }
}

// Python, loaded before the first check.
export class Loading {
  constructor(pythons, parts) {
    this.pythons = pythons;
    this.progress = new Progress("Python and NumPy", "Python", parts);
  }

  // Loads, once, and shows how far that is in ``place``.
  show(place) {
    if (this.ready) return this.ready;
    this.progress.show(place, 0);
    this.ready = this.pythons
      .start((loaded) => this.progress.show(place, loaded))
      .catch(() => (this.ready = undefined)) // the request that follows says why
      .finally(() => (place.hidden = true));
    return this.ready;
  }
}
