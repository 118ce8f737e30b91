"""The figures to play with, in a browser, from the disk: by keyboard, in both themes.

What a figure draws and says is compared with the same thing computed here.
"""

import itertools
import json
import re
from statistics import median
from urllib.parse import urlparse

import numpy as np
import pytest
import torch
from sklearn import preprocessing
from sklearn.datasets import load_wine
from torch import nn

PAGES = {
    "fig-typo": "book/01_feature_scaling",
    "fig-neighbors": "book/02_batch_norm",
    "fig-offset": "book/02_batch_norm",
    "fig-ln-circle": "book/03_layer_norm",
    "fig-in-lights": "book/04_instance_norm",
    "fig-gn-batch-size": "book/05_group_norm",
    "fig-gn-sets": "book/05_group_norm",
    "fig-weight-step": "book/06_weight_norm",
    "fig-switchable-triangle": "book/07_switchable_norm",
    "fig-circle": "book/08_beyond",
    "fig-arch-trains": "book/09_architectures",
}


class Figure:
    """A figure on its page, with its controls used as a keyboard would."""

    def __init__(self, page, name):
        self.page, self.place = page, page.locator(f"#{name}")
        self.plot = self.place.locator(".plot")

    def press(self, control, *keys):
        """Press keys on the slider, or on the choice, of this name."""
        either = self.place.get_by_role("slider", name=control, exact=True).or_(
            self.place.get_by_role("radio", name=control, exact=True)
        )
        either.focus()
        for key in keys:
            self.page.keyboard.press(key)

    @property
    def data(self):
        return json.loads(self.place.locator("script").text_content())

    @property
    def words(self):
        return self.place.locator("output").inner_text()

    @property
    def traces(self):
        return json.loads(self.plot.evaluate("plot => JSON.stringify(plot.data)"))

    @property
    def layout(self):
        return self.plot.evaluate("plot => ({...plot.layout, template: null})")


@pytest.fixture(scope="module")
def pages(browser, html):
    """The pages, open, in a window as wide as a desk's; nothing went wrong on them."""
    tabs, complaints, requested = {}, [], []
    for path in set(PAGES.values()):
        tab = tabs[path] = browser.new_page(viewport={"width": 1200, "height": 900})
        tab.on("request", lambda request: requested.append(request.url))
        tab.on("requestfailed", lambda request: complaints.append(request.url))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on(
            "console",
            lambda m: complaints.append(m.text) if m.type == "error" else None,
        )
        tab.goto((html / f"{path}.html").as_uri())
        tab.mouse.move(600, 400)  # a page that nobody has touched draws no figure
    yield tabs
    for tab in tabs.values():
        tab.close()
    assert complaints == []
    schemes = {urlparse(url).scheme for url in requested}
    assert schemes <= {"file", "data", "blob"}


@pytest.fixture
def opened(pages):
    """A function that finds a figure, once it is drawn."""

    def find(name):
        page = pages[PAGES[name]]
        page.set_viewport_size({"width": 1200, "height": 900})
        page.locator(f"#{name}").scroll_into_view_if_needed()
        page.locator(f"#{name} .plot svg").first.wait_for()
        return Figure(page, name)

    return find


@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_alone_reaches_and_moves_every_control(opened, name):
    figure = opened(name)
    keyboard = figure.page.keyboard
    figure.page.evaluate(f"location.hash = ''; location.hash = '{name}'")
    assert not any(image.is_visible() for image in figure.place.locator("img").all())
    controls = figure.place.locator("fieldset, input[type=range]")
    assert controls.count() >= 1
    for index in range(controls.count()):
        keyboard.press("Tab")  # goes on from the page's #fragment
        focused = "e => e.contains(document.activeElement)"
        assert controls.nth(index).evaluate(focused)
        drawn, said = figure.traces, figure.place.inner_text()
        there, back = "ArrowLeft", "ArrowRight"
        keyboard.press(there)
        if figure.traces == drawn:  # it stood at its first stop
            there, back = back, there
            keyboard.press(there)
        assert figure.traces != drawn and figure.place.inner_text() != said
        keyboard.press(back)
        assert figure.traces == drawn and figure.place.inner_text() == said


