// What the printable edition takes from the pages of the built book.

"use strict";

window.printable = {
  // The lines of the title page.
  title() {
    const lines = document.querySelectorAll(".logo__title, .bd-footer-content .footer-item");
    return [...lines].map((line) => line.textContent.trim().replaceAll(/\s+/g, " "));
  },

  // The pages in the book's order: this one, then those that the sidebar lists, each
  // with the caption that stands above it there.
  pages() {
    let caption = "";
    const pages = [{ url: location.href, caption }];
    for (const entry of document.querySelectorAll("nav.bd-links :is(.caption-text, a)")) {
      if (entry.href) pages.push({ url: entry.href, caption });
      caption = entry.href ? "" : entry.textContent;
    }
    return pages;
  },

  // .../book/02_batch_norm.html#why -> p-book-02_batch_norm-why
  anchor({ pathname, hash }) {
    const name = pathname.split("/").slice(-2).join("-");
    return `p-${name.replace(".html", "")}${hash.replace("#", "-")}`.replaceAll(/[^\w-]/g, "_");
  },

  // This page's article, ready for paper, with the styles it needs.
  async part() {
    if (document.querySelector(".math")) await MathJax.startup.promise;
    const article = document.querySelector("article.bd-article");
    const chapter = Number(location.pathname.match(/\/book\/(\d\d)_/)?.[1]);
    const notebook = /\/exercises\/[^/]+\/[^/]+$/.test(location.pathname);

    const gone = ["script", "button", ".headerlink", ".interactive", ".only-dark", "details.hide"];
    if (notebook) gone.push("details"); // hints
    article.querySelectorAll(gone.join()).forEach((element) => element.remove());
    article.querySelectorAll("div.cell").forEach((cell) => {
      if (!cell.textContent.trim() && !cell.querySelector("img")) cell.remove();
    });
    article.querySelectorAll("details").forEach((fold) => { fold.open = true; });
    article.querySelectorAll(".toggle-hidden").forEach((fold) => fold.classList.remove("toggle-hidden"));
    // The picture that a figure to play with has replaced.
    article.querySelectorAll("figure [hidden]").forEach((picture) => { picture.hidden = false; });
    article.querySelectorAll("img").forEach((image) => {
      image.loading = "eager";
      image.src = image.src; // from here on with its full address
    });

    // Targets and links of one page become those of a part. A link to a picture's own
    // file leads nowhere on paper.
    const target = (hash) => this.anchor({ pathname: location.pathname, hash });
    article.querySelectorAll("[id]").forEach((element) => { element.id = target(`#${element.id}`); });
    article.querySelectorAll("a[href]").forEach((link) => {
      if (link.pathname.endsWith(".png")) link.removeAttribute("href");
      else if (link.protocol === "file:") link.href = `#${this.anchor(link)}`;
    });
    article.id = target("");

    const text = (heading) => heading.textContent.trim();
    const title = text(article.querySelector("h1"));
    const sections = notebook ? [] : [...article.querySelectorAll("section > h2")].map((heading) => (
      { title: text(heading), anchor: heading.parentElement.id }
    ));
    if (chapter) article.insertAdjacentHTML("afterbegin", `<p class="chapter">Chapter ${chapter}</p>`);
    const sheets = document.querySelectorAll("link[rel=stylesheet]");
    const formulas = document.getElementById("MJX-CHTML-styles")?.sheet.cssRules ?? [];
    return {
      title: chapter ? `${chapter} · ${title}` : notebook ? `Exercises: ${title}` : title,
      anchor: article.id,
      notebook,
      sections,
      html: article.outerHTML,
      sheets: [...sheets].map((sheet) => sheet.href),
      rules: [...formulas].map((rule) => rule.cssText),
    };
  },

  // Shrink what is wider than the page.
  fit() {
    const width = document.body.clientWidth;
    for (const wide of document.querySelectorAll("table, pre, mjx-container")) {
      const right = wide.getBoundingClientRect().left + wide.scrollWidth;
      if (right > width) wide.style.zoom = 0.99 * width / right;
    }
  },

  // Leave nothing but the page numbers of the contents.
  number(pages) {
    for (const link of document.querySelectorAll("nav a")) {
      link.lastChild.textContent = pages[link.hash.slice(1)];
    }
    document.body.classList.add("numbers");
    const style = document.createElement("style");
    style.textContent = "@page { @bottom-center { content: none } }";
    document.body.append(style);
  },
};
