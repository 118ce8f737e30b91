"""What matplotlib draws in the page; also the backend that it draws with there.

Imported only once matplotlib is there, which is loaded for code that imports it.
"""

import base64
import html
import io

from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas

__all__ = ["FigureCanvas", "show", "take"]

MOST = 20  # pictures of one run


def show(*_, **__):
    """``plt.show``, which shows nothing yet: figures are taken when all has run."""


def take() -> str:
    """The open figures as HTML; they are closed."""
    try:
        numbers = pyplot.get_fignums()[:MOST]
        return "".join(_picture(pyplot.figure(number)) for number in numbers)
    finally:
        pyplot.close("all")


def _picture(figure):
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=150, bbox_inches="tight")
    data = base64.b64encode(png.getvalue()).decode()
    titles = [figure.get_suptitle(), *(axes.get_title() for axes in figure.axes)]
    alt = "; ".join(filter(None, titles)) or "The picture that the code drew"
    return f'<p><img src="data:image/png;base64,{data}" alt="{html.escape(alt)}"></p>'
