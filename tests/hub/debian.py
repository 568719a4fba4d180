"""Debian packages without installing them: resolve with apt, download, unpack or turn into an image layer.

Everything happens in a private apt (its own sources, lists, package cache and dpkg status, all in the
test cache), so the machine's own apt is only read: for the mirror it names and its `Acquire` settings
(proxies and the like). No maintainer script is ever run; what a package's scripts would have set up
is stated by whoever asks for the packages.
"""

import io
import os
import re
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Releases that are never "released": they have no updates and no security suite.
MOVING = ("testing", "unstable", "experimental")
# Top-level links of a merged-/usr system; package members below them are moved to where they point.
MERGED = ("bin", "sbin", "lib", "lib64", "lib32", "libx32")
UNWANTED = re.compile(
    r"usr/share/(doc|man|info|locale|lintian|bug|doc-base|menu|bash-completion|zsh|gcc|perl5/Debconf)(/|$)"
)


class PackageError(Exception):
    """apt or dpkg refused; the message holds what it said."""


def architecture():
    return _output(["dpkg", "--print-architecture"]).strip()


class Archive:
    """One release of Debian, as a private apt under `folder`."""

    def __init__(self, folder, release):
        self.release = release
        self.debs = Path(folder) / "debs"
        self._apt = Path(folder) / "apt" / release
        self._env = dict(os.environ, APT_CONFIG=str(self._apt / "apt.conf"), LC_ALL="C.UTF-8")

    def update(self):
        """Fetches the release's package lists; a few seconds at most."""
        for sub in ("state/lists/partial", "cache/none/partial", "etc/preferences.d"):
            (self._apt / sub).mkdir(parents=True, exist_ok=True)
        (self.debs / "partial").mkdir(parents=True, exist_ok=True)
        self._write("apt.conf", self._configuration())
        self._write("etc/sources.list", "".join(_sources(self.release)))
        self._write("status", "")
        _run(["apt-get", "-qq", "update"], env=self._env)

    def version(self, package):
        """The newest version of `package` in this release, or None."""
        listed = _output(["apt-cache", "madison", package], env=self._env, check=False)
        versions = [line.split("|")[1].strip() for line in listed.splitlines() if "|" in line]
        newest = None
        for version in versions:
            if newest is None or later(version, newest):
                newest = version
        return newest

    def resolve(self, packages, assumed=()):
        """Names the .deb files of `packages` and all they depend on, and fetches them.

        `assumed` packages count as installed, and so do not appear: what a lower layer has already,
        and what a container or a daemon never uses. Returns (names, paths).
        """
        self._write("status", self._status(assumed))
        suffix = "/experimental" if self.release == "experimental" else ""
        install = ["apt-get", "-qq", "-y", "--no-install-recommends", "-o", "Debug::NoLocking=true"]
        wanted = [p + suffix for p in packages]
        # What lies in apt's archive folder already would not be printed, hence another one.
        nothing = ["-o", f"Dir::Cache::archives={self._apt}/cache/none"]
        plan = _output(install + nothing + ["--print-uris", "install"] + wanted, env=self._env)
        files = [line.split()[1] for line in plan.splitlines() if line.startswith("'")]
        if not all((self.debs / f).exists() for f in files):
            _run(install + ["--download-only", "install"] + wanted, env=self._env)
        return [f.split("_")[0] for f in files], [self.debs / f for f in files]

    def _configuration(self):
        # Release files carry an expiry date; a test machine's clock may be anywhere.
        return _output(["apt-config", "dump", "Acquire"]) + (
            f'Dir::Etc "{self._apt}/etc"; Dir::Etc::main "/dev/null"; Dir::Etc::parts "/dev/null";\n'
            f'Dir::Etc::sourceparts "/dev/null"; Dir::State "{self._apt}/state";\n'
            f'Dir::State::status "{self._apt}/status"; Dir::Cache "{self._apt}/cache";\n'
            f'Dir::Cache::archives "{self.debs}"; Acquire::Languages "none";\n'
            'Acquire::Check-Valid-Until "false"; Acquire::Check-Date "false";\n'
            'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";\n'
            'APT::Sandbox::User "root"; APT::Install-Recommends "false";\n'
        )

    def _status(self, assumed):
        """A dpkg status file in which the `assumed` packages are installed and need nothing."""
        if not assumed:
            return ""
        shown = _output(
            ["apt-cache", "show", "--no-all-versions", *sorted(assumed)], env=self._env, check=False
        )
        keep = ("Package", "Version", "Architecture", "Multi-Arch", "Provides")
        stanzas = []
        for stanza in shown.split("\n\n"):
            lines = [line for line in stanza.splitlines() if line.split(":")[0] in keep]
            if lines:
                lines[1:1] = ["Status: install ok installed", "Maintainer: none", "Description: none"]
                stanzas.append("\n".join(lines) + "\n")
        return "\n".join(stanzas)

    def _write(self, name, text):
        (self._apt / name).write_text(text)


