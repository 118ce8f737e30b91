"""The dark version of a figure: its grays inverted, its data as they were."""

import base64
import io

import matplotlib.colors
import matplotlib.style
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

BLUE = (0, 114, 178)
PAGE = (18, 18, 18)  # the dark theme's ground


@pytest.fixture
def dark_figures(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "book")
    import dark_figures

    return dark_figures


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")).astype(int)


def drawn(fig):
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", bbox_inches="tight")
    return buffer.getvalue()


def opaque(image):
    """The colors that cover a pixel wholly, each once."""
    return {tuple(pixel[:3]) for pixel in image.reshape(-1, 4) if pixel[3] == 255}


@pytest.fixture
def fig(root):
    with matplotlib.style.context(root / "book/figures.mplstyle"):
        fig = Figure(figsize=(4, 3))
        ax = fig.add_subplot()
        ax.plot([0, 1], [0, 1], label="some data")
        ax.fill_between([0, 1], [0.8, 0.8], [1, 1], color="black")
        ax.annotate("words", (0.5, 0.2), arrowprops={"arrowstyle": "->"})
        ax.legend()
        yield fig


def test_what_is_black_on_white_becomes_light_on_the_page(fig, dark_figures):
    light = pixels(drawn(fig))
    dark = pixels(base64.b64decode(dark_figures.draw(fig)))
    assert light.shape == dark.shape
    assert tuple(light[0, 0]) == (255, 255, 255, 255) and dark[0, 0, 3] == 0
    assert (0, 0, 0) in opaque(light) and (0, 0, 0) not in opaque(dark)
    assert BLUE in opaque(light) and BLUE in opaque(dark)
    # Where black was, there is as light a gray as text in the dark theme has.
    black = (light == (0, 0, 0, 255)).all(axis=2)
    assert black.sum() > 1000
    assert dark[black].min() >= 220
    # What is gray there, as the grid, is darker than the ink and lighter than the page.
    grid = (light[..., :3] == 0xE3).all(axis=2)
    assert grid.any()
    assert (dark[grid][:, :3] > PAGE).all() and dark[grid][:, :3].max() < 80


def test_the_figure_itself_stays_as_it_was(fig, dark_figures):
    before = drawn(fig)
    dark_figures.draw(fig)
    assert drawn(fig) == before


def test_colors_that_stand_for_values_stay(dark_figures):
    fig = Figure()
    picture, mesh, points = fig.subplots(1, 3)
    gray = {"cmap": "gray", "vmin": 0, "vmax": 1}
    picture.imshow([[0.0, 1.0]], **gray)
    words = picture.text(0, 0, "black", color="black")
    mesh.pcolormesh([[0.0, 1.0]], **gray)
    dots = points.scatter([0, 1], [0, 1], c=[0.0, 1.0], **gray)
    with dark_figures.dark(fig):
        assert words.get_color() == "black"
        assert picture.title.get_color() != "black"
        fig.draw_without_rendering()
        assert dots.get_facecolor().tolist() == [[0, 0, 0, 1], [1, 1, 1, 1]]
        assert picture.images[0].get_cmap().name == "gray"
        assert mesh.collections[0].get_cmap().name == "gray"


def test_an_axis_in_space_is_light_too(dark_figures):
    fig = Figure()
    ax = fig.add_subplot(projection="3d")
    before = drawn(fig)
    with dark_figures.dark(fig):
        assert min(matplotlib.colors.to_rgb(ax.xaxis.line.get_color())) > 0.8
    assert drawn(fig) == before
