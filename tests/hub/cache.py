"""The test cache: things that take seconds to build, kept between runs.

Safe when two runs build at once (one lock) and when a run was killed (an entry is built beside its
place and renamed into it when it is complete).
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from pathlib import Path

# An entry that no run has used for so long is removed when another is built.
UNUSED_SECONDS = 7 * 24 * 3600


def root():
    """`$LONGSHORE_TEST_CACHE`, else `longshore-tests` in the user's cache folder."""
    named = os.environ.get("LONGSHORE_TEST_CACHE")
    if named:
        return Path(named).resolve()
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home).resolve() / "longshore-tests"


def key(*parts):
    """A short name for `parts`: strings, or paths whose contents count (folders: all files in them)."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            for file in sorted(part.rglob("*")) if part.is_dir() else [part]:
                if file.is_file() and "__pycache__" not in file.parts:
                    mode = file.stat().st_mode & 0o111
                    digest.update(f"{file.relative_to(part.parent)} {mode} ".encode())
                    digest.update(hashlib.sha256(file.read_bytes()).digest())
        else:
            digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def entry(kind, name, build):
    """The folder `kind/name` of the cache; when it is absent, `build(folder)` fills it first."""
    place = root() / kind / name
    if place.exists():
        os.utime(place)  # in use: not to be removed soon
        return place
    with _locked():
        if place.exists():  # built while we waited for the lock
            return place
        place.parent.mkdir(parents=True, exist_ok=True)
        for old in place.parent.iterdir():
            if old.suffix == ".partial" or old.stat().st_mtime < time.time() - UNUSED_SECONDS:
                shutil.rmtree(old)
        partial = place.with_name(name + ".partial")
        partial.mkdir()
        build(partial)
        os.utime(partial)
        partial.rename(place)
    return place


@contextlib.contextmanager
def _locked():
    root().mkdir(parents=True, exist_ok=True)
    with open(root() / "lock", "w") as lock:
        # Inherited by the programs that build (`debian.py`), so that the lock is held until they have ended,
        # too, if we are killed.
        os.set_inheritable(lock.fileno(), True)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
