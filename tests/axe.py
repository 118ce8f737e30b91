"""What keeps people out of a page, as axe-core finds it."""

from axe_playwright_python.sync_playwright import Axe

# Nine tenths of axe's time go into the contrast of each word of code, one by one. It is
# the same for words of one color and size on the same grounds, so of those that are
# alike, a few are looked at. All other rules look at everything.
MARK_THE_DISTINCT = """(few) => {
  const grounds = new Map(), known = new Map();
  for (const element of document.querySelectorAll("*")) {
    const style = getComputedStyle(element);
    const own = [style.backgroundColor, style.backgroundImage, style.opacity].join();
    const around = grounds.get(element.parentElement) ?? "";
    const ground = own === "rgba(0, 0, 0, 0),none,1" ? around : `${around}/${own}`;
    grounds.set(element, ground);
    element.removeAttribute("data-distinct");
    const written = element.matches("input, select, textarea")
      || [...element.childNodes].some((node) => node.nodeValue?.trim());
    if (!written || !element.checkVisibility({ visibilityProperty: true })) continue;
    const { color, fontSize, fontWeight, textShadow, position } = style;
    const key = [color, fontSize, fontWeight, textShadow, position, ground].join();
    known.set(key, (known.get(key) ?? 0) + 1);
    if (known.get(key) <= few) element.setAttribute("data-distinct", "");
  }
}"""
RULES = {"rules": [{"id": "color-contrast", "selector": "[data-distinct]"}]}
# `preload` fetches style sheets, for rules about sound and rotation, and cannot do so
# from the disk.
OPTIONS = {"resultTypes": ["violations"], "preload": False}


def serious_faults(tab, where=None):
    """Rule and place of what axe-core finds, on the page or in ``where``."""
    tab.evaluate(MARK_THE_DISTINCT, 3)
    if not tab.evaluate("'axe' in window"):
        tab.evaluate(Axe().axe_script)
    tab.evaluate("rules => axe.configure(rules)", RULES)
    run = "([where, options]) => axe.run(where ?? document, options)"
    found = tab.evaluate(run, [where, OPTIONS])
    return [
        (fault["id"], element["target"])
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for element in fault["nodes"]
    ]
