"""An engine on this machine: start, stop, reuse, and what to tell the programs that use it.

All state is below `STATES`; nothing else on the machine is changed, and no process, interface, rule or mount
that an engine of ours did not make is ever touched.
"""

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

import catalogue
import process

import build
import cache

HERE = Path(__file__).resolve().parent
HUB = HERE.parent / "hub"
# Two checkouts on one machine have engines of their own.
CHECKOUT = hashlib.sha256(str(HERE).encode()).hexdigest()[:8]
STATES = Path(os.environ.get("LONGSHORE_TEST_STATE") or "/run/longshore").resolve() / CHECKOUT
START_SECONDS = 60
# What would point a client at another engine, or another machine's registry.
FOREIGN = ("DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION", "CONTAINER_HOST")


class Failure(Exception):
    """What is told to the user, without a traceback."""


class Instance:
    """An engine of the catalogue on this machine: its state folder and what runs there."""

    def __init__(self, name):
        if name not in catalogue.ENGINES:
            raise Failure(f"no engine `{name}`; there are: {', '.join(catalogue.ENGINES)}")
        self.engine = catalogue.ENGINES[name]
        self.name = name
        self.state = STATES / name
        self.socket = self.state / "engine.sock"
        self.network = self.state / "net"
        self.cgroup = f"/longshore-tests-{CHECKOUT}-{name}"

    def start(self):
        """Starts the engine, or does nothing if it runs, answers and is made as it would be made now."""
        need_root()
        with self.locked():
            root, hub = self.engine.root(), build.hub()
            plan = cache.key(str(root), str(hub), *sorted(HERE.glob("*")), HUB / "hosts", HUB / "registry.yml", HUB / "openssl.cnf")
            if self.answers() and self.plan() == plan:
                return
            self.remove()
            self.prepare(hub)
            (self.state / "plan").write_text(plan)
            self.offer_client(root)
            self.launch(root, hub)
            self.await_answer()

    def stop(self):
        """Takes the engine away with all it holds: processes, mounts, networks, data."""
        need_root()
        with self.locked():
            self.remove()

    def keep(self):
        """Lets the engine run on after the runs that use it."""
        (self.state / "keep").touch()

    @contextlib.contextmanager
    def used(self):
        """Starts the engine for one run. The last run to end stops it, unless it is to be kept."""
        STATES.mkdir(parents=True, exist_ok=True)
        with open(STATES / f"{self.name}.users", "w") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                self.start()
                yield
            finally:
                if not (self.state / "keep").exists() and alone(users):
                    self.stop()

    def plan(self):
        """What the running engine was made of."""
        try:
            return (self.state / "plan").read_text()
        except FileNotFoundError:
            return None

    def answers(self):
        return ping(self.socket)

    def prepare(self, hub):
        """The folder that the engine's namespaces are filled from."""
        (self.state / "data").mkdir(parents=True)
        (self.state / "client").mkdir()
        os.chmod(STATES, 0o755)
        files = {
            "hosts": (HUB / "hosts").read_text(),
            "resolv.conf": "nameserver 10.231.0.1\n",  # nxdomain.py
            "longshore/openssl.cnf": (HUB / "openssl.cnf").read_text(),
            "longshore/registry.yml": (HUB / "registry.yml").read_text().replace("STATE", str(self.state)).replace("HUB", str(hub)),
            **self.engine.configure(self.state, self.cgroup),
        }
        for name, text in files.items():
            file = self.state / "etc" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def offer_client(self, root):
        """The `docker` command of the engine's own release, to compare with, if it has one. It brings its C library along."""
        program = root / "usr/bin/docker"
        if not program.exists():
            return
        loader = next((root / "usr").glob("lib*/ld-linux-*.so.*"), None) or next((root / "usr/lib").glob("*/ld-linux-*.so.*"))
        libraries = ":".join(str(folder) for folder in (root / "usr/lib").glob("*-linux-gnu*"))
        client = self.state / "docker"
        client.write_text(f'#!/bin/sh\nexec "{loader}" --library-path "{libraries}" "{program}" "$@"\n')
        client.chmod(0o755)

    def launch(self, root, hub):
        # The namespace is kept by a mount of its file, so that processes can enter it by that name.
        self.network.touch()
        subprocess.run(["unshare", f"--net={self.network}", "true"], check=True)
        inside = [str(HERE / "inside"), str(self.state), str(root), str(hub)]
        command = [part.replace("STATE", str(self.state)) for part in self.engine.command]
        with open(self.state / "engine.log", "wb") as log:
            self.daemon = subprocess.Popen(
                ["nsenter", f"--net={self.network}", "unshare", "--mount", "--propagation=slave", *inside, *command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            )
        # A test may end it, and what nobody waits for keeps its number.
        threading.Thread(target=self.daemon.wait, daemon=True).start()

    def await_answer(self):
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                log = (self.state / "engine.log").read_text(errors="replace").splitlines()
                raise Failure(f"`{self.name}` did not start; the end of {self.state}/engine.log:\n" + "\n".join(log[-15:]))
            time.sleep(0.05)

    def remove(self):
        """Takes everything away, whoever left it: a running engine, or what a killed one had."""
        # Podman's control groups cannot be named by us; those of our processes can be asked for.
        groups = {g for g in process.cgroups(self.state) if g.startswith("/libpod_parent/")} | {self.cgroup}
        left = process.end(self.state)
        if left:
            raise Failure(f"processes {left} of `{self.name}` cannot be killed")
        if self.network.exists():
            # Once for every time it was mounted; it fails when there is nothing left to unmount.
            while subprocess.run(["umount", "--lazy", self.network], stderr=subprocess.DEVNULL).returncode == 0:
                pass
        for group in groups:
            remove_cgroups(group)
        if self.state.exists():
            shutil.rmtree(self.state)

    def environment(self):
        environment = {
            "DOCKER_HOST": f"unix://{self.socket}",
            "DOCKER_CONFIG": f"{self.state}/client",  # empty: no context or credentials of the user's
            "LONGSHORE_TEST_ENGINE": self.name,
            "LONGSHORE_TEST_NETNS": str(self.network),
        }
        if (self.state / "docker").exists():
            environment["LONGSHORE_TEST_DOCKER"] = str(self.state / "docker")
        return environment

    def command(self, arguments):
        """(arguments, environment) of a program that is to run where published ports are at 127.0.0.1."""
        environment = {k: v for k, v in os.environ.items() if k not in FOREIGN} | self.environment()
        # There is no network in there: cargo must do with what has been fetched.
        environment["CARGO_NET_OFFLINE"] = "true"
        return ["nsenter", f"--net={self.network}", "--", *arguments], environment

    def holdings(self):
        """What tests should have removed: whatever carries the session label, and anonymous volumes."""
        labelled = urllib.parse.quote(json.dumps({"label": ["org.longshore.session"]}))
        found = set()
        for one in self.get(f"/containers/json?all=1&filters={labelled}"):
            found.add(f"container {one['Id'][:12]} {' '.join(one['Names'])} ({one['Image']}, {one['State']})")
        for one in self.get(f"/networks?filters={labelled}"):
            found.add(f"network {one['Id'][:12]} {one['Name']}")
        for one in self.get("/volumes")["Volumes"] or ():
            if "org.longshore.session" in (one["Labels"] or {}) or re.fullmatch("[0-9a-f]{64}", one["Name"]):
                found.add(f"volume {one['Name']}")
        for one in self.get(f"/images/json?filters={labelled}"):
            found.add(f"image {one['Id']} {' '.join(one['RepoTags'] or ())}")
        return found

    def get(self, path):
        connection = UnixConnection(self.socket, timeout=30)
        connection.request("GET", path)
        with connection.getresponse() as response:
            return json.load(response)

    def locked(self):
        """Held while the engine changes: starts and stops of one engine wait for one another."""
        STATES.mkdir(parents=True, exist_ok=True)
        lock = open(STATES / f"{self.name}.lock", "w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("engine", timeout=timeout)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ping(path):
    """Whether an engine answers: a daemon accepts connections before it does."""
    connection = UnixConnection(path, timeout=2)
    try:
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def alone(users):
    """Whether nobody but us holds the shared lock `users`."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def need_root():
    if os.geteuid() != 0:
        raise Failure("starting and stopping engines needs root: `sudo -E`")


def remove_cgroups(path):
    """Removes the empty control groups that killed containers leave, in every hierarchy."""
    hierarchies = [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()]
    for top in {hierarchy / path.lstrip("/") for hierarchy in hierarchies}:
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass  # not a group, or in use: then it is not ours to remove
