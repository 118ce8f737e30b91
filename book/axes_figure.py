"""The block of activations (N, C, H·W), with the values that share a mean marked.

    axes_figure.draw(["batch", "layer", "instance", "group"])

gives one block per method. The dot is a value x_i; the hatched cells are its set S_i.
"""

from pathlib import Path

import dark_figures
import matplotlib.pyplot as plt
import numpy as np

_HERE = Path(__file__).parent
_STYLE = _HERE / "figures.mplstyle"

SHAPE = (4, 6, 5)  # N, C, H·W
MARKED = (3, 0, 0)  # the value x_i: last sample, first channel, first position
PLAIN, MEMBER = "#f4f4f4", "#0072B2"


def index_set(method, shape=SHAPE, num_groups=2):
    """Boolean array of ``shape``: which values share their mean with x_i."""
    n, c, _ = np.indices(shape)
    group = c // (shape[1] // num_groups)
    same_sample, same_channel = n == MARKED[0], c == MARKED[1]
    return {
        "batch": same_channel,
        "layer": same_sample,
        "instance": same_sample & same_channel,
        "group": same_sample & (group == group[MARKED]),
    }[method]


def draw(methods):
    """One block per method, at most two beside each other. Returns the figure."""
    columns = min(len(methods), 2)
    rows = -(-len(methods) // columns)
    fig, axs = plt.subplots(
        rows, columns, figsize=(2.6 * columns, 2.75 * rows), squeeze=False
    )
    for ax in axs.flat:
        ax.axis("off")
    for ax, method in zip(axs.flat, methods, strict=False):
        draw_block(ax, index_set(method))
        ax.set_title(f"{method.capitalize()} norm")
    return fig


def draw_block(ax, members):
    """Draw the block seen from its first channel, last sample and first position.

    ``members`` is a boolean array (N, C, H·W); its True cells are filled and hatched.
    """
    N, C, P = members.shape
    for n, hw in np.ndindex(N, P):  # front
        _cell(ax, (n, 0, hw), (1, 0, 0), (0, 0, 1), members[n, 0, hw])
    for c, hw in np.ndindex(C, P):  # right side
        _cell(ax, (N, c, hw), (0, 1, 0), (0, 0, 1), members[N - 1, c, hw])
    for n, c in np.ndindex(N, C):  # top
        _cell(ax, (n, c, 0), (1, 0, 0), (0, 1, 0), members[n, c, 0])

    n, c, hw = MARKED
    ax.plot(*_project(n + 0.5, c, hw + 0.5), "o", color="white", mec="black", ms=8)
    ax.text(*_project(N / 2, 0, P + 0.3), "N", ha="center", va="top")
    ax.text(*_project(-0.25, 0, P / 2), "H·W", ha="right", va="center", rotation=90)
    ax.text(*_project(N + 0.25, C / 2, P + 0.3), "C", ha="left", va="top")
    ax.set_aspect("equal")
    ax.autoscale_view()


def _cell(ax, corner, u, v, member):
    corner, u, v = map(np.array, (corner, u, v))
    points = [_project(*q) for q in (corner, corner + u, corner + u + v, corner + v)]
    ax.fill(
        *zip(*points, strict=True),
        facecolor=MEMBER if member else PLAIN,
        edgecolor="white" if member else "#8a8a8a",
        hatch="//" if member else None,
        linestyle="-",
        linewidth=0.8,
    )


def _project(n, c, hw):
    """Oblique: samples to the right, channels into the depth, positions downward."""
    return n + 0.5 * c, 0.4 * c - hw


def save_all(path, dark_path):
    """The four methods as an SVG for each theme; its bytes depend on the code alone."""
    settings = {"svg.hashsalt": "axes", "savefig.bbox": "tight"}
    with plt.style.context([_STYLE, settings]):
        fig = draw(["batch", "layer", "instance", "group"])
        fig.savefig(path, metadata={"Date": None})
        with dark_figures.dark(fig):
            fig.savefig(dark_path, metadata={"Date": None}, facecolor="none")
        plt.close(fig)


if __name__ == "__main__":  # the picture of the README and the first page
    save_all(_HERE / "images/axes.svg", _HERE / "images/axes_dark.svg")
