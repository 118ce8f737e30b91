"""What students might do to a grader, each as the text of an answer cell.

``FORGING`` and ``SABOTAGE`` want points without a right answer. ``HARM`` wants
something else, and ends with a right answer, which counts if nothing came of it.
``ENDING`` ends or blocks the process, and so has no answer. ``UNLOCKING`` wants torch's
own normalization. ``BOMBS``, ``PAGES`` and ``NAMES`` are meant for what reads and shows
a submission: they are a cell, a text and the name of a folder.
"""

import textwrap

RIGHT = """
def z_score_scale(x):
    x = np.asarray(x, dtype=float)
    mean = x.mean(axis=0)
    centered = x - mean
    std = np.sqrt((centered * centered).mean(axis=0))
    tiny = std <= 1e-12 * np.abs(x).max(axis=0)
    return np.where(tiny, 0.0, centered) / np.where(tiny, 1.0, std)
"""


def answer(*lines, before=""):
    """A ``z_score_scale`` with this body."""
    body = textwrap.indent("\n".join(lines), "    ")
    return f"{before}\ndef z_score_scale(x):\n{body}\n"


def harm(*lines):
    """Lines that may fail, then the right answer; ``done`` is told if they do not."""
    body = textwrap.indent("\n".join(lines), "    ")
    return (
        f"import os, sys, socket, signal, ctypes, resource, subprocess\n"
        f"try:\n{body}\n"
        f"    print('DONE')\n"
        f"except BaseException as error:\n"
        f"    print('failed', repr(error))\n{RIGHT}"
    )


FORGED_REPLY = (
    "import struct, os\n"
    "def item(name, kind, payload):\n"
    "    return (struct.pack('<BBBB', len(name), kind, 0, 0) + name\n"
    "            + struct.pack('<Q', len(payload)) + payload)\n"
    "body = item(b'returned', 0, b'') + item(b'points', 0, b'3')\n"
    "frame = struct.pack('<4sI', b'nrm1', len(body)) + body\n"
)

