"""Figures to play with: a page's own data, drawn anew when a control is moved.

    interactive.show("fig-circle", {"points": points, ...})

in a cell of its own lets ``static/interactive.js`` draw the figure of that name from
these data, in the place of its picture. Without scripts the picture stays. The figures
are in that file or, with their names, in ``static/figures/``.

Jupyter Book loads this file, too, as a Sphinx extension: it copies the script of
plotly, which draws the figures, from the installed package into the built book.
"""

import json
from importlib.resources import files
from pathlib import Path

from IPython.display import HTML, display


def show(name, data):
    """Leave ``data``, of lists and arrays, for the figure ``name``."""
    text = json.dumps(data, default=lambda array: array.tolist(), allow_nan=False)
    text = text.replace("<", r"\u003c")  # no tag in it can end the script
    display(
        HTML(
            f'<div class="interactive" data-figure="{name}" hidden>'
            f'<script type="application/json">{text}</script></div>'
        )
    )


def setup(app):
    """What Sphinx calls when it loads the extension."""
    plotly = files("plotly") / "package_data/plotly.min.js"
    app.config.html_static_path.append(str(plotly))
    app.add_js_file("interactive.js", loading_method="defer")
    for script in sorted(Path(__file__).with_name("static").glob("figures/*.js")):
        app.add_js_file(f"figures/{script.name}", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