@pytest.mark.parametrize("name", PAGES)
def test_without_scripts_the_picture_stands_there_with_its_words(name, browser, html):
    page = browser.new_page(java_script_enabled=False)
    page.goto((html / f"{PAGES[name]}.html").as_uri())
    picture, *dark = page.locator(f"#{name} img").all()
    assert not any(image.is_visible() for image in dark)
    assert picture.is_visible() and len(picture.get_attribute("alt").split()) > 20
    assert page.locator(".interactive").first.is_hidden()
    assert page.locator("article input[type=range]").count() == 0
    page.close()


@pytest.mark.parametrize("name", PAGES)
def test_both_themes_are_legible_and_can_be_switched(opened, name, picture):
    figure = opened(name)
    colors = {}
    for theme in ("light", "dark"):
        figure.page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        ground = figure.page.evaluate("getComputedStyle(document.body).backgroundColor")
        figure.page.wait_for_function(
            "plot => plot.layout.font.color === getComputedStyle(plot).color",
            arg=figure.plot.element_handle(),
        )
        colors[theme] = figure.layout["font"]["color"]
        assert _contrast(colors[theme], ground) > 7
        picture(figure.place, f"{name}-{theme}")
    assert colors["light"] != colors["dark"]
    figure.page.evaluate("document.documentElement.dataset.theme = 'light'")


def _contrast(*colors):
    """The ratio of WCAG 2 between two colors, rgb(r, g, b)."""
    lights = []
    for color in colors:
        parts = np.array(re.findall(r"[\d.]+", color)[:3], dtype=float) / 255
        linear = np.where(
            parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4
        )
        lights.append(linear @ [0.2126, 0.7152, 0.0722] + 0.05)
    return max(lights) / min(lights)


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_shows_it_whole_in_letters_that_can_be_read(opened, name, picture):
    figure = opened(name)
    figure.page.set_viewport_size({"width": 390, "height": 844})
    figure.page.wait_for_function(
        "plot => plot.layout.width < 390", arg=figure.plot.element_handle()
    )
    picture(figure.place, f"{name}-phone")
    wider = "document.documentElement.scrollWidth - window.innerWidth"
    assert figure.page.evaluate(wider) <= 0
    letters = figure.plot.locator("svg text").evaluate_all(
        """texts => texts.filter(text => text.textContent).map(text => {
          const {left, right} = text.getBoundingClientRect();
          const size = parseFloat(getComputedStyle(text).fontSize);
          return [text.textContent, size, left, right];
        })"""
    )
    assert letters
    for text, size, left, right in letters:
        assert size >= 12, text
        assert left >= 0 and right <= 390, text


def test_the_block_marks_what_a_value_depends_on(opened):
    figure = opened("fig-gn-sets")
    layers = {
        "batch norm": nn.BatchNorm1d(6),
        "layer norm": nn.LayerNorm((6, 5)),
        "instance norm": nn.InstanceNorm1d(6),
        "layer norm at each position": lambda x: nn.functional.layer_norm(
            x.movedim(1, -1), [6]
        ).movedim(-1, 1),
    }
    groups = {g: nn.GroupNorm(g, 6) for g in (1, 2, 3, 6)}
    torch.manual_seed(0)
    block = torch.randn(4, 6, 5, requires_grad=True)
    slider = figure.place.get_by_role("slider", name="Groups")
    for method, layer in [*layers.items(), *groups.items()]:
        if method in groups:
            figure.press("group norm", "Space")
            moves = ["ArrowRight"] * list(groups).index(method)
            figure.press("Groups", "Home", *moves)
        else:
            figure.press(method, "Space")
            assert slider.is_disabled()
        (gradient,) = torch.autograd.grad(layer(block)[3, 0, 0], block)
        reached = (gradient != 0).numpy()
        m = reached.sum()
        assert f"{m} of the 120 values" in figure.words
        assert f"has {120 // m} means" in figure.words
        # The faces that can be seen: first channel, last sample, first position.
        seen = reached[:, 0].sum() + reached[3].sum() + reached[:, :, 0].sum()
        assert figure.traces[1]["x"].count(None) == seen
    assert "the set of instance norm" in figure.words  # six groups of one channel


