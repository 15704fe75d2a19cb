"""tar, gzip, gunzip and zcat: real archives of the simulated files."""

from __future__ import annotations

import errno
import io
import tarfile
import zlib
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet, modes
from simdocker.backends.sim.applets.call import Call, Failure, Options, Status, Usage, options
from simdocker.backends.sim.applets.clock import strftime
from simdocker.backends.sim.applets.input import must_read, standard_input
from simdocker.backends.sim.applets.tree import (
    DIRECTORY,
    LINK,
    PIPE,
    REGULAR,
    exists,
    is_directory,
    join,
    kind,
    owner_names,
)
from simdocker.backends.sim.program import OpenFile

GZIP_NS_PER_BYTE = 20  # about 50 MB/s, a small machine's gzip


# gzip


def compress(data: bytes) -> bytes:
    """A gzip stream without a name or a time, so that it depends on the data alone."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = packer.compress(data) + packer.flush()
    tail = zlib.crc32(data).to_bytes(4, "little") + (len(data) & 0xFFFFFFFF).to_bytes(4, "little")
    return b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + body + tail


def decompress(data: bytes) -> bytes:
    """All members of a gzip stream. Raises Failure."""
    result = bytearray()
    if not data.startswith(b"\x1f\x8b"):
        raise Failure("invalid magic") if data else Failure("short read")
    while data.startswith(b"\x1f\x8b"):
        unpacker = zlib.decompressobj(31)
        try:
            result += unpacker.decompress(data) + unpacker.flush()
        except zlib.error:
            raise Failure("corrupted data") from None
        if not unpacker.eof:
            raise Failure("unexpected end of file")
        data = unpacker.unused_data
    return bytes(result)


@applet("gzip", "gunzip", "zcat")
def gzip(call: Call) -> Status:
    found = options(call, "cfkdtnvq123456789", {"stdout": "c", "keep": "k", "force": "f", "decompress": "d"})
    unpack = call.name != "gzip" or "d" in found or "t" in found
    to_stdout = "c" in found or call.name == "zcat"
    status = 0
    for name in found.args or ["-"]:
        try:
            if name == "-":
                data = yield from standard_input(call).all()
                if "t" not in found:
                    call.out(decompress(data) if unpack else compress(data))
                else:
                    decompress(data)
            else:
                yield from _file(call, name, found, unpack, to_stdout)
        except Failure as failure:
            call.complain(failure.message)
            status = failure.status
    return status


def _file(call: Call, name: str, found: Options, unpack: bool, to_stdout: bool) -> Generator[Event, Any, None]:
    p = call.p
    if is_directory(p, name):
        raise Failure(f"can't remove file '{name}': Is a directory")
    data = yield from must_read(call, name)
    if "t" in found:
        decompress(data)
        return
    target = name + ".gz"
    if unpack and not to_stdout:
        for suffix, replacement in ((".tgz", ".tar"), (".gz", ""), (".Z", "")):
            if name.endswith(suffix):
                target = name.removesuffix(suffix) + replacement
                break
        else:
            raise Failure(f"{name}: unknown suffix - ignored")
    if not to_stdout and exists(p, target) and "f" not in found:
        raise Failure(f"can't open '{target}': File exists")
    result = decompress(data) if unpack else compress(data)
    yield from p.compute(max(len(data), len(result)) * GZIP_NS_PER_BYTE)
    if to_stdout:
        call.out(result)
        return
    before = p.stat(name)
    try:
        yield from _write(p.open(target, "w"), result)
    except Failure:
        p.unlink(target)
        raise
    p.chmod(target, before.st_mode & 0o777)
    p.utime(target, before.st_mtime_ns)
    if "k" not in found:
        p.unlink(name)


# tar

_LONG = {
    "create": "c", "extract": "x", "get": "x", "list": "t", "verbose": "v", "file": "f", "directory": "C", "gzip": "z",
    "to-stdout": "O", "strip-components": "S", "numeric-owner": "N",
    "no-recursion": "R", "overwrite": "V", "no-same-permissions": "Q", "keep-old": "k", "touch": "m",
    "no-same-owner": "o", "auto-compress": "a", "dereference": "h", "same-permissions": "p",
}  # fmt: skip


@applet("tar")
def tar(call: Call) -> Status:
    if call.args and not call.args[0].startswith("-"):
        call.args = _old_style(call.args)
    found = options(call, "tcxC:f:OpvkozjJZamhS:NRVQ", _LONG)
    kinds = [flag for flag in "cxt" if flag in found]
    if len(kinds) != 1:
        raise Usage
    name = found.value("f", "-")
    archive = _Tar(call, found)
    if kinds[0] == "c":
        return (yield from archive.create(name))
    data = yield from must_read(call, name, message="can't open '{}': {}")
    if data.startswith(b"\x1f\x8b"):
        data = decompress(data)
    elif "z" in found:
        raise Failure("invalid magic")
    if not data:
        raise Failure("short read")
    return (yield from archive.read(data))


def _old_style(args: list[str]) -> list[str]:
    """`tar xf a.tar`: letters first, then their values in order."""
    letters, rest = args[0], list(args[1:])
    result = []
    for letter in letters:
        if letter in "fC":
            if not rest:
                raise Usage(f"option requires an argument -- '{letter}'")
            result += [f"-{letter}", rest.pop(0)]
        else:
            result.append(f"-{letter}")
    return result + rest


class _Tar:
    def __init__(self, call: Call, found: Options) -> None:
        self.call = call
        self.found = found
        self.root = found.value("C")
        self.status = 0
        self.slash_told = False
        self.change_error: OSError | None = None
        if self.root:
            try:
                self.call.p.listdir(self.root)
            except OSError as error:
                self.change_error = error

    def place(self, path: str) -> str:
        return join(self.root, path) if self.root and not path.startswith("/") else path

    def must_change(self) -> None:
        if self.change_error is not None:
            raise Failure(f"can't change directory to '{self.root}': {self.change_error.strerror}")

    # writing

    def create(self, name: str) -> Status:
        call = self.call
        if not self.found.args:
            raise Failure("empty archive")
        target = None
        if name != "-":
            try:
                target = call.p.open(name, "w")
            except OSError as error:
                raise Failure(f"can't open '{name}': {error.strerror}") from None
        self.must_change()
        buffer = io.BytesIO()
        users, groups = owner_names(call.p)
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar_file:
            for path in self.found.args:
                yield from self.add(tar_file, path, (users, groups), {})
        data = buffer.getvalue()
        size = len(data)
        # tarfile fills up to 20 blocks; busybox writes the two empty ones alone.
        data = data[: size - _padding(data)] + bytes(1024)
        if "z" in self.found or ("a" in self.found and name.endswith(("gz", "tgz"))):
            data = compress(data)
        yield from call.p.compute(len(data) * 2)
        if target is None:
            call.out(data)
        else:
            yield from _write(target, data)
        if self.status:
            call.complain("error exit delayed from previous errors")
        return self.status

    def add(
        self, tar_file: tarfile.TarFile, path: str, names: tuple[dict[int, str], dict[int, str]], seen: dict[int, str]
    ) -> Generator[Event, Any, None]:
        call, p = self.call, self.call.p
        actual = self.place(path)
        try:
            found = p.stat(actual) if "h" in self.found else p.lstat(actual)
        except OSError as error:
            call.complain(f"{path}: {error.strerror}")
            self.status = 1
            return
        member_name = path.lstrip("/")
        if path.startswith("/") and not self.slash_told:
            call.complain("removing leading '/' from member names")
            self.slash_told = True
        member = tarfile.TarInfo(member_name.rstrip("/") if kind(found) == DIRECTORY else member_name)
        member.mode, member.uid, member.gid = found.st_mode & 0o7777, found.st_uid, found.st_gid
        member.uname, member.gname = names[0].get(found.st_uid, ""), names[1].get(found.st_gid, "")
        member.mtime = found.st_mtime_ns // 1_000_000_000
        content: io.BytesIO | None = None
        if kind(found) == DIRECTORY:
            member.type = tarfile.DIRTYPE
        elif kind(found) == LINK:
            member.type, member.linkname = tarfile.SYMTYPE, p.readlink(actual)
        elif kind(found) == PIPE:
            member.type = tarfile.FIFOTYPE
        elif kind(found) == REGULAR:
            if found.st_nlink > 1 and found.st_ino in seen:
                member.type, member.linkname = tarfile.LNKTYPE, seen[found.st_ino]
            else:
                seen[found.st_ino] = member_name
                data = p.read_file(actual)
                member.size = len(data)
                content = io.BytesIO(data)
        else:
            member.type = tarfile.CHRTYPE
        shown = member_name + ("/" if kind(found) == DIRECTORY and not member_name.endswith("/") else "")
        if "v" in self.found:
            text = f"{shown}\n"
            if self.found.value("f", "-") == "-":
                call.err(text)
            else:
                call.out(text)
        if member_name:
            tar_file.addfile(member, content)
        if kind(found) == DIRECTORY and "R" not in self.found:
            for name in p.listdir(actual):
                yield from self.add(tar_file, join(path.rstrip("/") or "/", name), names, seen)

    # reading

    def read(self, data: bytes) -> Status:
        call = self.call
        try:
            tar_file = tarfile.open(fileobj=io.BytesIO(data), mode="r:")  # noqa: SIM115 - in memory, read below
            members = tar_file.getmembers()
        except tarfile.TarError:
            raise Failure("short read" if len(data) < 512 else "invalid tar magic") from None
        self.must_change()
        wanted = [name.rstrip("/") for name in self.found.args]
        hits: set[str] = set()
        strip = int(self.found.value("S", "0"))
        for member in members:
            match = next((name for name in wanted if _within(member.name, name)), None)
            if wanted and match is None:
                continue
            if match is not None:
                hits.add(match)
            path = member.name
            if strip:
                parts = path.split("/")[strip:]
                if not parts or not "/".join(parts):
                    continue
                path = "/".join(parts)
            if "t" in self.found:
                call.out(self.listing(member, path))
                continue
            if "v" in self.found:
                text = path + ("/" if member.isdir() else "") + "\n"
                if "O" in self.found:
                    call.err(text)
                else:
                    call.out(text)
            yield from self.extract(tar_file, member, path)
        for name in wanted:
            if name not in hits:
                raise Failure(f"{name}: not found in archive")
        return self.status

    def listing(self, member: tarfile.TarInfo, path: str) -> str:
        shown = path + ("/" if member.isdir() else "")
        if "v" not in self.found:
            return f"{shown}\n"
        types = {tarfile.DIRTYPE: DIRECTORY, tarfile.SYMTYPE: LINK, tarfile.FIFOTYPE: PIPE, tarfile.CHRTYPE: 0o020000}
        mode = modes.describe(types.get(member.type, REGULAR) | member.mode)
        owner = f"{member.uname or member.uid}/{member.gname or member.gid}"
        if "N" in self.found:
            owner = f"{member.uid}/{member.gid}"
        when = strftime("%Y-%m-%d %H:%M:%S", int(member.mtime) * 1_000_000_000)
        text = f"{mode} {owner} {member.size:9} {when} {shown}"
        if member.issym() or member.islnk():
            text += f" -> {member.linkname}" if member.issym() else f" link to {member.linkname}"
        return f"{text}\n"

    def extract(self, tar_file: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> Generator[Event, Any, None]:
        call, p = self.call, self.call.p
        content = tar_file.extractfile(member) if member.isreg() else None
        data = content.read() if content is not None else b""
        if "O" in self.found:
            if member.isreg():
                call.out(data)
            return
        path = "/".join(part for part in path.split("/") if part not in ("..", "")) or "."
        target = self.place(path)
        try:
            self.make_parents(target)
            if member.isdir():
                if not exists(p, target):
                    p.mkdir(target)
            else:
                if exists(p, target):
                    if "k" in self.found:
                        call.complain(f"can't open '{target}': File exists")
                        self.status = 1
                        return
                    p.unlink(target)
                if member.issym():
                    p.symlink(member.linkname, target)
                    return
                if member.islnk():
                    p.link(self.place(member.linkname), target)
                    return
                if member.isfifo():
                    p.mkfifo(target)
                elif member.isreg():
                    yield from _write(p.open(target, "w"), data)
                    yield from p.compute(len(data))
                else:
                    return
            if p.uid == 0 and "o" not in self.found:
                p.chown(target, member.uid, member.gid)
            p.chmod(target, member.mode & 0o7777 if p.uid == 0 else member.mode & 0o7777 & ~p.umask)
            if "m" not in self.found:
                p.utime(target, int(member.mtime) * 1_000_000_000)
        except OSError as error:
            verb = "make dir" if member.isdir() else "open"
            raise Failure(f"can't {verb} '{target}': {error.strerror}") from None

    def make_parents(self, target: str) -> None:
        parent = target.rstrip("/").rpartition("/")[0]
        done = "/" if parent.startswith("/") else ""
        for part in parent.split("/"):
            if not part:
                continue
            done += part
            try:
                self.call.p.mkdir(done)
            except OSError as error:
                if error.errno != errno.EEXIST:
                    raise
            done += "/"


def _within(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}/")


def _write(target: OpenFile, data: bytes) -> Generator[Event, Any, None]:
    """Process: write a file and close it. Raises Failure."""
    try:
        yield from target.write(data)
    except OSError as error:
        raise Failure(f"write error: {error.strerror}") from None
    finally:
        target.close()


def _padding(data: bytes) -> int:
    """How many bytes of empty blocks end an archive."""
    end = len(data)
    while end >= 512 and not any(data[end - 512 : end]):
        end -= 512
    return len(data) - end