FORGING = {
    "nothing returned": answer("pass"),
    "the input returned": answer("return x"),
    "nan": answer("return np.full(np.shape(x), np.nan)"),
    "infinity": answer("return np.full(np.shape(x), np.inf)"),
    "a string": answer("return 'full points'"),
    "an object array": answer("return np.array([object()] * 4, dtype=object)"),
    "a record array": answer("return np.zeros(3, dtype=[('points', 'f8')])"),
    "ragged lists": answer("return [[1.0], [2.0, 3.0]]"),
    "10 GB of output": answer("while True: print('x' * 10**7)"),
    "10 GB of warnings": answer(
        "import warnings", "while True: warnings.warn('x' * 10**7)"
    ),
    "a huge array": answer("return np.zeros(20_000_000)"),
    "no dimensions left": answer("return np.zeros((0, 2**30))"),
    "a complex number": answer("return np.zeros(np.shape(x), complex)"),
    "equal to everything": answer(
        "return np.asarray(x).view(Liar)",
        before="class Liar(np.ndarray):\n"
        "    __eq__ = __ne__ = lambda *_: np.True_\n"
        "    __array_ufunc__ = lambda self, *_, **__: self\n"
        "    shape = property(lambda self: (5, 2))\n",
    ),
    "an array interface that lies": answer(
        "return Liar()",
        before="class Liar:\n"
        "    __array_interface__ = dict(shape=(5, 2), typestr='<f8', data=(8, False),"
        " version=3)\n",
    ),
    "comparisons patched": answer(
        "return x",
        before="for name in ('isclose', 'allclose', 'array_equal'):\n"
        "    setattr(np, name, lambda *_, **__: np.True_)\n"
        "np.testing.assert_allclose = lambda *_, **__: None\n",
    ),
    "check patched": answer(
        "return x",
        before="import normlib.check\nnormlib.check.check = lambda *_: 3.0\n"
        "check = lambda *_: 3.0\nscore = 3.0\n",
    ),
    "formatters patched": answer(
        "return x",
        before="ip = get_ipython()\n"
        "plain = ip.display_formatter.formatters['text/plain']\n"
        "plain.for_type(float, lambda *_: None)\nip.ast_transformers.append(None)\n",
    ),
    "the reference library": answer(
        "import normlib", "return normlib.z_score_scale(x)"
    ),
    "a module of it": answer(
        "from normlib.feature_scaling import z_score_scale as right", "return right(x)"
    ),
    "its exercise": answer(
        "from normlib.check import EXERCISES",
        "return EXERCISES['feature_scaling.z_score'].reference(x)",
    ),
    "the callers' frames": answer(
        "import sys",
        "frame = sys._getframe()",
        "while frame:",
        "    for value in [*frame.f_locals.values(), *frame.f_globals.values()]:",
        "        name = getattr(value, '__name__', '')",
        "        if name == 'z_score_scale' and value is not z_score_scale:",
        "            return value(x)",
        "        if hasattr(value, 'expected'):",
        "            return value.expected.outputs['z']",
        "    frame = frame.f_back",
    ),
    "everything in memory": answer(
        "import gc",
        "for value in gc.get_objects():",
        "    if getattr(value, '__name__', '') == 'z_score_scale':",
        "        if value is not z_score_scale:",
        "            return value(x)",
    ),
    "the history": answer("return eval(In[-1])"),
    "a reply sent beforehand": answer("return x", before=FORGED_REPLY)
    + "os.write(3, frame * 20)\n",
    "a reply sent meanwhile": answer(
        "os.write(3, frame)", "return x", before=FORGED_REPLY
    ),
    "a message of 4 GB announced": answer(
        "import os, struct", "os.write(3, struct.pack('<4sI', b'nrm1', 2**32 - 1))"
    ),
    "half a message": answer(
        "import os, struct",
        "os.write(3, struct.pack('<4sI', b'nrm1', 1000) + b'x' * 10)",
        "os._exit(0)",
    ),
    "noise on the wire": answer("import os", "os.write(3, os.urandom(10_000))"),
    "a nest of lists on the wire": answer("import os", "os.write(3, b'[' * 200_000)"),
    "a problem that looks like none": answer(
        "from normlib.check.running.observing import Unusable",
        "raise Unusable(', in the line `')",
    ),
    "an empty problem": answer(
        "from normlib.check.running.observing import Unusable", "raise Unusable('')"
    ),
    "the connection closed": answer("import os", "os.close(3)", "return x"),
    "the unpickler patched": answer(
        "return next(iter(seen[-1].values()))",
        before="import pickle\nseen, loads = [], pickle.loads\n"
        "def spy(data):\n    seen.append(loads(data))\n    return seen[-1]\n"
        "pickle.loads = spy\n",
    ),
}

# They break the process that they are in, so the other answers suffer too.
SABOTAGE = {
    "what observes it patched": answer(
        "return x",
        before="import sys\n"
        "from normlib.check.running.observing import Observation\n"
        "child = sys.modules['normlib.grade.sandbox.inside.child']\n"
        "child.observe = lambda *_: Observation(None, '')\n",
    ),
    "an empty claim": answer(
        "return x",
        before="import sys, numpy as np\n"
        "from normlib.check.running.observing import Observation\n"
        "child = sys.modules['normlib.grade.sandbox.inside.child']\n"
        "child.observe = lambda *_: Observation({'z': np.zeros(0)})\n",
    ),
    "the protocol patched": answer(
        "return x",
        before="import normlib.grade.sandbox.inside.child as child\n"
        "child.observe = lambda run, implementation, inputs: None\n",
    ),
    "the encoder patched": answer(
        "return x",
        before="import normlib.grade.sandbox.inside.wire as wire\n"
        "wire.encode = lambda items: b'nrm1\\0\\0\\0\\0'\n",
    ),
}


def torchs_own(*lines):
    """A ``batch_norm`` that computes nothing itself, after these lines."""
    own = (
        "t = torch.as_tensor",
        "return torch.nn.functional.batch_norm(",
        "    t(x), None, None, t(gamma), t(beta), True, 0.0, eps).numpy()",
    )
    before = "import sys\ninside = sys.modules['normlib.grade.sandbox.inside']\n"
    body = textwrap.indent("\n".join([*lines, *own]), "    ")
    return f"{before}def batch_norm(x, gamma, beta, eps=1e-5):\n{body}\n"


MKLDNN = (
    "t = lambda a: torch.as_tensor(a, dtype=torch.float32).to_mkldnn()",
    "with torch.inference_mode():",
    "    return torch.native_batch_norm(",
    "        t(x), t(gamma), t(beta), None, None, True, 0.0, eps",
    "    )[0].to_dense().numpy()",
)