def test_errors_by_batch_size_are_those_of_networks_trained_here(
    opened, root, monkeypatch
):
    monkeypatch.syspath_prepend(root / "book")
    import digits

    figure = opened("fig-gn-batch-size")
    figure.press("Images in a training batch", "End")
    found = re.findall(r"([\d.]+) % error", figure.words)
    torch.set_num_threads(1)
    for text, norm in zip(
        found, (nn.BatchNorm1d, lambda width: nn.GroupNorm(8, width)), strict=True
    ):
        errors = []
        for seed in range(3):
            data = digits.load(seed)
            net = digits.mlp([64] * 3, norm=norm)
            settings = dict(batch_size=32, momentum=0.9, decay=True)
            digits.trained(net, data, 160, 0.1, **settings)
            errors.append(digits.test_error(net, data))
        assert float(text) == pytest.approx(median(errors), abs=0.45)  # two images

    for stop, size in enumerate((2, 4, 8, 16, 32)):
        figure.press("Images in a training batch", "Home", *["ArrowRight"] * stop)
        assert f"Batches of {size}. Batch norm: {size} numbers" in figure.words
        assert f"Group norm: {64 // 8} numbers" in figure.words
        for trace, method in zip(figure.traces[2::3], ("batch", "group"), strict=True):
            runs = figure.data[method]
            error = median(runs["errors"][runs["sizes"].index(size)])
            assert (trace["x"], trace["y"]) == ([size], [error])
            assert f"{error:.1f} % error" in figure.words


def test_one_wrong_value_moves_the_others_as_in_scikit_learn(opened):
    figure = opened("fig-typo")
    alcohol = load_wine().data[:, 0]
    for stop, value in enumerate(figure.data["entered"]):
        column = np.r_[value, alcohol[1:]]
        power = 100 if value < 100 else 1000  # 14.23 has two digits before the point
        scaled = {
            "min-max": [preprocessing.minmax_scale(x) for x in (alcohol, column)],
            "z-score": [preprocessing.scale(x) for x in (alcohol, column)],
            "decimal": [alcohol / 100, column / power],
            "robust": [preprocessing.robust_scale(x) for x in (alcohol, column)],
        }
        figure.press("First wine", "Home", *["ArrowRight"] * stop)
        assert f"First wine {value}." in figure.words
        for row, (name, (clean, now)) in enumerate(scaled.items()):
            kept = np.ptp(now[1:]) / np.ptp(clean[1:])
            assert f"{name} {now[0]:.2f}, {100 * kept:.0f} %" in figure.words
            circles, crosses, diamond = figure.traces[3 * row : 3 * row + 3]
            assert np.allclose(circles["x"], np.unique(clean[1:]), atol=1e-4)
            assert np.allclose(crosses["x"], np.unique(now[1:]), atol=1e-4)
            axis = figure.layout[f"xaxis{row + 1 if row else ''}"]
            low, high = axis["range"]
            assert low < min(clean.min(), now[1:].min())
            assert high > max(clean.max(), now[1:].max())
            drawn = low <= now[0] <= high
            assert diamond["x"] == ([pytest.approx(now[0])] if drawn else [])


