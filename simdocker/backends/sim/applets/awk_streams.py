"""Where an awk program reads records from and writes to: its operands, files, and commands."""

from __future__ import annotations

import errno
import re
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets.awk_memory import Memory
from simdocker.backends.sim.applets.awk_parser import unescape
from simdocker.backends.sim.applets.awk_values import from_input, numeric, plain
from simdocker.backends.sim.applets.call import Failure
from simdocker.backends.sim.applets.input import Input
from simdocker.backends.sim.program import OpenFile


class Streams(Memory):
    """The open files of one run, by the name the program gives them."""

    def next_record(self) -> Generator[Event, Any, str | None]:
        """Process: the next record of the main input."""
        while True:
            if self.source is None and not self.open_next():
                return None
            assert self.source is not None
            try:
                record = yield from self.read_record(self.source)
            except OSError as error:
                self.call.complain(f"{self.source.name}: {error.strerror}")
                record = None
                self.failed = 1
            if record is not None:
                for name in ("NR", "FNR"):
                    self.variables[name] = numeric(self.variables[name]) + 1
                return record
            self.source.close()
            self.source = None

    def open_next(self) -> bool:
        """Open the next operand that is a file; `name=value` operands assign."""
        call = self.call
        while self.pending:
            arg = self.text(self.arrays["ARGV"].get(str(self.pending.pop(0)), ""))
            if not arg:
                continue
            match = re.match(r"([A-Za-z_]\w*)=", arg)
            if match:
                self.variables[match.group(1)] = from_input(unescape(arg[match.end() :]))
                continue
            self.read_any = True
            try:
                file = call.p.fds[0] if arg == "-" else call.p.open(plain(arg))
            except OSError as error:
                call.complain(f"{plain(arg)}: {error.strerror}")
                self.failed = 1
                continue
            self.source = Input(call, file, plain(arg), owned=arg != "-")
            self.variables["FILENAME"] = arg
            self.variables["FNR"] = 0.0
            return True
        if self.read_any:
            return False
        self.read_any = True
        self.source = Input(call, call.p.fds[0], "-", owned=False)
        return True

    def read_record(self, source: Input) -> Generator[Event, Any, str | None]:
        separator = self.text(self.variables["RS"])
        if separator == "\n":
            line: bytes = yield from source.line()
            return line.removesuffix(b"\n").decode("latin-1") if line else None
        data = (source.buffer + (yield from source.all())).decode("latin-1") if not source.ended else ""
        if source.ended and not data:
            data = source.buffer.decode("latin-1")
            source.buffer = b""
        if separator == "":
            data = data.lstrip("\n")
        if not data:
            return None
        match = re.search(
            "\n\n+" if separator == "" else re.escape(separator) if len(separator) == 1 else separator, data
        )
        if not match:
            return data.removesuffix("\n")
        source.buffer = data[match.end() :].encode("latin-1")
        source.ended = True
        return data[: match.start()]

    def input(self, kind: str, name: str) -> Generator[Event, Any, Input | None]:
        if name not in self.inputs:
            yield from self.call.flush()
            try:
                if kind == "<":
                    file = self.call.p.fds[0] if name == "-" else self.call.p.open(plain(name))
                else:
                    file = self.command_output(name)
            except OSError:
                return None
            self.inputs[name] = Input(self.call, file, name)
        return self.inputs[name]

    def command_output(self, command: str) -> OpenFile:
        p = self.call.p
        reader, writer = p.pipe()
        p.spawn(["sh", "-c", plain(command)], fds={**p.fds, 1: writer})
        writer.close()
        return reader

    def output(self, mode: str, name: str) -> OpenFile:
        if name not in self.outputs:
            p = self.call.p
            try:
                if mode == "|":
                    reader, writer = p.pipe()
                    child = p.spawn(["sh", "-c", plain(name)], fds={**p.fds, 0: reader})
                    reader.close()
                    self.outputs[name] = (writer, child)
                elif name == "/dev/stdout":
                    return p.fds[1]
                elif name == "/dev/stderr":
                    return p.fds[2]
                else:
                    self.outputs[name] = (p.open(plain(name), "w" if mode == ">" else "a"), None)
            except OSError as error:
                reason = error.strerror if error.errno != errno.ENOENT else "No such file or directory"
                raise Failure(f"can't open '{plain(name)}': {reason}") from None
        return self.outputs[name][0]

    def close(self, name: str) -> Generator[Event, Any, int]:
        """Process: close a file or a command; → its status, -1 when it was not open."""
        result = -1
        if name in self.inputs:
            self.inputs.pop(name).close()
            result = 0
        if name in self.outputs:
            file, child = self.outputs.pop(name)
            file.close()
            result = 0
            if child is not None:
                yield from self.call.flush()
                while (status := (yield from self.call.p.wait(child))) is None:
                    self.call.p.take_signals()
                result = int(status)
        return result
