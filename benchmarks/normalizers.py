"""How fast, how large and how exact the normalizers are, beside their peers.

    python benchmarks/normalizers.py [--record]

Prints tables and writes them to _build/normalizers.md and .json; with --record also to
benchmarks/normalizers.md. float32, one thread. The contenders of a row take turns in
one process, and a ratio is the median of those of the turns, with the quartiles in
parentheses. Times are processor time: other programs slow it down less than the clock,
but not by nothing, so the load of the machine is printed too. The allocator keeps freed
memory, for all contenders alike: else arrays of 33 MB are new pages at each call, for
which torch pays more than NumPy does. Memory is the peak above the input during forward
and backward, as a multiple of the input: with y held until the end, as in a network,
and in parentheses without.

numpy-ml is no peer: it cannot be imported on Python 3.10 or newer.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
import tracemalloc
from pathlib import Path

SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**33),
}
if __name__ == "__main__" and not SETTINGS.items() <= os.environ.items():
    # They are read when a process starts and when NumPy is imported.
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | SETTINGS)

import normalizer_peers as peers  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

IMAGES, LARGE_IMAGES, TABLE = (32, 64, 32, 32), (64, 128, 32, 32), (256, 1024)
METHODS = ("batch", "instance", "layer", "group", "switchable")
CASES = [(method, shape) for shape in (IMAGES, LARGE_IMAGES) for method in METHODS]
CASES += [("batch", TABLE), ("layer", TABLE)]
# For images of 8 MB, forward and backward: at most this multiple of torch's time.
BARS = {"batch": 1.1, "instance": 2.5, "layer": 2.0, "group": 2.5, "switchable": 0.35}
LAYER_BAR = 0.5  # for SwitchNorm2d
OFFSETS = (0, 1e2, 1e4, 1e6)
TURNS = 41


def contenders(method, x):
    kinds = {"normlib": peers.ours, "torch": peers.in_torch, "textbook": peers.textbook}
    if method == "switchable":
        kinds["SwitchNorm2d"] = peers.module
    return {name: kind(method, x) for name, kind in kinds.items()}


def milliseconds(function):
    start = time.process_time_ns()
    function()
    return (time.process_time_ns() - start) / 1e6


def take_turns(functions):
    """Milliseconds of each turn, by name, without the first two."""
    turns = [
        {name: milliseconds(function) for name, function in functions.items()}
        for _ in range(TURNS + 2)
    ]
    return {name: [turn[name] for turn in turns[2:]] for name in functions}


def ratio(times, name, peer):
    """Median and quartiles of ``name``'s time over ``peer``'s."""
    quotients = [a / b for a, b in zip(times[name], times[peer], strict=True)]
    low, median, high = statistics.quantiles(quotients, n=4)
    return {"median": median, "low": low, "high": high}


def speed(method, shape):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, *shape), dtype=np.float32)
    pairs = contenders(method, x)
    forward = {name: lambda f=f: f(x) for name, (f, _) in pairs.items()}
    both = {name: lambda f=f, b=b: b(dy, f(x)[1]) for name, (f, b) in pairs.items()}
    row = {"method": method, "shape": shape}
    for key, functions in (("forward", forward), ("forward+backward", both)):
        times = take_turns(functions)
        row[key] = {
            "ms": {name: statistics.median(times[name]) for name in times},
            "of torch": ratio(times, "normlib", "torch"),
            "of textbook": ratio(times, "normlib", "textbook"),
        }
        if "SwitchNorm2d" in times:
            row[key]["SwitchNorm2d of torch"] = ratio(times, "SwitchNorm2d", "torch")
    row["memory"] = memory(*pairs["normlib"], x, dy)
    return row


def memory(forward, backward, x, dy):
    """Peak of what NumPy allocates over the size of x: with y held, and released."""
    peaks = {}
    for held in (True, False):
        tracemalloc.start()
        y, state = forward(x)
        if not held:
            del y
        backward(dy, state)
        peaks["y held" if held else "y released"] = (
            tracemalloc.get_traced_memory()[1] / x.nbytes
        )
        tracemalloc.stop()
    return peaks


def errors(method):
    """Largest error of y at each offset, against the textbook in float64."""
    noise = np.random.default_rng(0).normal(size=(8, 64, 32, 32))
    rows = []
    for offset in OFFSETS:
        x = (offset + noise).astype(np.float32)
        wide = x.astype(np.float64)
        exact, _ = peers.textbook(method, wide)[0](wide)
        found = {
            name: float(np.abs(forward(x)[0] - exact).max())
            for name, (forward, _) in contenders(method, x).items()
        }
        rows.append({"method": method, "offset": offset, "error": found})
    return rows


def shown(found):
    return f"{found['median']:.2f} ({found['low']:.2f}-{found['high']:.2f})"


def speed_lines(row):
    size = "x".join(map(str, row["shape"]))
    for key in ("forward", "forward+backward"):
        part, bar, peak = row[key], "", ""
        if key == "forward+backward":
            held, released = row["memory"].values()
            peak = f"{held:.2f} ({released:.2f})"
            bar = BARS[row["method"]] if row["shape"] == IMAGES else ""
        ratios = (shown(part[peer]) for peer in ("of torch", "of textbook"))
        ms = f"{part['ms']['normlib']:.2f}"
        yield row["method"], size, key, ms, *ratios, bar, peak
        if "SwitchNorm2d of torch" in part:
            ms = f"{part['ms']['SwitchNorm2d']:.2f}"
            layer = shown(part["SwitchNorm2d of torch"])
            bar = LAYER_BAR if key == "forward+backward" else ""
            yield "SwitchNorm2d", size, key, ms, layer, "", bar, ""


def error_lines(row):
    found = row["error"]
    others = (f"{found[name]:.1e}" for name in ("normlib", "torch", "textbook"))
    yield row["method"], f"{row['offset']:g}", *others


def table(heads, rows):
    lines = (heads, ["---"] * len(heads), *rows)
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def progress(items):
    for item in items:
        print(*item, file=sys.stderr)
        yield item


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--record", action="store_true")
    record = parser.parse_args().record
    torch.set_num_threads(1)
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    versions["torch"] = torch.__version__
    load = [os.getloadavg()[0]]
    rows = [speed(*case) for case in progress(CASES)]
    precision = [row for method in METHODS for row in errors(method)]
    load.append(os.getloadavg()[0])
    report = {"versions": versions, "load": load, "speed": rows, "errors": precision}
    text = PAGE.format(
        versions=", ".join(" ".join(pair) for pair in versions.items()),
        processors=os.cpu_count(),
        load=load,
        speed=table(SPEED, [line for row in rows for line in speed_lines(row)]),
        errors=table(ERRORS, [line for row in precision for line in error_lines(row)]),
    )
    print(text)
    here = Path(__file__).parent
    build = here.parent / "_build"
    build.mkdir(exist_ok=True)
    (build / "normalizers.json").write_text(json.dumps(report, indent=1))
    for folder in (build, here) if record else (build,):
        (folder / "normalizers.md").write_text(text)


SPEED = ("method", "shape", "pass", "ms", "of torch", "of textbook", "bar", "memory")
ERRORS = ("method", "mean", "normlib", "torch", "textbook")
PAGE = """\
# Speed, memory and accuracy of the normalizers

Written by `normalizers.py`, which says how it measures. {versions}; one thread of
{processors}; load {load[0]:.1f} at the start and {load[1]:.1f} at the end.

Ratios of processor time, medians with quartiles; the bar is on the ratio to torch. To
the textbook it is 0.6, on memory 3 times the input. For switchable norm, torch is the
version with three calls of `var_mean`.

{speed}

Largest error of y against float64, for numbers of standard deviation 1 around a mean.

{errors}
"""


if __name__ == "__main__":
    main()