def test_a_sample_lands_and_gets_its_gradient_as_in_torch(opened):
    figure = opened("fig-ln-circle")
    plane = torch.tensor([[1.0, -1, 0], [1, 1, -2]], dtype=torch.float64)
    plane /= plane.norm(dim=1, keepdim=True)
    incoming = torch.tensor([1.35, 0.6], dtype=torch.float64)
    for i, j in itertools.product((0, 2, 9, 23), range(4)):
        angle, distance = np.radians(15 * i), (1, 1.5, 2, 3)[j]
        sample = distance * np.array([np.cos(angle), np.sin(angle)])
        x = (torch.tensor(sample) @ plane).requires_grad_()
        y = nn.functional.layer_norm(x, [3])
        y.backward(incoming @ plane)
        landed, passed = (plane @ y.detach()).numpy(), (plane @ x.grad).numpy()

        figure.press("Direction", "Home", *["ArrowRight"] * i)
        figure.press("Distance", "Home", *["ArrowRight"] * j)
        *_, removed, gradient, went_on, ends = figure.traces
        assert np.allclose(
            np.transpose([ends["x"], ends["y"]]), [sample, landed], atol=1e-4
        )
        tips = [
            [t["x"][1] - t["x"][0], t["y"][1] - t["y"][0]] for t in (gradient, went_on)
        ]
        assert np.allclose(tips, [incoming.numpy(), passed], atol=1e-4)
        along = np.array([removed["x"][1], removed["y"][1]]) - landed
        sigma = x.detach().std(correction=0).item()
        assert np.allclose(along, incoming.numpy() - sigma * passed, atol=1e-3)
        assert f"Direction {15 * i}°, distance {distance}," in figure.words
        assert f" {sigma:.2f}. The sample lands" in figure.words
        assert f"goes on has length {np.hypot(*passed):.2f}," in figure.words


def test_two_networks_answer_in_any_light_as_networks_trained_here(
    opened, root, monkeypatch
):
    monkeypatch.syspath_prepend(root / "book")
    import digits

    torch.set_num_threads(1)
    norms = {
        "Batch": nn.BatchNorm2d,
        "Instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
    }
    nets = {}
    for name, norm in norms.items():
        data, layers = digits.load(0), [nn.Unflatten(1, (1, 8, 8))]
        for inputs, outputs in itertools.pairwise((1, 8, 16, 16)):
            settings = dict(padding=1, padding_mode="reflect", bias=False)
            layers.append(nn.Conv2d(inputs, outputs, 3, **settings))
            layers += [norm(outputs), nn.ReLU()]
        net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 64, 10))
        settings = dict(batch_size=32, momentum=0.9, decay=True)
        nets[name] = digits.trained(net, data, 160, 0.05, **settings).eval()

    figure = opened("fig-in-lights")
    contrasts, brightnesses = (-1, 0.1, 0.2, 0.4, 1, 2, 4, 10), range(-4, 5)
    verdicts = {name: set() for name in nets}
    for (i, row), j, k in itertools.product(enumerate((6, 0, 1)), (0, 1, 4, 6), (1, 4)):
        contrast, brightness = contrasts[j], brightnesses[k]
        image, label = contrast * data[2][row] + brightness, data[3][row].item()
        figure.press(f"{i + 1}", "Space")
        figure.press("Contrast", "Home", *["ArrowRight"] * j)
        figure.press("Brightness", "Home", *["ArrowRight"] * k)
        said = figure.words.replace("−", "-")
        assert f"Image {i + 1}, a {label}, at contrast × {contrast} and" in said
        assert f"brightness {brightness}." in said
        picture, *bars = figure.traces
        assert np.allclose(picture["z"], image.view(8, 8), atol=0.01)
        for (name, net), bar in zip(nets.items(), bars, strict=True):
            shares = net(image[None]).softmax(dim=1)[0].detach().numpy()
            assert bar["y"] == pytest.approx(100 * shares, abs=0.5)
            answer, verdict = re.search(
                rf"{name} norm says (\d),.*?(right|wrong)", said
            ).groups()
            assert (answer == str(label)) == (verdict == "right")
            assert int(answer) == shares.argmax()
            verdicts[name].add((contrast > 0, verdict))
    assert (True, "wrong") in verdicts["Batch"]
    # Only a negative misleads the second network.
    assert verdicts["Instance"] == {(True, "right"), (False, "wrong")}


