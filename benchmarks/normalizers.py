"""How fast, how large and how exact the normalizers are, beside their peers.

    python benchmarks/normalizers.py

Prints tables and writes _build/normalizers.json. float32, one thread. The contenders of
a row take turns in one process, and a ratio is the median of those of the turns, with
the quartiles in parentheses. Times are processor time: other programs slow it down
less than the clock, but not by nothing, so the load of the machine is printed too. The
allocator keeps freed memory, for all contenders alike: else arrays of 33 MB are new
pages at each call, for which torch pays more than NumPy does. Memory is the peak above
the input during forward and backward, as a multiple of the input: with y held until the
end, as in a network, and in parentheses without.

numpy-ml is no peer: it cannot be imported on Python 3.10 or newer.
"""

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
OFFSETS = (0, 1e2, 1e4, 1e6)
TURNS = 15


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


def print_speed(row):
    size = "x".join(map(str, row["shape"]))
    for key in ("forward", "forward+backward"):
        part = row[key]
        rest = ""
        if key == "forward+backward":
            held, released = row["memory"].values()
            rest = f"{held:8.2f} ({released:.2f})"
            if row["shape"] == IMAGES:
                rest += f"{BARS[row['method']]:8}"
        print(
            f"{row['method']:11}{size:14}{key:17}{part['ms']['normlib']:7.2f} ms"
            f"{shown(part['of torch']):>19}{shown(part['of textbook']):>19}{rest}"
        )
        if "SwitchNorm2d of torch" in part:
            layer, ms = shown(part["SwitchNorm2d of torch"]), part["ms"]["SwitchNorm2d"]
            print(f"{'  SwitchNorm2d':42}{ms:7.2f} ms{layer:>19}")


def main():
    torch.set_num_threads(1)
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    versions["torch"] = torch.__version__
    load = os.getloadavg()[0]
    print(f"{versions}, {os.cpu_count()} processors, load {load:.1f}")
    print("For switchable norm, torch is the version with three var_mean calls.\n")
    heads = f"{'normlib':>52}{'of torch':>19}{'of textbook':>19}"
    print(f"{heads}{'memory':>8} (without y)  bar of torch")
    table = []
    for method, shape in CASES:
        table.append(speed(method, shape))
        print_speed(table[-1])
    print("\nLargest error against float64, numbers of standard deviation 1")
    precision = [row for method in METHODS for row in errors(method)]
    for row in precision:
        found = "  ".join(f"{name} {e:.1e}" for name, e in row["error"].items())
        print(f"{row['method']:11} offset {row['offset']:<9g} {found}")
    path = Path(__file__).parents[1] / "_build/normalizers.json"
    path.parent.mkdir(exist_ok=True)
    report = {"versions": versions, "load": load, "speed": table, "errors": precision}
    path.write_text(json.dumps(report, indent=1))
    print(f"\nload at the end {os.getloadavg()[0]:.1f}; written to {path.name}")


if __name__ == "__main__":
    main()
