// What a worker sends, without anything that runs or loads something. Its code may come
// from a notebook that somebody else wrote, and the page holds the learner's work.

import DOMPurify from "dompurify";

const ALLOWED = {
  ALLOWED_TAGS: [
    ..."a b br caption code details div em h3 h4 i img li ol p pre small span".split(" "),
    ..."strong sub summary sup table tbody td tfoot th thead tr ul".split(" "),
  ],
  ALLOWED_ATTR: "alt aria-label colspan href role rowspan scope src style target".split(" "),
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

DOMPurify.addHook("uponSanitizeAttribute", (_, attribute) => {
  const { attrName: name, attrValue: value } = attribute;
  if (name === "src") attribute.keepAttr = value.startsWith("data:image/png;");
  // Only a function, such as url(…), can load something.
  if (name === "style") attribute.keepAttr = !/[(\\]/.test(value);
});
DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.target) node.rel = "noopener";
});

export const safe = (html) => DOMPurify.sanitize(html, ALLOWED);