def test_a_step_turns_the_weight_as_one_of_torch_does(opened):
    figure = opened("fig-weight-step")
    dw = torch.tensor([[0.28, -0.96]], dtype=torch.float64)
    lengths, rates = (1, 1.5, 2, 3), (0.1, 0.2, 0.4, 0.8)
    angles = {}
    for (i, length), (j, rate) in itertools.product(
        enumerate(lengths), enumerate(rates)
    ):
        layer = nn.Linear(2, 1, bias=False, dtype=torch.float64)
        nn.utils.parametrizations.weight_norm(layer)
        g, v = layer.parameters()
        g.data[:] = 1.5
        v.data = length * torch.tensor([[0.96, 0.28]], dtype=torch.float64)
        drawn = [v.tolist()[0], layer.weight.tolist()[0]]
        (layer.weight * dw).sum().backward()
        torch.optim.SGD(layer.parameters(), lr=rate).step()
        drawn += [v.tolist()[0], layer.weight.tolist()[0]]
        (a, b), (c, d) = drawn[0], drawn[2]
        angles[length, rate] = angle = abs(
            np.degrees(np.arctan2(d, c) - np.arctan2(b, a))
        )

        figure.press("Length of v", "Home", *["ArrowRight"] * i)
        figure.press("Learning rate", "Home", *["ArrowRight"] * j)
        shown = [[t["x"][1], t["y"][1]] for t in figure.traces]  # w, new w, v, new v
        assert np.allclose(shown, [drawn[k] for k in (1, 3, 0, 2)], atol=1e-4)
        assert f"length {length}, learning rate {rate}:" in figure.words
        found = re.search(r"by (\S+)°\. The new v has the length (\S+);", figure.words)
        assert float(found[1]) == pytest.approx(angle, abs=0.051)
        assert float(found[2]) == pytest.approx(np.hypot(c, d), abs=6e-4)
    assert angles[2, 0.4] == pytest.approx(angles[1, 0.1])  # as the text says
    assert angles[2, 0.4] / angles[1, 0.4] == pytest.approx(1 / 4, abs=0.04)


def test_layers_stand_where_their_mixing_weights_say(opened):
    figure = opened("fig-switchable-triangle")
    members = ["instance", "layer", "batch"]
    shares = np.array(figure.data["shares"])  # device, layer, kind, member
    assert shares.shape == (4, 4, 2, 3)
    assert np.allclose(shares.sum(axis=-1), 1, atol=1e-3)
    for stop, images in enumerate((32, 8, 4, 2)):
        figure.press("Images per device", "Home", *["ArrowRight"] * stop)
        assert f"{images} images per device" in figure.words
        dots = [t for t in figure.traces if t["mode"] == "markers+text"]
        assert len({dot["marker"]["symbol"] for dot in dots}) == 4  # not by color alone
        for kind in range(2):
            for layer in range(4):
                dot, share = dots[4 * kind + layer], shares[stop, layer, kind]
                assert [dot["b"][0], dot["c"][0], dot["a"][0]] == pytest.approx(share)
                assert f"{members[share.argmax()]} {share.max():.2f}" in figure.words
    # Plotly's corners: b left, c right, a above.
    left, right, top = (
        figure.plot.get_by_text(name, exact=True).first.bounding_box()
        for name in members
    )
    assert left["x"] < top["x"] < right["x"] and top["y"] < left["y"]


