"""Make the images that every scenario starts with, as one archive for `docker load`.

The layout is that of the official busybox image: every applet is a hard link in /bin.
Times are fixed, so the same busybox binary always gives the same image ids.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

_CREATED = {"busybox:latest": "2023-05-18T22:34:17Z", "alpine:latest": "2023-05-09T23:11:10Z"}
_MTIME = 1684449257
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_PASSWD = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
"""
_GROUP = """\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
lp:x:7:
mail:x:8:
kmem:x:9:
wheel:x:10:root
cdrom:x:11:
dialout:x:18:
floppy:x:19:
video:x:28:
audio:x:29:
tape:x:32:
www-data:x:33:
operator:x:37:
utmp:x:43:
plugdev:x:46:
staff:x:50:
lock:x:54:
netdev:x:82:
users:x:100:
nobody:x:65534:
"""
_SHADOW = "".join(f"{line.split(':')[0]}:*:::::::\n" for line in _PASSWD.splitlines())
_OS_RELEASE = """\
NAME="Alpine Linux"
ID=alpine
VERSION_ID=3.18.0
PRETTY_NAME="Alpine Linux v3.18"
"""

# Directories with their modes, and files.
_DIRECTORIES = {
    "bin": 0o755,
    "dev": 0o755,
    "etc": 0o755,
    "home": 0o755,
    "root": 0o700,
    "tmp": 0o1777,
    "usr": 0o755,
    "usr/bin": 0o755,
    "usr/sbin": 0o755,
    "var": 0o755,
    "var/spool": 0o755,
    "var/spool/mail": 0o755,
    "var/www": 0o755,
}
_FILES = {"etc/group": _GROUP, "etc/passwd": _PASSWD, "etc/shadow": _SHADOW}


def build(busybox: Path, archive: Path) -> None:
    """Write busybox:latest and alpine:latest into `archive`."""
    alpine_files = {
        "etc/alpine-release": "3.18.0\n",
        "etc/os-release": _OS_RELEASE,
    }
    with tarfile.open(archive, "w") as tar:
        manifest = [
            _add_image(tar, "busybox:latest", _layer(busybox, _FILES), "sh"),
            _add_image(tar, "alpine:latest", _layer(busybox, _FILES | alpine_files), "/bin/sh"),
        ]
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def _layer(busybox: Path, files: dict[str, str]) -> bytes:
    applets = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, mode in _DIRECTORIES.items():
            entry = _entry(f"{name}/", mode)
            entry.type = tarfile.DIRTYPE
            tar.addfile(entry)
        _add(tar, "bin/busybox", busybox.read_bytes(), 0o755)
        for applet in sorted(set(applets) - {"busybox"}):
            entry = _entry(f"bin/{applet}", 0o755)
            entry.type = tarfile.LNKTYPE
            entry.linkname = "bin/busybox"
            tar.addfile(entry)
        entry = _entry("usr/bin/env", 0o755)
        entry.type = tarfile.LNKTYPE
        entry.linkname = "bin/busybox"
        tar.addfile(entry)
        for name, text in sorted(files.items()):
            _add(tar, name, text.encode(), 0o640 if name == "etc/shadow" else 0o644)
    return buffer.getvalue()


def _add_image(tar: tarfile.TarFile, tag: str, layer: bytes, command: str) -> dict[str, object]:
    digest = hashlib.sha256(layer).hexdigest()
    created = _CREATED[tag]
    created_by = f"/bin/sh -c #(nop) ADD file:{digest} in / "
    config = json.dumps(
        {
            "architecture": "amd64",
            "config": {"Env": [_PATH], "Cmd": [command]},
            "created": created,
            "history": [
                {"created": created, "created_by": created_by},
                {
                    "created": created,
                    "created_by": f'/bin/sh -c #(nop)  CMD ["{command}"]',
                    "empty_layer": True,
                },
            ],
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    layer_name = f"{digest}/layer.tar"
    _add(tar, config_name, config)
    _add(tar, layer_name, layer)
    return {"Config": config_name, "RepoTags": [tag], "Layers": [layer_name]}


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = _entry(name, mode)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _entry(name: str, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode = mode
    entry.mtime = _MTIME
    return entry
