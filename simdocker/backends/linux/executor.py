"""Another OCI runtime as the executor of a container: `docker run --runtime runc`.

The fork server makes a process that becomes `runc run` on a bundle (`oci.py`), with the container's streams as its
own; it lives as long as the container, hands on what is written, and ends with the container's exit status.
What is done to the running container, signals, execs, pausing, goes to its first process and its cgroup
as always.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from simdocker.backends.linux.cgroups import Hierarchies
from simdocker.backends.linux.oci import Json
from simdocker.backends.linux.process import Running, Streams
from simdocker.backends.linux.steps import HARDENED, Step, mount, terminal
from simdocker.backends.linux.syscalls import CLONE_NEWNS, MNT_DETACH, MS_PRIVATE, MS_REC
from simdocker.backends.ports import Process, StartFailed

if TYPE_CHECKING:
    from simdocker.backends.linux.forkserver import Born
    from simdocker.des.wall import WallClock

POLL = 1_000_000  # ns between two looks whether the container has started
FAILED = "failed to create shim task: OCI runtime create failed"
WORDS = (
    "executable file not found",
    "no such file or directory",
    "permission denied",
    "is a directory",
    "operation not permitted",
)
CGROUPS = "/sys/fs/cgroup"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Bundle:
    """One container's bundle in `home`, and the state that the `executor` keeps of it there, which is the
    program of that name or path with options before its command."""

    def __init__(self, executor: Sequence[str], home: str) -> None:
        self.name, *self.options = executor
        self.home = Path(home)
        self.id = self.home.name

    def write(self, config: Json) -> None:
        (self.home / "config.json").write_bytes(msgspec.json.format(msgspec.json.encode(config)))

    def keeps_no_cgroups(self, hierarchies: Hierarchies) -> bool:
        """Whether the container's cgroup has to be made for it: crun refuses a machine that has v1 and v2."""
        return os.path.basename(self.name) == "crun" and bool(hierarchies.v1) and hierarchies.hybrid

    def steps(self, join: list[str], *, tty: bool, keeps_no_cgroups: bool = False) -> list[Step]:
        """The steps of the process that becomes the executor. Raises StartFailed when it is not here."""
        found = shutil.which(self.name, path=PATH)
        if found is None:
            absent = f"open {self.home}/log: no such file or directory"
            why = (
                f"fork/exec {self.name}: no such file or directory"
                if "/" in self.name
                else f'exec: "{self.name}": executable file not found in $PATH'
            )
            raise StartFailed(f"{FAILED}: unable to retrieve OCI runtime error ({absent}): {why}: unknown", 127)
        log = ("--log", f"{self.home}/log", "--log-format", "json")
        run = ("run", "--bundle", str(self.home), "--pid-file", f"{self.home}/pid", self.id)
        options = (*self.options, *(("--cgroup-manager", "disabled") if keeps_no_cgroups else ()))
        argv = (found, *options, "--root", f"{self.home}/state", *log, *run)
        return [
            Step("clone", "", (0,), "A process of its own for the executor."),
            *(Step("cgroup join", "write", (path, "0"), "It ends with the run.") for path in join),
            *(_sees_v2_alone() if keeps_no_cgroups else ()),
            Step("setsid", "setsid", (), "Signals of the engine's terminal do not reach it."),
            *(terminal() if tty else ()),
            Step("dup2", "streams", (tty,), "The container's streams pass through it."),
            Step("close_range", "close", (), "No descriptor of the engine's leads out of it."),
            Step("look up command", "look path", (found, PATH), "Where the executor is."),
            Step("execve", "", (argv, {"PATH": PATH}), f"{self.name} makes the container of its bundle."),
        ]

    def started(self, env: WallClock, born: Born, streams: Streams) -> Process:
        """Process → Executed: the container runs, or has run. Raises StartFailed when the executor gave up."""
        while not self._is_started():
            if os.waitid(os.P_PIDFD, born.pidfd, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None:
                if self._pid() and not self._complaint():  # it has come and gone
                    break
                streams.close()
                born.forget()
                raise self._failure()
            yield env.timeout(POLL)
        return Executed(env, born, self._pid())

    def _is_started(self) -> bool:
        """The pipe by which it is told to start goes when it has been."""
        return self._pid() > 0 and not (self.home / "state" / self.id / "exec.fifo").exists()

    def _pid(self) -> int:
        try:
            return int((self.home / "pid").read_text() or 0)
        except FileNotFoundError:
            return 0

    def _complaint(self) -> str:
        """The last error in its log."""
        told = ""
        with suppress(FileNotFoundError):
            for line in (self.home / "log").read_text().splitlines():
                entry = json.loads(line)
                if entry.get("level") == "error":
                    told = entry["msg"]
        return told

    def _failure(self) -> StartFailed:
        told = self._complaint() or f"{self.name} did not complete successfully"
        said = told.lower()  # crun speaks with libc's capitals
        code = 127 if any(words in said for words in WORDS[:2]) else 126 if any(w in said for w in WORDS) else 128
        runc = "runc create failed: " if os.path.basename(self.name) == "runc" else ""  # what runc says of itself
        return StartFailed(f"{FAILED}: {runc}{told}: unknown", code)


def _sees_v2_alone() -> list[Step]:
    """Steps after which this process has mounts of its own, with a cgroup filesystem that crun accepts."""
    why = "It refuses a machine with both versions of cgroups: its own mounts show it one."
    return [
        Step("unshare newns", "unshare", (CLONE_NEWNS,), why),
        Step("mount --make-rprivate /", "private", ("none", "/", "", MS_REC | MS_PRIVATE), "The host sees none of it."),
        Step("umount cgroups", "umount2", (CGROUPS, MNT_DETACH), why),
        mount("cgroup2", CGROUPS, HARDENED, "", why),
    ]


class Executed(Running):
    """A container that another executor runs: `pidfd` is the executor's, `first` that of the container."""

    __slots__ = ("first",)

    def __init__(self, env: WallClock, born: Born, pid: int) -> None:
        super().__init__(env, born)
        self.pid = pid
        self.first = -1
        with suppress(ProcessLookupError):
            self.first = os.pidfd_open(pid)

    @property
    def inside(self) -> int:
        return self.first

    def signal(self, number: int) -> None:
        if self.first >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.first, number)

    def reap(self) -> int:
        if self.first >= 0:
            os.close(self.first)
            self.first = -1
        return super().reap()
