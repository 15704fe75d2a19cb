"""Archives that are wrong, or odd, in one way each, as tools with bugs make them and people with intent.

`TREES` are files for `docker import`, `docker cp`, `ADD` and build contexts, `IMAGES` archives for
`docker load`. Each is a pure function of this file, so that a real engine and the simulator get the same bytes.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

END = bytes(1024)
MTIME = 1684449257
BLOCK = tarfile.BLOCKSIZE
TEXT = b"some text\n"
FAR = 10 << 30  # what a lying header says that follows


def entry(name: str | bytes, data: bytes = b"", *, size: int | None = None, **fields: Any) -> bytes:
    """One entry; `size` is what its header says, if that is a lie. A directory's name ends in a slash."""
    text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    info = tarfile.TarInfo(text)
    info.mode, info.mtime = (0o755 if text.endswith("/") else 0o644), MTIME
    info.type = tarfile.DIRTYPE if text.endswith("/") else tarfile.REGTYPE
    for key, value in fields.items():
        setattr(info, key, value)
    info.size = len(data) if size is None else size
    header = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    if text.endswith("//"):  # tarfile would take the slashes away
        header = patched(header, 0, text.encode())
    return header + data + bytes(-len(data) % BLOCK)


def link(name: str, target: str, type: bytes = tarfile.SYMTYPE, **fields: Any) -> bytes:
    """A symbolic link (or a hard one)."""
    return entry(name, type=type, linkname=target, **fields)


def hard(name: str, target: str, **fields: Any) -> bytes:
    """A hard link."""
    return link(name, target, tarfile.LNKTYPE, **fields)


def device(name: str, type: bytes, major: int = 1, minor: int = 3) -> bytes:
    """A device."""
    return entry(name, type=type, devmajor=major, devminor=minor)


def patched(header: bytes, at: int, field: bytes, *, checksum: bool = True) -> bytes:
    """A header with other bytes at an offset, and the checksum that belongs to them."""
    header = header[:at] + field + header[at + len(field) :]
    if not checksum:
        return header
    total = sum(header[:148]) + sum(header[156:BLOCK]) + 8 * 32
    return header[:148] + b"%06o\0 " % total + header[156:]


def pax(records: Mapping[str, str] | bytes, type: bytes = tarfile.XHDTYPE) -> bytes:
    """An extended header."""
    if not isinstance(records, bytes):
        records = b"".join(_record(key, value) for key, value in records.items())
    return entry("PaxHeaders.0/x", records, type=type)


def _record(key: str, value: str) -> bytes:
    rest = f" {key}={value}\n".encode()
    size = len(rest) + len(str(len(rest)))
    size = len(rest) + len(str(size))
    return str(size).encode() + rest


def tar(*entries: bytes) -> bytes:
    """An archive of entries."""
    return b"".join(entries) + END


GOOD = tar(entry("d/"), entry("d/f", TEXT), link("l", "d/f"), entry("last", TEXT))

_FILE = entry("f", TEXT)
_LONG = "n" * 300

