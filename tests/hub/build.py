"""Builds the stand-in for Docker Hub: the images of images.toml, in the storage format of docker-registry.

No daemon and no chroot is needed: a layer is a tar of unpacked packages, an image is JSON about layers,
and the registry's storage is blobs in folders named after their digests, with `link` files for
repositories and tags (distribution, registry/storage/paths.go).
"""

import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cache
import debian

HERE = Path(__file__).resolve().parent
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
# Image and layer bytes depend on what is in them, not on when they were made.
EPOCH = "1970-01-01T00:00:00Z"
GO_ARCHITECTURES = {"armhf": "arm", "i386": "386", "ppc64el": "ppc64le"}


def hub():
    """The cache entry with the hub: `storage` (the registry's) and `bin/docker-registry`."""
    sources = (HERE / "build.py", HERE / "debian.py", HERE / "images.toml", HERE / "files")
    return cache.entry("hub", cache.key(*sources, debian.architecture()), build)


def build(folder):
    wanted = tomllib.loads((HERE / "images.toml").read_text())
    archive, newer = (debian.Archive(cache.root() / "debian", wanted[name]) for name in ("release", "newer"))
    archive.update()
    newer.update()
    registry_program(archive, folder)
    storage = Storage(folder / "storage")
    layers = build_layers(archive, newer, wanted["layers"], storage)
    for image in wanted["images"].values():
        add_image(storage, image, [layers[name] for name in image["layers"]])


def registry_program(archive, folder):
    _, debs = archive.resolve(["docker-registry"], assumed=["libc6", "adduser", "init-system-helpers"])
    debian.unpack([deb for deb in debs if deb.name.startswith("docker-registry_")], folder / "package")
    (folder / "bin").mkdir()
    (folder / "package/usr/bin/docker-registry").rename(folder / "bin/docker-registry")


def build_layers(archive, newer, wanted, storage):
    """Resolves one layer after another (apt is quick), then packs them side by side (gzip is not)."""
    names, jobs = {}, {}
    for name, layer in wanted.items():
        below = names.get(layer.get("on"), []) + wanted.get(layer.get("on"), {}).get("omit", [])
        release = newer if layer.get("newer") else archive
        names[name], debs = release.resolve(layer["packages"], below + layer.get("omit", []))
        jobs[name] = (name, layer, debs)
    with ThreadPoolExecutor() as pool:
        packed = pool.map(lambda job: storage.layer(pack(*job)), jobs.values())
        return dict(zip(jobs, packed))


def pack(name, layer, debs):
    """The tar of one layer. A path occurs in it once: engines refuse a layer that repeats one."""
    entries = {}

    def add(kind, path, mode, uid=0, **fields):
        member = tarfile.TarInfo(path.lstrip("/"))
        member.type, member.mode, member.uid, member.gid = kind, mode, uid, uid
        body = fields.pop("body", None)
        member.size = len(body or b"")
        for field, value in fields.items():
            setattr(member, field, value)
        entries[member.name] = (member, body)

    if "on" not in layer:
        for link in debian.MERGED[:4] if "applets_of" not in layer else ():
            add(tarfile.SYMTYPE, link, 0o777, linkname="usr/" + link)
        add(tarfile.DIRTYPE, "usr/lib64", 0o755)
    for member, body in debian.members(debs, layer.get("drop")):
        member.mtime = 0
        entries[member.name] = (member, body)
    if "applets_of" in layer:
        entries = only_busybox(entries, layer["applets_of"], add)
    for path, text in layer.get("directories", {}).items():
        mode, uid = text.split()
        add(tarfile.DIRTYPE, path, int(mode, 8), int(uid))
    for path, target in layer.get("links", {}).items():
        add(tarfile.SYMTYPE, path, 0o777, linkname=target)
    for file in sorted((HERE / "files" / name).rglob("*")):
        path = str(file.relative_to(HERE / "files" / name))
        if file.is_file():
            mode = 0o755 if file.stat().st_mode & 0o100 else 0o644
            add(tarfile.REGTYPE, path, mode, body=file.read_bytes())
        elif path not in entries:
            add(tarfile.DIRTYPE, path, 0o755)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for member, body in entries.values():
            tar.addfile(member, io.BytesIO(body) if body is not None else None)
    return out.getvalue()


