// Brings the exercises of a page to life, or says in one line why it cannot.

"use strict";

{
  const base = document.currentScript.src;

  const explain = (why) => {
    for (const place of document.querySelectorAll(".playground-notice")) {
      place.textContent = why;
      place.hidden = false;
    }
  };

  const start = async () => {
    if (location.protocol === "file:") {
      explain(
        "Exercises run in the page only where it is served: open the published book, or " +
          "start this one with “make serve”.",
      );
      return;
    }
    const answer = await fetch(new URL("manifest.json", base), { cache: "no-cache" });
    const manifest = answer.ok ? await answer.json() : {};
    if (!manifest.parts) {
      explain(
        "Exercises do not run in this copy of the book, because their parts were missing " +
          "when it was built. They run in JupyterLab.",
      );
      return;
    }
    const { enliven } = await import(new URL(`parts/page.js?v=${manifest.version}`, base));
    enliven(manifest);
  };

  start().catch((error) => {
    console.warn(error);
    explain(`Exercises do not run in this page: ${error.message}.`);
  });
}
