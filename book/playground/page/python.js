// The page's side of the worker: one at work and one in reserve, since an endless loop
// can only be ended together with its worker, and a new one takes seconds to start.

const LIMIT = 10_000; // milliseconds for an answer, once all that it needs is loaded

export class TookTooLong extends Error {}

class Python {
  constructor({ version, parts, pictures }, onProgress) {
    const url = new URL("worker.js", import.meta.url);
    url.searchParams.set("version", version);
    for (const part of parts) url.searchParams.append("part", part);
    for (const part of pictures) url.searchParams.append("picture", part);
    this.worker = new Worker(url, { type: "module" });
    this.ready = new Promise((resolve, reject) => {
      this.worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message || "the worker did not start"));
      };
      this.worker.onmessage = ({ data }) => {
        if (data.type === "progress") {
          const tell = data.what === "python" ? onProgress : this.onMatplotlib;
          tell?.(data.loaded);
        }
        if (data.type === "running") this.began?.();
        if (data.type === "ready") resolve();
        if (data.type === "failed") reject(new Error(data.why));
        if (data.type === "result") this.answered?.(data);
      };
    });
    this.ready.catch(() => {}); // whoever waits for it hears of it
  }

  // Tells ``onMatplotlib`` how much of it is loaded, where the request needs it.
  ask(request, onMatplotlib) {
    return new Promise((resolve, reject) => {
      let timer;
      this.onMatplotlib = onMatplotlib;
      this.began = () => {
        timer = setTimeout(() => reject(new TookTooLong()), LIMIT);
      };
      this.answered = (result) => {
        clearTimeout(timer);
        resolve(result);
      };
      this.worker.postMessage(request);
    });
  }
}

export class Pythons {
  constructor(what) {
    this.what = what;
  }

  // Starts loading, when an exercise is first touched.
  start(onProgress) {
    this.current ??= new Python(this.what, onProgress);
    return this.current.ready;
  }

  // One request at a time, in the order of the asking.
  ask(...request) {
    const turn = (this.last ?? Promise.resolve()).then(() => this.#ask(...request));
    this.last = turn.catch(() => {});
    return turn;
  }

  async #ask(...request) {
    try {
      await this.start();
    } catch (error) {
      this.current = undefined; // the next try begins anew
      throw error;
    }
    const python = this.current;
    try {
      return await python.ask(...request);
    } catch (error) {
      python.worker.terminate();
      this.current = this.spare;
      this.spare = undefined;
      throw error;
    } finally {
      this.spare ??= new Python(this.what);
    }
  }
}