def only_busybox(entries, program, add):
    """Leaves `program` of the package, as /bin/busybox, and gives it the names of all its applets."""
    member, body = entries[program]
    entries.clear()
    add(tarfile.DIRTYPE, "bin", 0o755)
    add(tarfile.REGTYPE, "bin/busybox", 0o755, body=body)
    for applet in applets(body):
        if applet != "busybox":
            add(tarfile.LNKTYPE, "bin/" + applet, 0o755, linkname="bin/busybox")
    # "#!/usr/bin/env" is what scripts say.
    add(tarfile.DIRTYPE, "usr", 0o755)
    add(tarfile.DIRTYPE, "usr/bin", 0o755)
    add(tarfile.SYMTYPE, "usr/bin/env", 0o777, linkname="/bin/env")
    return entries


def applets(program):
    """Asks the (static) program itself, which runs on this machine as it does in a container."""
    descriptor = os.memfd_create("busybox", 0)
    try:
        os.write(descriptor, program)
        listed = subprocess.run(
            ["busybox", "--list"], executable=f"/proc/self/fd/{descriptor}", pass_fds=[descriptor],
            stdout=subprocess.PIPE, text=True, check=True,
        )
    finally:
        os.close(descriptor)
    return listed.stdout.split()


def add_image(storage, image, layers):
    config = {
        "architecture": go_architecture(), "os": "linux", "created": EPOCH, "config": image["config"],
        "rootfs": {"type": "layers", "diff_ids": [layer["diff_id"] for layer in layers]},
        "history": [{"created": EPOCH, "created_by": "tests/hub"} for _ in layers],
    }
    config = json.dumps(config, sort_keys=True).encode()
    manifest = {
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "size": len(config), "digest": storage.blob(config)},
        "layers": [layer["descriptor"] for layer in layers],
    }
    manifest = json.dumps(manifest, indent=3).encode()
    blobs = [layer["descriptor"]["digest"] for layer in layers]
    for tag in image["tags"]:
        storage.tag(tag, manifest, [sha256(config), *blobs])


class Storage:
    """The file-system storage of docker-registry."""

    def __init__(self, folder):
        self._v2 = folder / "docker/registry/v2"

    def layer(self, tar):
        packed = gzip.compress(tar, compresslevel=3, mtime=0)
        descriptor = {"mediaType": LAYER, "size": len(packed), "digest": self.blob(packed)}
        return {"diff_id": sha256(tar), "descriptor": descriptor}

    def blob(self, data):
        digest = sha256(data)
        hexadecimal = digest.removeprefix("sha256:")
        self._write(f"blobs/sha256/{hexadecimal[:2]}/{hexadecimal}/data", data)
        return digest

    def tag(self, reference, manifest, blobs):
        name, tag = reference.split(":")
        host, _, path = name.partition("/")
        if "." in host:
            name = path
        elif not path:
            name = f"library/{name}"
        repository = f"repositories/{name}"
        revision = self.blob(manifest)
        for blob in blobs:
            self._link(f"{repository}/_layers", blob)
        self._link(f"{repository}/_manifests/revisions", revision)
        self._link(f"{repository}/_manifests/tags/{tag}/index", revision)
        self._write(f"{repository}/_manifests/tags/{tag}/current/link", revision.encode())

    def _link(self, folder, digest):
        self._write(f"{folder}/{digest.replace(':', '/')}/link", digest.encode())

    def _write(self, path, data):
        (self._v2 / path).parent.mkdir(parents=True, exist_ok=True)
        (self._v2 / path).write_bytes(data)


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def go_architecture():
    name = debian.architecture()
    return GO_ARCHITECTURES.get(name, name)


if __name__ == "__main__":
    print(hub())
