"""A process that has imported everything, and forks one for each submission.

Importing takes a second or two, forking some milliseconds. It runs no student's
code itself, reads nothing from a connection, and has one thread, without which a
fork would not be safe.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys

RETRY = 100  # milliseconds before forking is tried again


def main() -> None:
    settings = json.loads(sys.argv[1])
    os.environ.update(settings["environment"])
    with contextlib.suppress(OSError):  # the list of fonts takes seconds to make
        shutil.copytree(settings["fonts"], os.environ["MPLCONFIGDIR"])
    for name in settings["imports"]:
        with contextlib.suppress(Exception):  # `from x import name`, or not installed
            importlib.import_module(name)
    from normlib.grade.sandbox.inside import child, operators
    from normlib.grade.sandbox.inside.shell import new_shell

    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
        operators.prepare()
    shell = new_shell()
    if (threads := len(os.listdir("/proc/self/task"))) > 1:
        sys.exit(f"the zygote has {threads} threads and cannot fork safely")
    gc.collect()
    gc.freeze()  # the children share what was there before them
    listener = socket.socket(fileno=settings["listener"])
    _serve(listener, lambda connection: child.main(connection, shell, settings))


def _serve(listener, run):
    """Fork for each connection; end a child when its connection is closed.

    The zygote keeps the connection too: to see that the judge has closed it, and
    to close it when the child ends. Standard input tells that the grader has ended.
    """
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno())
    events = select.poll()
    events.register(listener, select.POLLIN)
    events.register(woken, select.POLLIN)
    events.register(0, 0)  # closed, whether asked for or not
    # By pid, the connection, or None once it is closed.
    children: dict[int, socket.socket | None] = {}
    waiting: list[socket.socket] = []  # those that no child could be forked for yet
    print("ready", flush=True)
    while True:
        ready = dict(events.poll(RETRY if waiting else None))
        if 0 in ready:
            break
        if woken.fileno() in ready:
            woken.recv(4096)
        for pid, connection in list(children.items()):
            if connection and connection.fileno() in ready:
                events.unregister(connection)
                os.kill(pid, signal.SIGKILL)
                connection.close()
                children[pid] = None
        _bury(children, events)
        if listener.fileno() in ready:
            waiting.append(listener.accept()[0])
        while waiting:
            try:
                pid = os.fork()
            except OSError:  # no process or no memory is left: others will end
                break
            connection = waiting.pop(0)
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                run(connection)
            children[pid] = connection
            events.register(connection, select.POLLRDHUP)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _bury(children, events):
    while children:
        pid, _ = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            break
        connection = children.pop(pid)
        if connection:
            events.unregister(connection)
            connection.shutdown(socket.SHUT_RDWR)
            connection.close()


if __name__ == "__main__":
    main()
