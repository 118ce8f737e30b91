"""Formulas as MathML, which a browser shows without a script and without a network."""

import re
from html import escape, unescape

from latex2mathml.converter import convert

# What latex2mathml writes, without what could lead elsewhere or restyle the page. It
# does not escape the text of a formula.
_TAGS = {
    *("math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot"),
    *("msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts"),
    *("mtable", "mtr", "mtd", "mpadded", "mphantom", "mprescripts", "none", "mstyle"),
}
_ATTRIBUTES = {
    *("display", "accent", "stretchy", "fence", "form", "separator", "mathvariant"),
    *("width", "minsize", "maxsize", "lspace", "rspace", "linethickness"),
    *("displaystyle", "scriptlevel", "columnalign", "linebreak"),
}
_TAG = re.compile(r'<(/?)([a-z]+)((?: [a-z]+="[^"<>]*")*) ?(/?)>')
_ATTRIBUTE = re.compile(r' ([a-z]+)="([^"]*)"')
_LONGEST = 2000  # characters; in a longer one, somebody has forgotten a dollar sign


def mathml(formula: str, block: bool = False) -> str:
    """The formula as MathML; as it was typed where that cannot be read.

    >>> print(mathml("x"))
    <math display="inline"><mrow><mi>x</mi></mrow></math>
    """
    try:
        if len(formula) > _LONGEST:
            raise ValueError("too long")
        # Only the starred form makes a table, and outside of a table the same one.
        known = re.sub(r"\b(aligned|gathered)\}", r"align*}", formula)
        made = convert(known, display="block" if block else "inline")
    except Exception:  # of any type: what is read is a student's
        return f"<code>{escape(formula)}</code>"
    return _clean(made)


def _clean(made):
    parts, at, opened = [], 0, []
    for tag in _TAG.finditer(made):
        parts.append(_text(made[at : tag.start()]))
        at, (closes, name, attributes, empty) = tag.end(), tag.groups()
        if name not in _TAGS:
            continue
        if not closes:
            kept = [
                f' {key}="{escape(unescape(value))}"'
                for key, value in _ATTRIBUTE.findall(attributes)
                if key in _ATTRIBUTES
            ]
            parts.append(f"<{name}{''.join(kept)}>")
            opened.append(name)
        if (closes or empty) and opened and opened[-1] == name:
            parts.append(f"</{opened.pop()}>")
    parts.append(_text(made[at:]))
    parts += [f"</{name}>" for name in reversed(opened)]
    return "".join(parts)


def _text(text):
    return escape(unescape(text), quote=False)
