"""`make image`: what the Containerfile says, done in a fresh Debian without an engine.

The base is Debian with its Python, of the release and the version in the Containerfile.
Then a class is graded in it, with the capabilities that Docker leaves to root.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What Docker leaves to root in a container that asks for nothing more.
DOCKERS = (
    *("chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid"),
    *("setpcap", "net_bind_service", "net_raw", "sys_chroot", "mknod", "audit_write"),
    "setfcap",
)
BASE = ("ca-certificates", "python3", "python3-pip")
# How this machine reaches the packages of Debian and of Python.
REACHED = ("etc/apt", "etc/hosts", "etc/pip.conf", "etc/resolv.conf")
REACHED += ("etc/ssl/certs/ca-certificates.crt", "etc/xdg/pip", "usr/share/keyrings")
COURSE = ("nbgrader_config.py", "exercises", "solutions")
# The commands of CI, in .github/workflows/test.yml.
GRADING = (
    "normlib grade --doctor",
    "normlib sample-class --students 2",
    "normlib grade 01_feature_scaling",
)
# Arguments: the new root, the script in it, folders of this machine that it may read.
# Not chroot: bubblewrap makes a root of its own, which in a chroot nobody may.
ENTER = """
set -e
root=$1 script=$2
shift 2
mount --bind "$root" "$root"
for folder in "$@"; do
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
done
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir -p "$root/old"
cd "$root"
pivot_root . old
umount --lazy /old
exec bash -ex "$script"
"""


def steps(text):
    """The instructions of a Containerfile, each as its name and the rest."""
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [line.split(maxsplit=1) for line in text.splitlines() if line]


def release(image):
    """Version of Python and Debian's release, of the image to begin with."""
    return re.search(r"/python:(\d+\.\d+)-slim-(\w+)$", image).groups()


def script(instructions):
    """The same as lines for bash; the files to copy lie in /context."""
    lines = []
    for name, rest in instructions:
        match name:
            case "ENV":
                lines.append(f"export {rest}")
            case "WORKDIR":
                lines.append(f"mkdir -p {rest}; cd {rest}")
            case "COPY":
                *sources, target = rest.split()
                # A folder's content is copied, not the folder, as an engine does.
                for source in sources:
                    folder = (ROOT / source).is_dir()
                    what = f"{source}/." if folder else source
                    lines.append(f"mkdir -p {target}; cp -r /context/{what} {target}")
            case "RUN":
                lines.append(f"( {rest} )")
            case "CMD" | "FROM":
                pass
            case _:
                raise ValueError(
                    f"the Containerfile says {name}, which is not known here"
                )
    return lines


def main():
    """Make the root, take the steps, grade; nothing of it stays."""
    if os.getuid() != 0 or not shutil.which("debootstrap"):
        return "needs root, and debootstrap: apt-get install debootstrap"
    (_, image), *instructions = steps((ROOT / "Containerfile").read_text())
    version, name = release(image)
    with tempfile.TemporaryDirectory(dir=ROOT / "_build", prefix="image-") as folder:
        root = Path(folder)
        root.chmod(0o755)  # it becomes the root, and everybody walks through it
        _debian(root, name)
        for step, rest in instructions:
            for source in rest.split()[:-1] if step == "COPY" else ():
                _copy(source, root / "context")
        for source in COURSE:
            _copy(source, root / "course")
        privileges = ",".join(["-all", *(f"+{name}" for name in DOCKERS)])
        docker = f"setpriv --bounding-set={privileges} --inh-caps=-all"
        lines = [
            f"python3 --version | grep -F ' {version}.'",
            *script(instructions),
            *(f"{docker} {command}" for command in GRADING),
        ]
        (root / "steps").write_text("\n".join(lines))
        namespaces = ("--mount", "--pid", "--fork", "--kill-child")
        enter = ("bash", "-c", ENTER, "bash", folder, "/steps", *_wheels())
        return subprocess.run(["unshare", *namespaces, *enter]).returncode


def _debian(root, name):
    """A small Debian with Python, whose package manager lets pip install."""
    sources = Path("/etc/apt/sources.list.d/debian.sources").read_text()
    mirror = re.search(r"^URIs: (\S+)", sources, re.MULTILINE)[1]
    variant = ("--variant=minbase", f"--include={','.join(BASE)}")
    subprocess.run(["debootstrap", *variant, name, root, mirror], check=True)
    for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()
    (root / "etc/apt/sources.list").unlink()  # what this machine has takes its place
    for path in REACHED:
        _copy(path, root, Path("/"))


def _copy(name, to, of=ROOT):
    """A file or a folder, as far as it is there, at the same place below ``to``."""
    (to / name).parent.mkdir(parents=True, exist_ok=True)
    if (of / name).is_dir():
        shutil.copytree(of / name, to / name, dirs_exist_ok=True)
    elif (of / name).exists():
        shutil.copy(of / name, to / name)


def _wheels():
    """Folders of this machine in which pip is told to look first."""
    return [
        path
        for path in os.environ.get("PIP_FIND_LINKS", "").split()
        if Path(path).is_dir()
    ]


if __name__ == "__main__":
    sys.exit(main())