def test_neighbors_change_the_prediction_as_in_a_network_trained_here(
    opened, root, monkeypatch
):
    monkeypatch.syspath_prepend(root / "book")
    import digits

    torch.set_num_threads(1)
    data = digits.load(4)
    net = digits.mlp([64] * 3, norm=nn.BatchNorm1d)
    digits.trained(
        net, data, 2 * (1297 // 32), 0.1, batch_size=32, momentum=0.9, decay=True
    )
    values = {name: value.double().numpy() for name, value in net.state_dict().items()}

    def probabilities(x, training):
        for i in (0, 3, 6):
            x = x @ values[f"{i}.weight"].T + values[f"{i}.bias"]
            norm = {k.split(".")[1]: v for k, v in values.items() if k[0] == str(i + 1)}
            mean, var = norm["running_mean"], norm["running_var"]
            if training:
                mean, var = x.mean(axis=0), x.var(axis=0)
            x_hat = (x - mean) / np.sqrt(var + 1e-5)
            x = np.maximum(norm["weight"] * x_hat + norm["bias"], 0)
        logits = x @ values["9.weight"].T + values["9.bias"]
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    pixels, labels = data[2].double().numpy(), data[3].tolist()
    figure = opened("fig-neighbors")
    answers = set()
    for image, draw in ((0, 0), (2, 4), (2, 11), (5, 3), (5, 7)):
        figure.press(f"{image + 1}", "Space")
        figure.press("Its neighbors", "Home", *["ArrowRight"] * draw)
        neighbors = [6 + 3 * draw + k for k in range(3)]
        shares = probabilities(pixels[[image, *neighbors]], training=True)[0]
        alone = probabilities(pixels[[image]], training=False)[0]
        _, bars, diamonds = figure.traces
        assert bars["y"] == pytest.approx(100 * shares, abs=0.1)
        assert diamonds["y"] == pytest.approx(100 * alone, abs=0.1)
        assert f"Image {image + 1}, a {labels[image]}, among" in figure.words
        assert f"the network says {shares.argmax()}, with" in figure.words
        assert f"In inference mode it says {alone.argmax()}, with" in figure.words
        answers.add((image, int(shares.argmax())))
    assert len(answers) > 3  # one image, several answers


def test_variances_at_every_offset_are_those_of_float32(opened):
    figure = opened("fig-offset")
    noise = np.random.default_rng(1).normal(size=4096)
    negative = 0
    offsets = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000)
    for stop, offset in enumerate(offsets):
        figure.press("Offset", "Home", *["ArrowRight"] * stop)
        x = (noise + offset).astype(np.float32)
        shortcut = (x * x).mean() - x.mean() ** 2
        found = re.search(
            r"gives (\S+), mean first (\S+); right is (\S+)\.", figure.words
        )
        texts = [float(text.replace("−", "-")) for text in found.groups()]
        assert texts[0] == pytest.approx(shortcut, abs=2e-3)
        assert texts[1:] == pytest.approx([x.astype(float).var()] * 2, abs=1e-3)
        assert ("NaN" in figure.words) == (shortcut < 0)
        negative += shortcut < 0
        apart = float(re.search(r"are (\S+) apart", figure.words)[1])
        assert apart == pytest.approx(np.spacing(np.float32(offset**2)), rel=0.05)
        dot = figure.traces[1]
        assert dot["x"] == [offset]
        assert dot["y"][0] == pytest.approx(
            abs(shortcut - x.astype(float).var()), rel=0.01
        )
        assert dot["marker"]["symbol"] == ("x" if shortcut < 0 else "square")
    assert negative


def test_errors_by_place_of_the_norm_are_those_of_transformers_trained_here(
    opened, root, monkeypatch
):
    monkeypatch.syspath_prepend(root / "book")
    from small_transformers import Transformers

    figure = opened("fig-arch-trains")
    depths, rates = [2, 6, 24], [0.0003, 0.001, 0.003, 0.01, 0.03]
    trials = figure.data["arrangements"]
    assert len(trials) == 7
    for name, depth, rate in itertools.product(trials, range(3), range(5)):
        figure.press(name, "Space")
        figure.press("Blocks", "Home", *["ArrowRight"] * depth)
        figure.press("Learning rate", "Home", *["ArrowRight"] * rate)
        errors = [median(runs) for runs in trials[name][depth]]
        error, best = errors[rate], int(np.argmin(errors))
        place = f"{depths[depth]} blocks, {name}, learning rate {rates[rate]}"
        assert f"{place}: {error:.1f} % error" in figure.words
        least = f"best rate here is {rates[best]}, with {errors[best]:.1f} %"
        assert least in figure.words
        assert ("it trains" in figure.words) == (error < 50)
        line, marks, chosen = figure.traces[-3:]
        assert (line["x"], line["y"]) == (rates, errors)
        assert marks["y"] == [e for runs in trials[name][depth] for e in runs]
        assert (chosen["x"], chosen["y"]) == ([rates[rate]], [error])

    torch.set_num_threads(1)
    again = Transformers(2, spots=("input",)).train(rates)
    assert np.median(again, axis=1) == pytest.approx(
        [median(runs) for runs in trials["pre-norm"][0]], abs=3
    )


