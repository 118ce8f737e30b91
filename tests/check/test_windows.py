"""A learner's side imports nothing that Windows lacks."""

import subprocess
import sys

# Only what normlib imports itself: the standard library of this system needs them.
HIDE = """
import builtins
LACKING = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios"}
real = builtins.__import__
def importing(name, globals=None, *rest):
    importer = (globals or {}).get("__name__", "")
    if name.partition(".")[0] in LACKING and importer.partition(".")[0] == "normlib":
        raise ModuleNotFoundError(f"{importer} imports {name}")
    return real(name, globals, *rest)
builtins.__import__ = importing
"""
IMPORT_ALL = """
import importlib, pkgutil, normlib
def walk(path, prefix):
    for module in pkgutil.iter_modules(path, prefix):
        if module.name != "normlib.grade":
            imported = importlib.import_module(module.name)
            print(module.name)
            if module.ispkg:
                walk(imported.__path__, f"{module.name}.")
walk(normlib.__path__, "normlib.")
"""


def run(code):
    command = [sys.executable, "-W", "error", "-c", HIDE + code]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_learners_side_can_be_imported():
    done = run(IMPORT_ALL)
    assert done.returncode == 0, done.stderr
    imported = done.stdout.split()
    used = {"normlib.lab", "normlib.cli", "normlib.check.status", "normlib.batch_norm"}
    assert used <= {*imported}


def test_an_import_of_what_windows_lacks_is_noticed():
    done = run("import normlib\nexec('import fcntl', vars(normlib))")
    assert "normlib imports fcntl" in done.stderr
