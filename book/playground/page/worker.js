// Python in a worker: loads Pyodide, NumPy and the checks, then runs what it is sent.
// The judge is normlib.check itself, by way of in_the_page.py.

const parts = new URL("./", import.meta.url);
const asked = new URL(import.meta.url).searchParams;

// Fetches a part and tells how much of it has come. Pyodide asks for most of them once
// more, by itself, and then finds them in the browser's cache.
let loaded = 0;
async function download(name) {
  const response = await fetch(new URL(name, parts));
  if (!response.ok) throw new Error(`${name} is missing (${response.status})`);
  const chunks = [];
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(chunks).arrayBuffer();
    chunks.push(value);
    loaded += value.length;
    self.postMessage({ type: "progress", loaded });
  }
}

async function start() {
  const checks = download(`normlib.zip?${asked.get("version")}`);
  await Promise.all([checks, ...asked.getAll("part").map(download)]);
  const { loadPyodide } = await import(new URL("pyodide.mjs", parts));
  const pyodide = await loadPyodide({ indexURL: parts.href, packageBaseUrl: parts.href });
  await pyodide.loadPackage("numpy", { messageCallback() {} });
  pyodide.unpackArchive(await checks, "zip", {
    extractDir: pyodide.runPython("import site; site.getsitepackages()[0]"),
  });
  return pyodide.pyimport("in_the_page");
}

const starting = start();
starting.then(
  () => self.postMessage({ type: "ready" }),
  (error) => self.postMessage({ type: "failed", why: String(error.message ?? error) }),
);

self.onmessage = async ({ data }) => {
  const python = await starting;
  const { key, above, answer, book } = data;
  const result = key ? python.check(key, above, answer, book) : python.run(above, answer);
  self.postMessage({
    type: "result",
    html: result.get("html"),
    points: result.get("points"),
  });
  result.destroy();
};