TREES: dict[str, bytes] = {
    "good": GOOD,
    # where names lead
    "dotdot": tar(entry("../dotdot", TEXT)),
    "dotdot inside": tar(entry("a/../../dotdot", TEXT)),
    "dotdot that stays": tar(entry("a/../stays", TEXT)),
    "only dotdot": tar(entry("../")),
    "absolute": tar(entry("/absolute", TEXT)),
    "absolute dotdot": tar(entry("/../../absolute", TEXT)),
    "slashes": tar(entry("a//b///c", TEXT), entry("./x/./y", TEXT)),
    "empty name": tar(patched(_FILE[:BLOCK], 0, bytes(100)) + _FILE[BLOCK:]),
    "dot": tar(entry("./", mode=0o700, uid=5), entry("f", TEXT)),
    "dot file": tar(entry(".", TEXT)),
    "root": tar(patched(entry("x/")[:BLOCK], 0, b"/\0")),
    "newline": tar(entry("new\nline", TEXT)),
    "bad utf-8": tar(entry(b"bad\xff\xfeutf8", TEXT), entry(b"\xc3\xa9", TEXT)),
    "backslash": tar(entry("a\\b", TEXT), entry("c:d", TEXT)),
    "long component": tar(entry(_LONG, TEXT)),
    "long path": tar(pax({"path": "/".join(["directory"] * 500)}), _FILE),
    "deep": tar(entry("/".join("abcdefghij" * 20) + "/f", TEXT)),
    # links
    "symlink out": tar(link("l", "/etc"), entry("l/through", TEXT)),
    "symlink up": tar(link("l", "../../.."), entry("l/through", TEXT)),
    "symlink up below": tar(entry("d/"), link("d/l", ".."), entry("d/l/through", TEXT)),
    "symlink far up": tar(link("d/e/l", "../../../../x")),
    "symlink chain": tar(link("a", "b"), link("b", "c"), link("c", "d"), entry("d/"), entry("a/through", TEXT)),
    "symlink loop": tar(link("a", "b"), link("b", "a"), entry("a/through", TEXT)),
    "symlink to itself": tar(link("a", "a"), entry("a", TEXT)),
    "symlink without a target": tar(link("l", "")),
    "symlink with data": tar(link("l", "x", size=10) + TEXT + bytes(BLOCK - len(TEXT)), _FILE),
    "symlink replaced": tar(link("l", "/etc/passwd"), entry("l", TEXT)),
    "symlink to a directory replaced": tar(entry("d/"), link("l", "d"), entry("l/"), entry("l/f", TEXT)),
    "hard link": tar(_FILE, hard("h", "f")),
    "hard link to nothing": tar(hard("h", "nosuch")),
    "hard link before its target": tar(hard("h", "f"), _FILE),
    "hard link up": tar(hard("h", "../../etc/passwd")),
    "hard link absolute": tar(_FILE, hard("h", "/f")),
    "hard link to itself": tar(hard("h", "h")),
    "hard link over itself": tar(_FILE, hard("f", "f")),
    "hard link to a directory": tar(entry("d/"), hard("h", "d")),
    "hard link to a symlink": tar(link("l", "/etc/passwd"), hard("h", "l")),
    "hard link through a symlink": tar(link("l", "/etc"), hard("h", "l/passwd")),
    "hard link with data": tar(_FILE, hard("h", "f", size=10) + TEXT + bytes(BLOCK - len(TEXT)), entry("g", TEXT)),
    # what is not a file
    "devices": tar(device("c", tarfile.CHRTYPE), device("b", tarfile.BLKTYPE, 8, 0), entry("p", type=tarfile.FIFOTYPE)),
    "device of large numbers": tar(device("c", tarfile.CHRTYPE, 300, 70000)),
    "unknown type": tar(entry("f", type=b"Z")),
    "unknown type with data": tar(entry("f", TEXT, type=b"Z"), entry("g", TEXT)),
    "volume label": tar(entry("label", type=b"V"), _FILE),
    "contiguous": tar(entry("f", TEXT, type=tarfile.CONTTYPE)),
    "old file": tar(entry("f", TEXT, type=tarfile.AREGTYPE)),
    "old directory": tar(patched(entry("d/")[:BLOCK], 156, b"\0")),
    "directory with size": tar(entry("d/", size=10), _FILE),
    # the same name again
    "twice": tar(entry("f", b"one\n"), entry("f", b"two\n")),
    "file then directory": tar(_FILE, entry("f/"), entry("f/g", TEXT)),
    "directory then file": tar(entry("d/"), entry("d", TEXT)),
    "full directory then file": tar(entry("d/"), entry("d/f", TEXT), entry("d", TEXT)),
    "file then below it": tar(_FILE, entry("f/g", TEXT)),
    "directory then symlink": tar(entry("d/"), entry("d/f", TEXT), link("d", "/etc")),
    "file twice as link": tar(_FILE, hard("h", "f"), entry("h", b"two\n")),
    # sizes
    "claims 10 GiB": tar(entry("f", TEXT, size=FAR)),
    "claims 8 EiB": tar(entry("f", TEXT, size=(1 << 63) - 1)),
    "claims less than nothing": tar(patched(_FILE[:BLOCK], 124, b"\xff" * 12) + _FILE[BLOCK:]),
    "claims text": tar(patched(_FILE[:BLOCK], 124, b"lots\0\0\0\0\0\0\0\0") + _FILE[BLOCK:]),
    "claims a little more": tar(entry("f", TEXT, size=BLOCK + 1), entry("g", TEXT)),
    "claims less": tar(entry("f", TEXT, size=4), entry("g", TEXT)),
    "claims nothing": tar(entry("f", TEXT, size=0), entry("g", TEXT)),
    # headers
    "bad checksum": tar(patched(_FILE[:BLOCK], 0, b"g", checksum=False) + _FILE[BLOCK:]),
    "second bad checksum": tar(_FILE, patched(_FILE[:BLOCK], 0, b"g", checksum=False) + _FILE[BLOCK:]),
    "bad mode": tar(patched(_FILE[:BLOCK], 100, b"rwxrwxrw") + _FILE[BLOCK:]),
    "set-user-id": tar(entry("f", TEXT, mode=0o6755), entry("d/", mode=0o1777)),
    "mode of everything": tar(entry("f", TEXT, mode=0o7777777)),
    "large owner": tar(entry("f", TEXT, uid=70000, gid=1 << 31)),
    "owner beyond 32 bits": tar(entry("f", TEXT, uid=(1 << 32) + 5)),
    "before 1970": tar(entry("f", TEXT, mtime=-1)),
    "year 30000": tar(entry("f", TEXT, mtime=900000000000)),
    "garbage": b"\xff" * 1024,
    "short garbage": b"garbage\n",
    "block of text": b"garbage\n" * 64,
    "garbage after the first": _FILE + b"\xff" * BLOCK,
    "zeros": bytes(4096),
    "few zeros": bytes(100),
    "empty": b"",
    "no end": _FILE,
    "half an end": _FILE + bytes(BLOCK),
    "zeros within": tar(_FILE + bytes(BLOCK), entry("g", TEXT)),
    "garbage after the end": GOOD + b"garbage",
    "two archives": GOOD + tar(entry("second", TEXT)),
    # extended headers
    "pax path": tar(pax({"path": "pax-name"}), _FILE),
    "pax path up": tar(pax({"path": "../../pax-name"}), _FILE),
    "pax size": tar(pax({"size": str(FAR)}), _FILE),
    "pax smaller size": tar(pax({"size": "4"}), _FILE),
    "pax bad size": tar(pax({"size": "lots"}), _FILE),
    "pax negative size": tar(pax({"size": "-5"}), _FILE),
    "pax bad time": tar(pax({"mtime": "yesterday"}), _FILE),
    "pax exact time": tar(pax({"mtime": "1684449257.123456789"}), _FILE),
    "pax bad owner": tar(pax({"uid": "me"}), _FILE),
    "pax attribute": tar(pax({"SCHILY.xattr.user.note": "x", "SCHILY.xattr.security.capability": "bad"}), _FILE),
    "pax bad length": tar(pax(b"99 path=x\n"), _FILE),
    "pax no length": tar(pax(b"path=x\n"), _FILE),
    "pax no equals": tar(pax(b"9 path x\n"), _FILE),
    "pax NUL": tar(pax(b"12 path=a\0b\n"), _FILE),
    "pax empty path": tar(pax({"path": ""}), _FILE),
    "pax link": tar(pax({"linkpath": "/etc/passwd"}), link("l", "x")),
    "pax claims 10 GiB": tar(entry("x", b"9 path=x\n", type=tarfile.XHDTYPE, size=FAR), _FILE),
    "pax alone": tar(pax({"path": "x"})),
    "pax twice": tar(pax({"path": "one"}), pax({"path": "two"}), _FILE),
    "pax for all": tar(pax({"path": "all", "comment": "c"}, tarfile.XGLTYPE), _FILE),
    "pax sparse": tar(pax({"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "x"}), _FILE),
    "gnu long name": tar(entry("long/" * 40 + "f", TEXT)),
    "gnu long name cut": tar(entry("././@LongLink", b"x" * 20, type=tarfile.GNUTYPE_LONGNAME, size=4000), _FILE),
    "gnu long name alone": tar(entry("././@LongLink", b"x" * 200, type=tarfile.GNUTYPE_LONGNAME)),
    "gnu long link": tar(link("l", "t" * 300)),
    "gnu sparse": tar(entry("f", TEXT, type=tarfile.GNUTYPE_SPARSE)),
    # what layers say is gone
    "whiteout": tar(entry(".wh.gone"), entry("d/"), entry("d/.wh.gone")),
    "whiteout of what is there": tar(_FILE, entry(".wh.f")),
    "opaque": tar(entry("d/"), entry("d/.wh..wh..opq"), entry("d/f", TEXT)),
    "whiteout of nothing": tar(entry(".wh.")),
    "whiteout of dot": tar(entry("d/"), entry("d/.wh..")),
    "whiteout of dotdot": tar(entry("d/"), entry("d/.wh...")),
    "whiteout metadata": tar(entry(".wh..wh.plnk/"), entry(".wh..wh.aufs", TEXT), _FILE),
    "whiteout as a directory": tar(entry(".wh.d/"), entry(".wh.d/f", TEXT)),
    # compression
    "gzip": gzip.compress(GOOD, mtime=0),
    "gzip cut": gzip.compress(GOOD, mtime=0)[:60],
    "gzip without its end": gzip.compress(GOOD, mtime=0)[:-8],
    "gzip bad checksum": gzip.compress(GOOD, mtime=0)[:-8] + b"\xff" * 8,
    "gzip header alone": b"\x1f\x8b\x08",
    "gzip garbage": b"\x1f\x8b\x08" + b"\xff" * 100,
    "gzip then garbage": gzip.compress(GOOD, mtime=0) + b"garbage",
    "gzip twice over": gzip.compress(gzip.compress(GOOD, mtime=0), mtime=0),
    "gzip in two": gzip.compress(GOOD[:1000], mtime=0) + gzip.compress(GOOD[1000:], mtime=0),
    "gzip of nothing": gzip.compress(b"", mtime=0),
    "gzip of garbage": gzip.compress(b"garbage\n" * 100, mtime=0),
    "bzip2": bz2.compress(GOOD),
    "bzip2 cut": bz2.compress(GOOD)[:60],
    "xz": lzma.compress(GOOD),
    "xz cut": lzma.compress(GOOD)[:60],
    "zstd": b"\x28\xb5\x2f\xfd" + b"\xff" * 100,
}  # fmt: skip
TREES |= {
    f"cut at {size}": GOOD[:size] for size in (1, 100, 511, 512, 513, 1023, 1024, 1030, 1535, 1536, 2047, 2048, 2600)
}


# -- images ----------------------------------------------------------------------------------------

LAYER = tar(entry("etc/"), entry("etc/motd", TEXT))
SECOND = tar(entry("etc/"), entry("etc/second", TEXT))
Json = Any


def digest(data: bytes) -> str:
    """`sha256:…`"""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def config(*layers: bytes, **changes: Json) -> dict[str, Json]:
    """An image's configuration."""
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": "2023-05-18T22:34:17Z",
        "config": {"Cmd": ["true"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
        "history": [{"created": "2023-05-18T22:34:17Z", "created_by": "x"} for _ in layers],
        **changes,
    }


def image(
    *layers: bytes,
    document: Json | bytes = None,
    manifest: Json | bytes = None,
    extra: Sequence[bytes] = (),
    drop: str = "",
    **item: Json,
) -> bytes:
    """An archive as `docker save` writes it, with one thing or another in another's place."""
    if not isinstance(document, bytes):
        document = json.dumps(config(*layers) if document is None else document).encode()
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    if manifest is None:
        manifest = [{"Config": "config.json", "RepoTags": ["bad:1"], "Layers": names, **item}]
    if not isinstance(manifest, bytes):
        manifest = json.dumps(manifest).encode()
    files = dict(zip(names, layers, strict=True)) | {"config.json": document, "manifest.json": manifest}
    return tar(*(entry(name, data) for name, data in files.items() if name != drop), *extra)


def _rootfs(**changes: Json) -> Json:
    return config(LAYER, rootfs={"type": "layers", "diff_ids": [digest(LAYER)], **changes})


def _listed(**changes: Json) -> bytes:
    """An image whose manifest has other values, or lacks them (None)."""
    item = {"Config": "config.json", "RepoTags": ["bad:1"], "Layers": ["0/layer.tar"], **changes}
    return image(LAYER, manifest=[{key: value for key, value in item.items() if value is not None}])


_WHOLE = image(LAYER)
_CONFIGURED = config(LAYER)

IMAGES: dict[str, bytes] = {
    "good": _WHOLE,
    "two layers": image(LAYER, SECOND),
    "no layers": image(),
    # manifest.json
    "no manifest": image(LAYER, drop="manifest.json"),
    "empty archive": tar(),
    "only a file": tar(_FILE),
    "manifest in a directory": tar(entry("x/"), entry("x/manifest.json", b"[]")),
    "manifest empty": image(LAYER, manifest=b""),
    "manifest not JSON": image(LAYER, manifest=b"manifest"),
    "manifest cut": image(LAYER, manifest=b'[{"Config": "conf'),
    "manifest null": image(LAYER, manifest=b"null"),
    "manifest object": image(LAYER, manifest={}),
    "manifest string": image(LAYER, manifest=b'"x"'),
    "manifest number": image(LAYER, manifest=b"7"),
    "manifest empty list": image(LAYER, manifest=b"[]"),
    "manifest of null": image(LAYER, manifest=b"[null]"),
    "manifest of numbers": image(LAYER, manifest=b"[1]"),
    "manifest of lists": image(LAYER, manifest=b"[[]]"),
    "manifest of strings": image(LAYER, manifest=b'["x"]'),
    "manifest then garbage": image(LAYER, manifest=b'[{"Config":"config.json","Layers":["0/layer.tar"]}] x'),
    "manifest with a BOM": image(LAYER, manifest=b"\xef\xbb\xbf[]"),
    "manifest bad utf-8": image(LAYER, manifest=b'[{"Config":"\xff","Layers":["0/layer.tar"]}]'),
    "manifest in other case": image(LAYER, manifest=b'[{"config":"config.json","LAYERS":["0/layer.tar"]}]'),
    "manifest with a key twice": image(
        LAYER, manifest=b'[{"Config":"x","Config":"config.json","Layers":["0/layer.tar"]}]'),
    "manifest nested deep": image(LAYER, manifest=b"[" * 20000),
    "manifest a directory": tar(entry("manifest.json/")),
    "manifest a symlink out": tar(link("manifest.json", "/etc/passwd")),
    "manifest a symlink up": tar(link("manifest.json", "../../../etc/passwd")),
    "manifest a symlink": image(LAYER, drop="manifest.json", extra=[
        entry("real", b'[{"Config":"config.json","Layers":["0/layer.tar"]}]'), link("manifest.json", "real")]),
    "manifest twice": image(LAYER, manifest=b"x", extra=[
        entry("manifest.json", b'[{"Config":"config.json","Layers":["0/layer.tar"]}]')]),
    "an image twice": image(LAYER, manifest=[{"Config": "config.json", "Layers": ["0/layer.tar"]}] * 2),
    "second image bad": image(LAYER, manifest=[
        {"Config": "config.json", "RepoTags": ["fine:1"], "Layers": ["0/layer.tar"]}, {"Config": "nosuch"}]),
    # what it says
    "Config missing": _listed(Config=None),
    "Config empty": _listed(Config=""),
    "Config a number": _listed(Config=7),
    "Config a list": _listed(Config=[]),
    "Config not there": _listed(Config="nosuch.json"),
    "Config a directory": _listed(Config="0"),
    "Config up": _listed(Config="../../../../etc/passwd"),
    "Config absolute": _listed(Config="/etc/passwd"),
    "Config absolute inside": _listed(Config="/config.json"),
    "Config through a symlink out": image(LAYER, extra=[link("c", "/etc")], Config="c/passwd"),
    "Config through a file": _listed(Config="config.json/x"),
    "Layers missing": _listed(Layers=None),
    "Layers a string": _listed(Layers="x"),
    "Layers numbers": _listed(Layers=[1]),
    "Layers an object": _listed(Layers={}),
    "Layers not there": _listed(Layers=["nosuch.tar"]),
    "Layers a directory": _listed(Layers=["0"]),
    "Layers up": _listed(Layers=["../../../../etc/passwd"]),
    "Layers too many": _listed(Layers=["0/layer.tar", "0/layer.tar"]),
    "Layers empty name": _listed(Layers=[""]),
    "layer a symlink": image(LAYER, drop="0/layer.tar", extra=[entry("real", LAYER), link("0/layer.tar", "../real")]),
    "layer a symlink out": image(LAYER, drop="0/layer.tar", extra=[link("0/layer.tar", "/etc/passwd")]),
    "layer a hard link": image(LAYER, drop="0/layer.tar", extra=[entry("real", LAYER), hard("0/layer.tar", "real")]),
    "layer a device": image(LAYER, drop="0/layer.tar", extra=[device("0/layer.tar", tarfile.CHRTYPE, 1, 5)]),
    "RepoTags missing": _listed(RepoTags=None),
    "RepoTags a string": _listed(RepoTags="x"),
    "RepoTags numbers": _listed(RepoTags=[1]),
    "RepoTags empty": _listed(RepoTags=[""]),
    "RepoTags in capitals": _listed(RepoTags=["BAD:1"]),
    "RepoTags without a tag": _listed(RepoTags=["bad"]),
    "RepoTags of three parts": _listed(RepoTags=["a:b:c"]),
    "RepoTags with a digest": _listed(RepoTags=[f"bad@{digest(LAYER)}"]),
    "RepoTags one good": _listed(RepoTags=["fine:1", "BAD:1"]),
    "Parent unknown": _listed(Parent=digest(b"nosuch")),
    "Parent no digest": _listed(Parent="x"),
    # the configuration
    "config empty": image(LAYER, document=b""),
    "config not JSON": image(LAYER, document=b"config"),
    "config cut": image(LAYER, document=b'{"os": "li'),
    "config null": image(LAYER, document=b"null"),
    "config list": image(LAYER, document=b"[]"),
    "config string": image(LAYER, document=b'"x"'),
    "config empty object": image(LAYER, document={}),
    "config then garbage": image(LAYER, document=json.dumps(_CONFIGURED).encode() + b"x"),
    "no rootfs": image(LAYER, document={key: value for key, value in _CONFIGURED.items() if key != "rootfs"}),
    "rootfs null": image(LAYER, document=config(LAYER, rootfs=None)),
    "rootfs a list": image(LAYER, document=config(LAYER, rootfs=[])),
    "rootfs of another type": image(LAYER, document=_rootfs(type="layers+base")),
    "diff_ids a string": image(LAYER, document=_rootfs(diff_ids="x")),
    "diff_ids numbers": image(LAYER, document=_rootfs(diff_ids=[1])),
    "diff_ids no digests": image(LAYER, document=_rootfs(diff_ids=["x"])),
    "diff_ids of another kind": image(LAYER, document=_rootfs(diff_ids=["md5:" + "0" * 32])),
    "diff_ids too few": image(LAYER, document=_rootfs(diff_ids=[])),
    "diff_ids too many": image(LAYER, document=_rootfs(diff_ids=[digest(LAYER)] * 2)),
    "diff_ids null": image(LAYER, document=_rootfs(diff_ids=None)),
    "of Windows": image(LAYER, document=config(LAYER, os="windows")),
    "of Plan 9": image(LAYER, document=config(LAYER, os="plan9")),
    "of no system": image(LAYER, document=config(LAYER, os="")),
    "of another processor": image(LAYER, document=config(LAYER, architecture="s390x")),
    "os a number": image(LAYER, document=config(LAYER, os=7)),
    "architecture a list": image(LAYER, document=config(LAYER, architecture=[])),
    "created no time": image(LAYER, document=config(LAYER, created="yesterday")),
    "created a number": image(LAYER, document=config(LAYER, created=7)),
    "Env a string": image(LAYER, document=config(LAYER, config={"Env": "A=1"})),
    "Cmd a string": image(LAYER, document=config(LAYER, config={"Cmd": "true"})),
    "Labels a list": image(LAYER, document=config(LAYER, config={"Labels": ["a"]})),
    "ExposedPorts a list": image(LAYER, document=config(LAYER, config={"ExposedPorts": ["80"]})),
    "config.config a list": image(LAYER, document=config(LAYER, config=[])),
    "config.config null": image(LAYER, document=config(LAYER, config=None)),
    "history a string": image(LAYER, document=config(LAYER, history="x")),
    "history of numbers": image(LAYER, document=config(LAYER, history=[1])),
    "history too short": image(LAYER, document=config(LAYER, history=[])),
    "unknown keys": image(LAYER, document=config(LAYER, nosuch={"a": [1, 2.5, None, "é"]})),
    # the layers
    "layer of another digest": image(SECOND, document=_CONFIGURED),
    "second layer of another digest": image(LAYER, LAYER, document=config(LAYER, SECOND)),
    "layer garbage": image(b"\xff" * 1024),
    "layer short garbage": image(b"garbage\n"),
    "layer empty": image(b""),
    "layer zeros": image(bytes(1024)),
    "layer without an end": image(LAYER[:-1024]),
    "layer gzip": image(gzip.compress(LAYER, mtime=0), document=_CONFIGURED),
    "layer gzip cut": image(gzip.compress(LAYER, mtime=0)[:50], document=_CONFIGURED),
    "layer twice": image(LAYER, LAYER),
    "layer in a layer": image(tar(entry("x.tar", LAYER))),
    "outside dotdot": image(LAYER, extra=[entry("../../out", TEXT)]),
    "outside symlink": image(LAYER, extra=[link("x", "/etc"), entry("x/out", TEXT)]),
    "outside device": image(LAYER, extra=[device("x", tarfile.CHRTYPE)]),
    # other layouts
    "first format": tar(
        entry("1/"), entry("1/VERSION", b"1.0"), entry("1/json", b'{"id": "1"}'), entry("1/layer.tar", LAYER),
        entry("repositories", b'{"old": {"1": "1"}}')),
    "first format without names": tar(entry("1/"), entry("1/json", b'{"id": "1"}'), entry("1/layer.tar", LAYER)),
    "OCI layout": tar(
        entry("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'), entry("index.json", b'{"manifests": []}'),
        entry("blobs/"), entry("blobs/sha256/")),
    "gzip": gzip.compress(_WHOLE, mtime=0),
    "bzip2": bz2.compress(_WHOLE),
    "xz": lzma.compress(_WHOLE),
}  # fmt: skip
IMAGES |= {f"layer {name}": image(TREES[name]) for name in (
    "dotdot", "absolute", "symlink out", "symlink loop", "hard link to nothing", "hard link up", "hard link absolute",
    "devices", "unknown type", "claims 10 GiB", "claims less than nothing", "second bad checksum", "pax size",
    "pax bad length", "bad utf-8", "long component", "whiteout", "whiteout of dotdot", "opaque", "file then below it",
    "twice", "garbage after the end", "whiteout of nothing", "whiteout metadata",
)}  # fmt: skip
IMAGES |= {f"cut at {size}": _WHOLE[:size] for size in (
    0, 1, 511, 512, 513, 1000, 1024, 2048, 2560, 3000, 3583, 3584, 4096, 4200, 4608, 4700, 5120, 5200, 5632,
)}  # fmt: skip
