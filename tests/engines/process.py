"""The processes of an engine: how they are told from all others, and how they are ended.

A process is the engine's if and only if the engine's private tmpfs occurs among its mounts: the daemon
and its helpers see it at its place, and a container has its root or its /etc/hosts from there. No process
outside can: the tmpfs is mounted in the engine's mount namespace alone. So nothing is ended by name, and
nothing is missed, whoever of the daemon, containerd and the shims was killed before.
"""

import os
import signal
import time
from pathlib import Path


def of(state):
    """The ids of the processes whose engine has its state in the folder `state`."""
    mark = f"{state}/data".encode()
    return [pid for pid in _all() if _marked(pid, mark)]


def cgroups(state):
    """The control groups that the engine's processes are in, as paths below a hierarchy's top."""
    paths = set()
    for pid in of(state):
        try:
            lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
        except OSError:
            continue
        paths.update(line.split(":", 2)[2] for line in lines)
    return paths


def end(state, timeout=10):
    """Kills every process of the engine; returns those that are still there after `timeout` seconds."""
    mark = f"{state}/data".encode()
    deadline = time.monotonic() + timeout
    while True:
        alive = [pid for pid in _all() if _kill(pid, mark)]
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(0.02)


def _kill(pid, mark):
    # The descriptor is opened first: it keeps naming the process that is looked at, even if the number
    # is given to another one meanwhile.
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not _marked(pid, mark):
            return False
        signal.pidfd_send_signal(process, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(process)


def _marked(pid, mark):
    try:
        mounts = Path(f"/proc/{pid}/mountinfo").read_bytes()
    except OSError:
        return False
    # The mark is a path; what follows it must end that path component.
    return any(mark + end in mounts for end in (b" ", b"/", b","))


def _all():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]