# Answers to batch_norm.forward that want torch's own normalization back.
UNLOCKING = {
    "a door of ours": torchs_own(
        "for name in ('bring' + '_back', '_destroy', 'reset'):",
        "    getattr(inside.operators, name, int)()",
        "while getattr(inside.operators, '_taken', ()):",
        "    inside.operators._taken.pop()._destroy()",
    ),
    "the refusal patched": torchs_own(
        "inside.operators.refuse = inside.operators._refused = lambda *_, **__: None"
    ),
    "what holds it, by the garbage collector": torchs_own(
        "import gc",
        "for found in gc.get_objects():",
        "    if type(found).__name__ in ('_DispatchModule', 'Library'):",
        "        getattr(found, 'reset', found._destroy)()",
    ),
    "what holds it, by the finalizers": torchs_own(
        "import weakref",
        "for info in weakref.finalize._registry.values():",
        "    for found in info.args or ():",
        "        getattr(found, 'reset', int)()",
    ),
    "the module anew": torchs_own(
        "import importlib", "importlib.reload(inside.operators)"
    ),
    "another library": torchs_own(
        "own = torch.library.Library('aten', 'IMPL')",
        "own.impl('batch_norm', lambda *_: None, 'CPU')",
        "own._destroy()",
    ),
    "taken out twice": torchs_own("inside.operators.take_out()"),
    "torch anew": torchs_own(
        "for name in [n for n in sys.modules if n.startswith('torch')]:",
        "    del sys.modules[name]",
        "import torch",
    ),
    "a layout of its own": torchs_own(*MKLDNN),
    "what it is made of": torchs_own(
        "over = [0, *range(2, np.ndim(x))]",
        "y = torch._refs._normalize(torch.as_tensor(x), over, eps)[0].numpy()",
        "shape = [1, -1] + [1] * (np.ndim(x) - 2)",
        "return np.reshape(gamma, shape) * y + np.reshape(beta, shape)",
    ),
    "a trace made by the cell": "traced = None\n"
    "try:\n"
    "    layer = nn.BatchNorm2d(3)\n"
    "    traced = torch.jit.trace(layer, torch.ones(2, 3, 4, 4))\n"
    "except Exception as error:\n"
    "    print(error)\n"
    + torchs_own("return traced(torch.as_tensor(x)).detach().numpy()"),
}

TORCH_IN_A_THREAD = answer(
    "import torch",
    "from concurrent.futures import ThreadPoolExecutor",
    "def theirs():",
    "    x_ = torch.as_tensor(np.asarray(x, float))",
    "    return torch.batch_norm(x_, None, None, None, None, True, 0, 1e-30, False)",
    "with ThreadPoolExecutor() as pool:",
    "    return pool.submit(theirs).result().numpy()",
)

