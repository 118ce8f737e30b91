// What the theme leaves undone: names and roles for screen readers, punctuation that
// stays on the line of its formula, and a search that works from the disk.

"use strict";

for (const arrow of document.querySelectorAll(".bd-sidebar-primary summary")) {
  const page = arrow.closest("li").querySelector("a").textContent.trim();
  arrow.ariaLabel = `Pages below “${page}”`;
}

// Lists that are written as something else: references, and a function's arguments.
for (const entry of document.querySelectorAll(".citation, .sig > dl > dd")) {
  entry.role = "listitem";
  entry.parentElement.role = "list";
}

// A browser may break the line on either side of a formula.
for (const formula of document.querySelectorAll("span.math")) {
  const [before, after] = [formula.previousSibling, formula.nextSibling];
  const opening = before instanceof Text ? before.data.match(/[(\[“‘]*$/)[0].length : 0;
  const closing = after instanceof Text ? after.data.match(/^[.,;:!?)\]’”]*/)[0].length : 0;
  if (opening + closing === 0) continue;
  const together = document.createElement("span");
  together.className = "text-nowrap";
  formula.before(together);
  if (opening) together.append(before.splitText(before.length - opening));
  together.append(formula);
  if (closing) {
    after.splitText(closing);
    together.append(after);
  }
}

// Under each page it finds, the search quotes it. From the disk no page may read another.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
