"""Take the sandbox's defenses away one by one, and see that a test fails for each.

Run it as root, where bubblewrap and Landlock both work: ``make sandboxes``; with words
as arguments, only the mutants with one of them in their name. It works on a copy of the
package. Only the tests of what is in ``inside`` and the self-test run with a defense
missing, because nothing in them does harm where it succeeds; the attacks of
``tests/grade/attacks.py`` would. A sandbox that passed and no longer does has noticed.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import normlib
from normlib.grade.sandbox.inside import calls

HERE = Path(__file__).parent
INSIDE = "grade/sandbox/inside"
PROGRAM = """
import sys, tempfile
from pathlib import Path
from normlib.grade.sandbox import backends
with tempfile.TemporaryDirectory() as folder:
    for backend in backends.BACKENDS:
        zygote, fault = backends._tested(backend, Path(folder), ["numpy"])
        print(backend.name, fault or "passes")
        if zygote:
            zygote.close()
"""


def mutants():
    """Yield a name, a file, what stands in it, and what is put there instead."""
    for name in {**calls.DENIED, **calls.UNSEEN}:
        line = rf'    "{name}": \(.*\),.*\n'
        yield f"without {name} refused", f"{INSIDE}/calls.py", line, ""
    looked_at = re.findall(r"\n(    where\(.*\).*\n)", Path(calls.__file__).read_text())
    for line in looked_at:
        name = f"without {line.strip()}"
        yield name, f"{INSIDE}/calls.py", re.escape(line), ""
    opening = {"open": r'\("open", 1\)', "openat": r'\("openat", 2\)'}
    for name, other in (("open", '("openat", 2)'), ("openat", '("open", 1)')):
        yield f"without {name} looked at", f"{INSIDE}/calls.py", opening[name], other
    lockdown = f"{INSIDE}/lockdown.py"
    limits = "AS CPU FSIZE NOFILE CORE MEMLOCK MSGQUEUE SIGPENDING".split()
    for limit in limits:
        line = rf"        \(resource.RLIMIT_{limit}, .*\),.*\n"
        yield f"without a limit on {limit}", lockdown, line, ""
    child = f"{INSIDE}/child.py"
    for step in (
        "lockdown.own_scratch",
        "lockdown.drop_privileges",
        "lockdown.limit_threads",
        "lockdown.restrict_files",
        "calls.restrict_calls",
    ):
        yield f"without {step}", child, rf"{step}\(.*\)", "pass"
    for call in ("_NO_NEW_PRIVS", "_DUMPABLE", "_PDEATHSIG"):
        line = rf"    checked\(libc.prctl\({call}.*\n"
        yield f"without {call}", lockdown, line, ""
    process = "grade/sandbox/process.py"
    shown = r"env=_environment\(home\)"
    yield "with all of the environment", process, shown, "env=dict(os.environ)"


def passing(package):
    """Which tests and sandboxes pass with this package."""
    environment = os.environ | {"PYTHONPATH": str(package.parent)}
    # Copies: beside the other tests they would find the package that those test.
    tests = [
        shutil.copy(HERE / f"inside/test_{name}.py", package.parent)
        for name in ("calls", "lockdown")
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=package.parent,
        env=environment,
        capture_output=True,
        timeout=300,
    )
    if done.returncode != 0:
        return set()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=package.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    lines = done.stdout.splitlines()
    return {"tests", *(line.split()[0] for line in lines if line.endswith(" passes"))}


def killed(where, package, text, replacement, before):
    """Whether a test notices; raises when nothing was changed."""
    path = package / where
    whole = path.read_text()
    changed = re.sub(text, replacement, whole, count=1)
    if changed == whole:
        raise ValueError(f"{text!r} is not in {where}")
    path.write_text(changed)
    try:
        return not before <= passing(package)
    finally:
        path.write_text(whole)


def main():
    survivors, wanted = 0, sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        package = Path(folder, "normlib")
        shutil.copytree(Path(normlib.__file__).parent, package)
        before = passing(package)
        print(f"pass with all defenses: {sorted(before)}", flush=True)
        if not {"tests"} < before:
            sys.exit("a defense of which sandbox should be missed?")
        for name, *mutant in mutants():
            if wanted and not any(word in name for word in wanted):
                continue
            where, text, replacement = mutant
            noticed = killed(where, package, text, replacement, before)
            survivors += not noticed
            print(f"{'killed  ' if noticed else 'SURVIVED'} {name}", flush=True)
    print(f"{survivors} survived")


if __name__ == "__main__":
    main()
