// Small helpers for making elements.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export const button = (name, onclick, extra = {}) =>
  element("button", { type: "button", className: "btn playground-button", onclick, ...extra }, name);

// The heading that a part of the page stands under, without its link to itself.
export function headingOf(part) {
  const heading = part.closest("section")?.querySelector("h1, h2, h3");
  const copy = heading?.cloneNode(true);
  copy?.querySelectorAll(".headerlink").forEach((link) => link.remove());
  // Without the points and stars behind it.
  return copy?.textContent.replace(/\(.*/s, "").trim() ?? "";
}
