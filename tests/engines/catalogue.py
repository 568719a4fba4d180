"""The engines that can be started: where their programs come from and how each is configured."""

import json
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "hub"))

import cache  # noqa: E402  (found through the line above)
import debian  # noqa: E402

# The release of Debian that fixed versions come from, and where the newest ones are looked for. Where
# two have the same version the first is taken.
FIXED = ("bookworm",)
NEWEST = ("stable", "testing", "unstable", "experimental")

# Programs that engines call.
TOOLS = [
    "bash", "ca-certificates", "coreutils", "dash", "iproute2", "iptables", "kmod", "libc-bin", "mount",
    "nftables", "openssl", "procps", "util-linux", "xz-utils", "zstd",
]
# What those packages ask for but no engine calls.
OMIT = [
    "adduser", "dbus", "dbus-bin", "dbus-daemon", "dbus-session-bus-common", "dbus-system-bus-common",
    "debconf", "dirmngr", "dpkg", "gawk", "gnupg", "gpgv", "init-system-helpers", "libpam-systemd", "mawk",
    "needrestart", "opensysusers", "perl", "perl-base", "pinentry-curses", "python3", "sysuser-helper",
    "systemd", "systemd-sysv", "tar",
]


@dataclass(frozen=True)
class Engine:
    """One engine: `package` decides the version, `also` are the packages that it needs beside it."""

    name: str
    package: str
    also: tuple
    releases: tuple
    command: tuple  # STATE in it stands for the state folder
    configure: Callable  # (state folder, control group) -> {path below /etc: text}
    below: str = ""  # the first version that is too new for this machine, if there is one

    def root(self):
        """The cache entry with this engine's `usr`."""
        made_of = (HERE / "catalogue.py", HERE.parent / "hub/debian.py", debian.architecture(), self.below)
        return cache.entry("engines", f"{self.name}-{cache.key(*made_of)}", self._build)

    def _build(self, folder):
        archives = [debian.Archive(cache.root() / "debian", release) for release in self.releases]
        offers = []
        for archive in archives:
            archive.update()
            version = archive.version(self.package)
            if version and not (self.below and debian.later(version, self.below)):
                offers.append((archive, version))
        refusals = []
        for archive, version in newest_first(offers):
            try:
                _, debs = archive.resolve([self.package, *self.also, *TOOLS], OMIT)
            except debian.PackageError as refusal:  # not installable there today
                refusals.append(f"{self.package} {version}: {refusal}")
                continue
            debian.unpack(debs, folder)
            use_nft_iptables(folder / "usr/sbin")
            (folder / "version").write_text(f"{self.package} {version} ({archive.release})\n")
            return
        raise debian.PackageError("\n".join(refusals) or f"no release of {self.releases} has {self.package}")


def newest_first(offers):
    """Sorts (archive, version) by version, newest first, keeping the order of equals."""
    ordered = []
    for offer in offers:
        place = len(ordered)
        while place and debian.later(offer[1], ordered[place - 1][1]):
            place -= 1
        ordered.insert(place, offer)
    return ordered


def use_nft_iptables(sbin):
    """What update-alternatives would do: `iptables` is the one that speaks nftables."""
    for family in ("iptables", "ip6tables"):
        for verb in ("", "-save", "-restore"):
            link = sbin / (family + verb)
            link.unlink(missing_ok=True)
            link.symlink_to(f"{family}-nft{verb}")


def docker_files(state, cgroup):
    """/etc/docker of a Docker daemon that keeps all it has below `state`."""
    daemon = {
        "data-root": f"{state}/data/docker",
        "exec-root": f"{state}/data/exec",
        "pidfile": f"{state}/data/dockerd.pid",
        "hosts": [f"unix://{state}/engine.sock"],
        "cgroup-parent": cgroup,
        # systemd would want a slice instead of the plain path above
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
    }
    return {"longshore/daemon.json": json.dumps(daemon, indent=2)}


def podman_files(state, cgroup):
    """/etc/containers of a Podman service: Docker Hub alone, ulimits that this machine allows, no systemd."""
    del cgroup  # Podman has no option for it
    limits = [f"{name}={hard}:{hard}" for name, hard in hard_limits()]
    runroot = f"{state}/data/run"
    # Podman refuses a longer one, but only in the process that tidies up behind an ended container, which nobody hears.
    if len(runroot) > 50:
        raise ValueError(f"{runroot} is longer than 50 characters; set LONGSHORE_TEST_STATE to a shorter path")
    return {
        "containers/policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}\n',
        "containers/registries.conf": 'unqualified-search-registries = ["docker.io"]\n',
        "containers/storage.conf": (
            f'[storage]\ndriver = "overlay"\ngraphroot = "{state}/data/podman"\nrunroot = "{runroot}"\n'
        ),
        "containers/containers.conf": (
            f"[containers]\ndefault_ulimits = {json.dumps(limits)}\nlog_driver = \"k8s-file\"\n"
            "[engine]\n"
            # crun refuses a machine with both versions of control groups
            'runtime = "runc"\n'
            'cgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
            f'tmp_dir = "{state}/data/podman.tmp"\n'
            f'[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{state}/data/podman.networks"\n'
        ),
    }


def hard_limits():
    """What Podman may ask for on this machine: without CAP_SYS_RESOURCE no more than it was given itself."""
    processes = int(Path("/proc/sys/kernel/pid_max").read_text())  # Podman lowers its own limit to this
    for name, kind, most in (("nofile", resource.RLIMIT_NOFILE, 1048576), ("nproc", resource.RLIMIT_NPROC, processes)):
        hard = resource.getrlimit(kind)[1]
        yield name, most if hard == resource.RLIM_INFINITY else min(hard, most)


def newest_podman():
    """The first Podman version that this machine is too old for, if any: 6 wants pure version 2 control groups."""
    return "" if Path("/sys/fs/cgroup/cgroup.controllers").exists() else "6~"


DOCKER = ("dockerd", "--config-file", "/etc/longshore/daemon.json")

PODMAN = ("podman", "system", "service", "--time=0", "unix://STATE/engine.sock")
PODMAN_NEEDS = ("aardvark-dns", "conmon", "netavark", "passt", "runc", "uidmap")

ENGINES = {
    engine.name: engine
    for engine in (
        Engine("docker-20.10", "docker.io", ("containerd", "runc"), FIXED, command=DOCKER, configure=docker_files),
        Engine("docker-newest", "docker.io", ("containerd", "docker-cli", "runc"), NEWEST, command=DOCKER, configure=docker_files),
        Engine("podman-4.3", "podman", PODMAN_NEEDS, FIXED, command=PODMAN, configure=podman_files),
        Engine(
            "podman-newest", "podman", PODMAN_NEEDS, NEWEST,
            below=newest_podman(), command=PODMAN, configure=podman_files,
        ),
    )
}
