"""A second version of each figure, for the dark theme.

While a page is executed, ``draw`` renders each figure again with its grays inverted:
what was black on white is light gray on a transparent ground. The colors of the data,
and pictures, stay as they are. ``book/execute.py`` keeps the result beside the cached
page.

Jupyter Book loads this file, too, as a Sphinx extension: it puts the dark version
beside the light one on the page, and the theme shows the one that fits.
"""

import re
import shutil
import struct
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path

GROUND, INK = (0.07, 0.07, 0.07), (0.88, 0.88, 0.88)  # of the dark theme
KEPT = ".jupyter_cache/dark"
IMAGE = re.compile(
    r'<img ([^>]*)(?<=src=")([./]*_images/)([0-9a-f]{64})\.png([^>]*?) ?/?>'
)


def draw(fig):
    """The dark version of a figure as PNG in base64."""
    from IPython.core.pylabtools import print_figure

    with dark(fig):
        return print_figure(
            fig, "png", bbox_inches="tight", base64=True, facecolor="none"
        )


@contextmanager
def dark(fig):
    """A figure in the colors of the dark theme; afterward it is as it was."""
    fig.draw_without_rendering()  # so that all ticks are there
    changed = list(_recolored(fig))
    try:
        for setter, _, color in changed:
            setter(color)
        yield
    finally:
        for setter, color, _ in reversed(changed):
            setter(color)


def _recolored(fig):
    """For each color that changes: what sets it, the color as it is, the other one."""
    from matplotlib.collections import Collection
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.text import Text

    grounds = [fig.patch, *(ax.patch for ax in fig.axes)]
    for ground in grounds:
        yield ground.set_facecolor, ground.get_facecolor(), "none"
    # Words on a picture are as light or dark as the picture needs them.
    on_pictures = [text for ax in fig.axes for text in ax.texts if _on_picture(text)]
    attached = (
        part
        for text in fig.findobj(Text)
        for part in (text.get_bbox_patch(), getattr(text, "arrow_patch", None))
        if part is not None
    )
    seen = set(map(id, [*grounds, *on_pictures]))
    for artist in chain(fig.findobj(), attached):
        if id(artist) in seen:
            continue
        seen.add(id(artist))
        if isinstance(artist, Text):
            kinds, other = ["color"], _other_text
        elif isinstance(artist, Line2D):
            kinds, other = ["color", "markerfacecolor", "markeredgecolor"], _other
        elif isinstance(artist, Patch):
            kinds, other = ["facecolor", "edgecolor"], _other
        elif isinstance(artist, Collection):
            kinds, other = ["facecolor", "edgecolor"], _other_colors
            if artist.get_array() is not None:
                kinds = []  # colors that stand for values
        else:
            continue
        for kind in kinds:
            color = getattr(artist, f"get_{kind}")()
            yield getattr(artist, f"set_{kind}"), color, other(color)
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis) if ax.name == "3d" else ():
            yield axis.line.set_color, axis.line.get_color(), INK
            yield axis.pane.set_facecolor, axis.pane.get_facecolor(), "none"
            grid = axis._axinfo["grid"]
            yield partial(grid.__setitem__, "color"), grid["color"], (*INK, 0.2)


def _on_picture(text):
    from matplotlib.collections import QuadMesh
    from numpy.ma import getmaskarray, masked_invalid

    ax, (x, y) = text.axes, map(round, text.get_position())
    for image in ax.images:
        empty = getmaskarray(masked_invalid(image.get_array()))
        if 0 <= y < len(empty) and 0 <= x < len(empty[0]):
            return not empty[y, x].any()
    return any(isinstance(part, QuadMesh) for part in ax.collections)


def _other(color):
    """A gray, or a tint that is nearly one, with its lightness inverted."""
    from matplotlib.colors import to_rgba

    if isinstance(color, str) and color in ("none", "auto"):
        return color
    *rgb, alpha = to_rgba(color)
    if max(rgb) - min(rgb) > 0.2:
        return color
    light = sum(rgb) / 3
    inverted = (
        ink + light * (ground - ink) + part - light
        for ink, ground, part in zip(INK, GROUND, rgb, strict=True)
    )
    return *(min(max(part, 0.0), 1.0) for part in inverted), alpha


def _other_text(color):
    """Words in color become lighter; those that are white stand on a dark ground."""
    from matplotlib.colors import to_rgba

    *rgb, alpha = to_rgba(color)
    if max(rgb) - min(rgb) > 0.2:
        return *(0.6 * part + 0.4 for part in rgb), alpha
    return color if min(rgb) > 0.8 else _other(color)


def _other_colors(colors):
    return [_other(tuple(color)) for color in colors]


def setup(app):
    """What Sphinx calls when it loads the extension."""
    app.connect("html-page-context", add_dark_versions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def add_dark_versions(app, pagename, templatename, context, doctree):
    """Put each figure's dark version beside it. A figure that has none stays alone."""
    kept = Path(app.outdir).parent / KEPT
    images = Path(app.outdir) / "_images"

    def both(match):
        before, folder, name, after = match.groups()
        dark = kept / f"{name}.png"
        if not dark.exists():
            return match[0]
        images.mkdir(exist_ok=True)
        shutil.copyfile(dark, images / f"{name}-dark.png")
        # With its size known, the page does not move when the image is loaded.
        width, height = struct.unpack(">II", dark.read_bytes()[16:24])
        after += f' loading="lazy" width="{width}" height="{height}"'
        versions = (("only-light", name), ("only-dark", f"{name}-dark"))
        return "".join(
            _with_class(only, f"<img {before}{folder}{file}.png{after}>")
            for only, file in versions
        )

    if "body" in context:
        context["body"] = IMAGE.sub(both, context["body"])


def _with_class(name, image):
    if 'class="' in image:
        return image.replace('class="', f'class="{name} ')
    return image.replace("<img", f'<img class="{name}"')
