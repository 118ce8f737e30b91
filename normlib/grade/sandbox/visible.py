"""What student code sees of the machine's files: Python, its packages, and no more."""

import json
import os
import shutil
import site
import sys
from pathlib import Path

import normlib
from normlib.grade.sandbox.inside import lockdown

SCRATCH = "/scratch"  # where bubblewrap lets student code write

_PACKAGE = Path(normlib.__file__).parent
# What stands beside a student's code; references do not.
_GIVEN = (
    *("grade/sandbox/inside/*.py", "check/running/*.py"),
    "check/exercises/**/protocols.py",
)
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin")
_SETTINGS = ("/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/openssl.cnf")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_PROCESSOR = ("/proc/cpuinfo", "/proc/meminfo", "/proc/self/statm")


def packages():
    """The folders that installed packages are imported from."""
    found = [*site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        found.append(site.getusersitepackages())
    return [path for path in dict.fromkeys(found) if os.path.isdir(path)]


def _parts():
    """Where Python and its packages are; nothing of the course, nor of a user."""
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    return [*_SYSTEM, *_SETTINGS, *sorted(prefixes), *packages()]


def landlock(package: Path | None) -> dict | None:
    """The arguments of ``restrict_files``; None without Landlock.

    ``package`` is the normlib that student code gets, or None where bubblewrap has put
    all that there is to see in its place.
    """
    if not (version := lockdown.landlock_version()):
        return None
    if package is None:
        writable = [SCRATCH, "/dev/null"]
        rules = {"readable": ["/"], "listable": [], "writable": writable}
        return rules | {"version": version}
    readable, listable = [*_DEVICES, *_PROCESSOR, str(package)], list[str]()
    hidden = {os.path.realpath(path) for path in _references()}
    for path in map(os.path.realpath, _parts()):
        _allow(path, hidden, readable, listable)
    rules = {"readable": readable, "listable": listable, "writable": ["/dev/null"]}
    return rules | {"version": version}


def _references():
    """Folders inside of the readable ones that student code must not read."""
    return [f"{path}/normlib" for path in packages()] + [str(_PACKAGE)]


def _allow(path, hidden, readable, listable):
    """Let ``path`` be read but for what is ``hidden``.

    Landlock only ever allows, so around something hidden, everything else is allowed
    by name.
    """
    if path in hidden:
        return
    if not any(Path(one).is_relative_to(path) for one in hidden if os.path.isdir(one)):
        readable.append(path)
        return
    listable.append(path)
    for name in os.listdir(path):
        inner = f"{path}/{name}"
        if not os.path.islink(inner):  # where it leads has rules of its own
            _allow(inner, hidden, readable, listable)


def bubblewrap(package: Path, fonts: Path) -> list[str]:
    """The command that starts another one among its own files and processes only."""
    command = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    command += ["--unshare-uts", "--unshare-cgroup-try", "--die-with-parent"]
    kept: tuple[str, ...] = ()
    if os.getuid() == 0:
        # Root in a user namespace would still be root to the files outside. Each
        # fork becomes nobody instead; for that, and to end it, are these three.
        kept = ("SETUID", "SETGID", "KILL")
        command += ["--cap-drop", "ALL"]
    else:
        command += ["--unshare-user"]
    for name in (*kept, "SYS_ADMIN"):  # the last one to mount `own_scratch`
        command += ["--cap-add", f"CAP_{name}"]
    bound: list[str] = []
    for path in _parts():
        if os.path.islink(path) and path in _SYSTEM:
            command += ["--symlink", os.readlink(path), path]
        elif os.path.exists(path) and not _within(path, bound):
            bound.append(path)
    for folder in sorted(
        {str(p) for path in (*bound, *_DEVICES) for p in Path(path).parents}
    ):
        if folder != "/" and not _within(folder, bound):
            # bubblewrap would make it readable for its owner alone.
            command += ["--perms", "0755", "--dir", folder]
    for path in bound:
        command += ["--ro-bind", path, path]
    for path in packages():
        if os.path.isdir(f"{path}/normlib"):
            command += ["--tmpfs", f"{path}/normlib"]  # hides the references
    for path in _DEVICES:
        command += ["--dev-bind", path, path]
    command += ["--proc", "/proc", "--tmpfs", SCRATCH]
    if not any(_within(path, ["/tmp"]) for path in bound):  # Python may be there
        command += ["--symlink", SCRATCH, "/tmp"]
    command += ["--ro-bind", str(fonts), "/fonts"]
    return [*command, "--ro-bind", str(package), "/package", "--remount-ro", "/"]


def _within(path, folders):
    return any(Path(path).is_relative_to(folder) for folder in folders)


def write_package(folder: Path) -> None:
    """A ``normlib`` with the given files, and stand-ins for the rest."""
    folder = folder / "normlib"
    stand_in = _PACKAGE / "grade/sandbox/stand_in"
    given = {
        str(path.relative_to(_PACKAGE)): path
        for pattern in _GIVEN
        for path in _PACKAGE.glob(pattern)
    }
    given |= {str(path.relative_to(stand_in)): path for path in stand_in.rglob("*.py")}
    for name, path in given.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    for inner in [path for path in folder.rglob("*") if path.is_dir()]:
        (inner / "__init__.py").touch()
    for path in (folder.parent, folder, *folder.rglob("*")):  # whatever the umask is
        path.chmod(0o755 if path.is_dir() else 0o644)


def write_fonts(folder: Path) -> None:
    """matplotlib's list of fonts, which takes seconds to make.

    Nothing else is taken from the grader's settings, and no font of a user's own.
    """
    folder.mkdir()
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    cache = Path(os.environ.get("MPLCONFIGDIR") or f"{caches}/matplotlib")
    for path in cache.glob("fontlist-*.json"):
        try:
            known = json.loads(path.read_text())
            for kind in ("afmlist", "ttflist"):
                known[kind] = [font for font in known[kind] if _is_common(font)]
        except (OSError, ValueError, LookupError, TypeError):
            continue  # matplotlib makes another one
        (folder / path.name).write_text(json.dumps(known))


def _is_common(font):
    """Whether it is the system's, or matplotlib's own, whose names are relative."""
    return not font["fname"].startswith("/") or font["fname"].startswith("/usr/")