HARM = {
    "read the gradebook": harm("open({gradebook!r}, 'rb').read()"),
    "write into the gradebook": harm("open({gradebook!r}, 'ab').write(b'x')"),
    "read another submission": harm("open({other!r}).read()"),
    "overwrite another submission": harm("open({other!r}, 'w')"),
    "delete it": harm("os.unlink({other!r})"),
    "read the solutions": harm("open({solution!r}).read()"),
    "list the course": harm("os.listdir({course!r})"),
    "read passwords": harm("open('/etc/shadow').read()"),
    "list the users": harm("open('/etc/passwd').read()"),
    "look into root's home": harm("os.listdir('/root/.ssh')"),
    "start with the next shell": harm(
        "where = '/root/.ipython/profile_default/startup'",
        "os.makedirs(where, exist_ok=True)",
        "open(where + '/00.py', 'w').write('1')",
    ),
    "change a package": harm("open(np.__file__, 'a').write('#')"),
    "read the environment of the grader": harm("1 / ('GRADER_SECRET' in os.environ)"),
    "read that of the process that forked it": harm(
        "1 / (b'GRADER' in open(f'/proc/{{os.getppid()}}/environ', 'rb').read())"
    ),
    "write into that process": harm("open(f'/proc/{{os.getppid()}}/mem', 'r+b')"),
    "trace that process": harm(
        "libc = ctypes.CDLL(None, use_errno=True)",
        "1 / (libc.ptrace(16, os.getppid(), 0, 0) == 0)",
    ),
    "connect by TCP": harm("socket.create_connection(('127.0.0.1', {port}), 2)"),
    "send by UDP": harm(
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "s.sendto(b'x', ('127.0.0.1', {port}))",
    ),
    "connect to the process that forks": harm(
        "s = socket.socket(socket.AF_UNIX)", "s.connect({address!r})"
    ),
    "resolve a name": harm("socket.gethostbyname('localhost.localdomain')"),
    "kill everybody": harm("os.kill(-1, 9)"),
    "kill the group": harm("os.killpg(0, 15)"),
    "kill the process that forked it": harm("os.kill(os.getppid(), 9)"),
    "kill all there are": harm(
        "for pid in range(1, 400):\n    if pid != os.getpid():\n        os.kill(pid, 9)"
    ),
    "let the kernel kill": harm(
        "import fcntl",
        "a, b = socket.socketpair()",
        "fcntl.fcntl(a, fcntl.F_SETOWN, os.getppid())",
        "fcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC)",
        "b.send(b'x')",
    ),
    "limit somebody else": harm(
        "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))"
    ),
    "lift its own limits": harm("resource.setrlimit(resource.RLIMIT_AS, (-1, -1))"),
    "fork": harm("if os.fork() == 0: os._exit(0)"),
    "a bomb of forks": harm("while True: os.fork()"),
    "a daemon": harm(
        "if os.fork() == 0:",
        "    os.setsid()",
        "    if os.fork() == 0:",
        "        import time; time.sleep(60)",
        "    os._exit(0)",
    ),
    "a program": harm("subprocess.run(['/bin/sh', '-c', 'sleep 5 &'], check=True)"),
    "a program by the C library": harm("1 / (os.system('true') == 0)"),
    "become another program": harm("os.execv('/bin/true', ['true'])"),
    "become root": harm("os.setuid(0)", "1 / (os.getuid() == 0)"),
    "new namespaces": harm(
        "libc = ctypes.CDLL(None, use_errno=True)",
        "1 / (libc.unshare(0x10000000) == 0)",
    ),
    "mount": harm(
        "libc = ctypes.CDLL(None, use_errno=True)",
        "1 / (libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0)",
    ),
    "hide another submission": harm("os.chmod({other!r}, 0)"),
    "hide it by its number": harm(
        "libc = ctypes.CDLL(None, use_errno=True)",
        "1 / (libc.chmod({other!r}.encode(), 0) == 0)",
    ),
    "take it": harm("os.chown({other!r}, os.getuid(), -1)"),
    "backdate it": harm("os.utime({other!r}, (0, 0))"),
    "mark it": harm("os.setxattr({other!r}, 'user.seen', b'')"),
    "empty it": harm("os.truncate({other!r}, 0)"),
    "empty it while opening it": harm("os.open({other!r}, os.O_RDONLY | os.O_TRUNC)"),
    "rename it": harm("os.rename({other!r}, {other!r} + '-')"),
    "link to it": harm("os.link({other!r}, {other!r} + '-')"),
    "a folder in the course": harm("os.mkdir({course!r} + '/new')"),
    "pairs of other sockets": harm("socket.socketpair(socket.AF_INET)"),
    "watch files": harm("1 / (ctypes.CDLL(None).inotify_init1(0) >= 0)"),
    "reserve I/O of the kernel": harm(
        "libc = ctypes.CDLL(None, use_errno=True)",
        "number = 206 if os.uname().machine == 'x86_64' else 0",
        "1 / (libc.syscall(number, 1, ctypes.byref(ctypes.c_ulong())) == 0)",
    ),
    "larger pipes": harm("import fcntl", "fcntl.fcntl(os.pipe()[0], 1031, 1 << 20)"),
    "a queue of messages": harm("1 / (ctypes.CDLL(None).msgget(1234, 0o1666) >= 0)"),
    "threads with small stacks": harm(
        "import threading, time",
        "threading.stack_size(1 << 16)",
        "for _ in range(1000):",
        "    threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
    ),
    "memory that stays": harm(
        "libc = ctypes.CDLL(None, use_errno=True)",
        "1 / (libc.shmget(1234, 4096, 0o1666) >= 0)",
    ),
    "memory that no limit counts": harm("1 / (os.memfd_create('x') > 0)"),
    "10 GB of memory": harm("np.ones(10 * 2**30 // 8)"),
    "1 GB of memory, bit by bit": harm("[np.ones(1 << 18) for _ in range(512)]"),
    "10 GB of shared memory": harm("import mmap", "mmap.mmap(-1, 10 * 2**30)"),
    "a thousand threads": harm(
        "import threading, time",
        "for _ in range(1000):",
        "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    ),
    "fill the disk": harm(
        "for i in range(100): open(f'big-{{i}}', 'wb').write(bytes(2**24))"
    ),
    "one file of 10 GB": harm("open('big', 'wb').truncate(10 * 2**30)"),
    "a million files": harm(
        "for i in range(10_000): open(f'small-{{i}}', 'w').close()"
    ),
    "outlive the death of its parent": harm(
        "1 / (ctypes.CDLL(None, use_errno=True).prctl(1, 0) == 0)"
    ),
}

# What the cell shows is not asked for: it ends, or it waits.
ENDING = {
    "an exit": "import os; os._exit(0)",
    "an exit with success": "import os; os._exit(0)" + RIGHT,
    "a segmentation fault": "import ctypes; ctypes.string_at(1)",
    "abort": "import os; os.abort()",
    "killed by itself": "import os; os.kill(os.getpid(), 9)",
    "stopped by itself": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "an endless loop": "while True: pass",
    "deaf to signals": (
        "import signal\nfor n in range(1, 32):\n"
        "    try: signal.signal(n, signal.SIG_IGN)\n    except OSError: pass\n"
        "while True:\n    try:\n        while True: pass\n"
        "    except BaseException: pass"
    ),
    "sleep": "import time; time.sleep(600)",
    "10 GB of output": "while True: print('x' * 10**7)",
    "10 GB of errors": "import sys\nwhile True: sys.stderr.write('x' * 10**7)",
    "10 GB past Python": (
        "import os\nwhile True:\n"
        "    os.write(1, bytes(10**7)), os.write(2, bytes(10**7))"
    ),
    "a display each time": (
        "from IPython.display import display\nwhile True: display('x' * 10**6)"
    ),
    "a recursion in C": "x = []\nfor _ in range(10**6): x = [x]\nrepr(x)",
    "an endless repr": (
        "class Slow:\n    def __repr__(self):\n        while True: pass\nSlow()"
    ),
}
ENDING_CALLS = {
    "an exit in the call": answer("import os", "os._exit(0)"),
    "a loop in the call": answer("while True: pass"),
    "KeyboardInterrupt": answer("raise KeyboardInterrupt"),
    "a loop in what is returned": answer(
        "return Slow()",
        before="class Slow:\n    def __array__(self, *_, **__):\n"
        "        while True: pass\n",
    ),
}

# What stops or fills what looks at a cell; the cell itself is honest.
BOMBS = {
    "html": "from IPython.display import HTML, display\n"
    "for _ in range(2): display(HTML('<style ' * 590_000))\n",
    "nested html": "from IPython.display import HTML, display\n"
    "display(HTML('<i><div>' * 500_000))\n",
    "an endless list": "if False: x = [" + "a.b, " * 45_000 + "]\n",
    "names": "if False: (" + ", ".join(f"a{i}" for i in range(30_000)) + ")\n",
    "more text than is read": "#" + "(" * 10**6 + "\n",
    "empty lines": "\n" * 250_000,
}

# Texts that take long to turn into a page.
PAGES = {
    "brackets": "\\\\(" * 80_000,
    "environments": "\\begin{a}" * 25_000,
    "formulas": "$$a$b" * 50_000,
    "links": "[a](" * 60_000,
    "quotes": "> " * 100_000,
    "code": "```python\n" + "('" * 60_000 + "\n```",
    "a table": "|a" * 50_000 + "\n" + "|-" * 50_000 + "\n",
}

# Of folders that are handed in.
NAMES = {
    "no text": "\udcff",
    "a terminal's": "\x1b[31mred\x07",
    "turned around": "ada\u202etxt",
    "html": "<script>alert(1)<",
    "markup": "[red]x[bold]",
    "quotes": "'\" \\",
    "long": "x" * 250,
}