def test_points_are_normalized_and_turned_as_geometry_says(opened):
    figure = opened("fig-circle")
    draw = np.random.default_rng(0)
    points = draw.normal(size=(400, 3)) * [1.0, 0.8, 0.6] + [0.8, 0.3, 1.2]
    centered = points - points.mean(axis=1, keepdims=True)
    wanted = {
        "as they are": points,
        "without their mean": centered,
        "after layer norm": centered / centered.std(axis=1, keepdims=True),
        "after RMS norm": points / np.sqrt((points**2).mean(axis=1, keepdims=True)),
    }
    figure.press("Turn", *["ArrowRight"] * 13)  # −20° + 13 · 5° = 45°
    figure.press("Tilt", *["ArrowRight"] * 3)  # 20° + 3 · 5° = 35°
    turn, tilt = np.radians([45, 35])
    eye = [np.cos(tilt) * np.cos(turn), np.cos(tilt) * np.sin(turn), np.sin(tilt)]
    right = np.cross([0, 0, 1], eye)
    right /= np.linalg.norm(right)
    screen = np.array([right, np.cross(eye, right)])
    for name, xyz in wanted.items():
        figure.press(name, "Space")
        cloud, marked = figure.traces[-2:]
        flat = xyz @ screen.T
        shown = np.transpose([cloud["x"], cloud["y"]])
        assert shown.shape == (400, 2)  # in another order
        distances = np.linalg.norm(flat[:, None] - shown[None], axis=2)
        assert distances.min(axis=0).max() < 2e-3 and distances.min(axis=1).max() < 2e-3
        assert [marked["x"][0], marked["y"][0]] == pytest.approx(flat[7], abs=2e-3)
        lengths = np.linalg.norm(xyz, axis=1)
        if name.startswith("after"):
            assert "Distances from the origin: all 1.73" in figure.words
        else:
            assert f"from {lengths.min():.2f} to {lengths.max():.2f}" in figure.words
        assert ("numbers: all 0.00" in figure.words) == np.allclose(xyz.sum(axis=1), 0)

    before = figure.traces
    box = figure.plot.bounding_box()
    figure.page.mouse.move(box["x"] + 100, box["y"] + 100)
    figure.page.mouse.down()
    figure.page.mouse.move(box["x"] + 140, box["y"] + 100)  # five stops
    figure.page.mouse.up()
    slider = figure.place.get_by_role("slider", name="Turn")
    assert slider.get_attribute("aria-valuetext") == "20°"
    assert figure.traces != before


def test_no_data_can_end_the_script_they_are_left_in(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "book")
    import interactive

    displayed = []
    monkeypatch.setattr(interactive, "display", displayed.append)
    interactive.show("fig-x", {"text": "</script><b>", "array": np.arange(3)})
    inside = re.fullmatch(
        r'<div class="interactive" data-figure="fig-x" hidden>'
        r'<script type="application/json">([^<]*)</script></div>',
        displayed[0].data,
    )
    assert json.loads(inside[1]) == {"text": "</script><b>", "array": [0, 1, 2]}
    with pytest.raises(ValueError):
        interactive.show("fig-x", {"value": float("nan")})
