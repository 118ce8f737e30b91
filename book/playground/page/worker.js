// Python in a worker: loads Pyodide, NumPy and the checks, then runs what it is sent.
// The judge is normlib.check itself, by way of in_the_page.py.

const parts = new URL("./", import.meta.url);
const asked = new URL(import.meta.url).searchParams;

// Fetches a part and tells how much of it has come. Pyodide asks for most of them once
// more, by itself, and then finds them in the browser's cache.
async function download(name, tell) {
  const response = await fetch(new URL(name, parts));
  if (!response.ok) throw new Error(`${name} is missing (${response.status})`);
  const chunks = [];
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(chunks).arrayBuffer();
    chunks.push(value);
    tell(value.length);
  }
}

function telling(what) {
  let loaded = 0;
  return (length) => self.postMessage({ type: "progress", what, loaded: (loaded += length) });
}

async function start() {
  const tell = telling("python");
  const checks = download(`normlib.zip?${asked.get("version")}`, tell);
  await Promise.all([checks, ...asked.getAll("part").map((name) => download(name, tell))]);
  const { loadPyodide } = await import(new URL("pyodide.mjs", parts));
  const pyodide = await loadPyodide({ indexURL: parts.href, packageBaseUrl: parts.href });
  await pyodide.loadPackage("numpy", { messageCallback() {} });
  pyodide.unpackArchive(await checks, "zip", {
    extractDir: pyodide.runPython("import site; site.getsitepackages()[0]"),
  });
  const python = pyodide.pyimport("in_the_page");
  python.has_matplotlib = pictures.length > 0;
  return { pyodide, python };
}

// Matplotlib, which is three times as large as NumPy: only for code that imports it.
const pictures = asked.getAll("picture");
let drawing;
function loadMatplotlib(pyodide) {
  const load = async () => {
    const tell = telling("matplotlib");
    await Promise.all(pictures.map((name) => download(name, tell)));
    await pyodide.loadPackage("matplotlib", { messageCallback() {} });
    pyodide.pyimport("in_the_page.pictures").destroy(); // takes seconds, the first time
  };
  drawing ??= load().catch((error) => {
    drawing = undefined; // the next run tries again
    throw error;
  });
  return drawing;
}

const starting = start();
starting.then(
  () => self.postMessage({ type: "ready" }),
  (error) => self.postMessage({ type: "failed", why: String(error.message ?? error) }),
);

self.onmessage = async ({ data }) => {
  const { pyodide, python } = await starting;
  const { key, above, answer, book } = data;
  if (pictures.length > 0 && python.imports_matplotlib(above, answer)) {
    try {
      await loadMatplotlib(pyodide);
    } catch (error) {
      const html = `<p>Matplotlib could not be loaded: ${error.message}.</p>`;
      self.postMessage({ type: "result", html });
      return;
    }
  }
  self.postMessage({ type: "running" });
  const result = key ? python.check(key, above, answer, book) : python.run(above, answer);
  self.postMessage({
    type: "result",
    html: result.get("html"),
    points: result.get("points"),
  });
  result.destroy();
};