def later(version, other):
    return subprocess.call(["dpkg", "--compare-versions", version, "gt", other]) == 0


def unpack(debs, folder):
    """Unpacks .deb files over one another into `folder`, a tree with merged /usr."""
    (folder / "usr").mkdir(parents=True)
    for name in MERGED[:4]:
        (folder / "usr" / name).mkdir()
        (folder / name).symlink_to("usr/" + name)
    for deb in debs:
        # --keep-directory-symlink: packages that still ship /bin/x must not replace the link /bin.
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as packed:
            _run(["tar", "-x", "--keep-directory-symlink", "-C", folder], stdin=packed.stdout)
        if packed.returncode:
            raise PackageError(f"dpkg-deb could not unpack `{deb}`")


def members(debs, drop=None):
    """Yields the (TarInfo, bytes or None) of .deb files, renamed for merged /usr, documentation left out."""
    drop = re.compile(drop) if drop else None
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for data in pool.map(lambda deb: _bytes(["dpkg-deb", "--fsys-tarfile", deb]), debs):
            for member in tarfile.open(fileobj=io.BytesIO(data), mode="r:"):
                name = _merged(member.name)
                if name in ("", ".", *MERGED) or UNWANTED.match(name) or (drop and drop.match(name)):
                    continue
                member.name = name
                if member.islnk():
                    member.linkname = _merged(member.linkname)
                start = member.offset_data
                yield member, data[start : start + member.size] if member.isreg() else None


def _merged(name):
    name = name.removeprefix("./").rstrip("/")
    top = name.split("/")[0]
    return "usr/" + name if top in MERGED and name != top else name


def _sources(release):
    """The sources.list lines of `release`, at the mirrors that the machine's own apt uses."""
    main = os.environ.get("LONGSHORE_TEST_DEBIAN_MIRROR")
    security = None
    sites = _output(["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"], check=False)
    for site in sorted(set(sites.split())):
        site = site.rstrip("/")
        if site.endswith("debian-security"):
            security = security or site
        elif site.endswith("/debian"):
            main = main or site
    if not main:
        raise PackageError("apt names no Debian mirror; set LONGSHORE_TEST_DEBIAN_MIRROR to one")
    suites = [(main, release)]
    if release == "experimental":  # an addition to unstable, not a release of its own
        suites.append((main, "unstable"))
    if release not in MOVING:
        suites.append((main, release + "-updates"))
        if security:
            suites.append((security, release + "-security"))
    for site, suite in suites:
        yield f"deb [signed-by={KEYRING}] {site} {suite} main\n"


def _run(command, **options):
    # close_fds: the cache's lock goes on to the program, see `cache.py`.
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, close_fds=False, **options
    )
    if done.returncode:
        raise PackageError(f"`{' '.join(map(str, command[:6]))} ...` failed:\n{done.stdout.strip()}")


def _output(command, env=None, check=True):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    if check and done.returncode:
        raise PackageError(f"`{' '.join(map(str, command[:6]))} ...` failed:\n{done.stderr.strip()}")
    return done.stdout


def _bytes(command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
