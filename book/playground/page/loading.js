// The progress of what is loaded before the first check, in words and numbers.

import { element } from "./elements.js";

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

export class Loading {
  constructor(pythons, sizes) {
    this.pythons = pythons;
    this.total = sizes.reduce((sum, size) => sum + size, 0);
    this.bar = element("progress", { max: this.total, value: 0 });
    this.bar.ariaLabel = "Loading Python and NumPy";
    this.words = element("span");
  }

  // Loads, once, and shows how far that is in ``place``.
  show(place) {
    if (this.ready) return this.ready;
    place.replaceChildren(this.bar, this.words);
    place.hidden = false;
    this.#tell(0);
    this.ready = this.pythons
      .start((loaded) => this.#tell(loaded))
      .catch(() => (this.ready = undefined)) // the request that follows says why
      .finally(() => (place.hidden = true));
    return this.ready;
  }

  #tell(loaded) {
    this.bar.value = loaded;
    this.words.textContent =
      loaded < this.total
        ? `Loading Python and NumPy: ${megabytes(loaded)} of ${megabytes(this.total)} MB`
        : "Starting Python";
  }
}
