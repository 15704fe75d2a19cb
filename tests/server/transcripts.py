"""The recorded command lines of tests/reference/cli-transcripts.json at a served world, by the real client.

    python -m tests.server.transcripts [sim|linux [LABEL…]]

prints what differs and how many are identical. The machine of the recording had two registries, an
image named busybox and what earlier builds had left; the prelude makes the same here.
"""

from __future__ import annotations

import difflib
import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tarfile
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from simdocker.scenario.normal import Normaliser
from tests.scenario.corpus import install
from tests.server.kernel import Kernel, served_kernel
from tests.server.serving import Served, served_world

RECORDED = json.loads((Path(__file__).parents[1] / "reference" / "cli-transcripts.json").read_text(encoding="utf-8"))
SWARM = ("swarm ", "node ", "service ", "secret ", "config ", "stack ", "plugin ")
TRANSCRIPTS = [found for found in RECORDED if not found["label"].startswith(SWARM)]

HOME = "/home/user"
KEPT = 1480
SPEED = 3  # of the world, and of the person who stops what does not end
WORLD = {
    "title": "the machine of the recording",
    "world": {
        "hosts": {"vm": {}},
        "registries": {"127.0.0.1:5000": {}, "127.0.0.1:5002": {"users": {"user": "pw"}}},
    },
    "steps": [{"run": "docker version"}],
}
CONTEXT = {
    ".dockerignore": "*.log\n",
    "Dockerfile": """\
FROM busybox:latest
ENV A=1
RUN echo built > /built
COPY hello.txt /hello.txt
CMD ["cat","/hello.txt"]
""",
    "hello.txt": "hello\n",
}
PRELUDE = (
    "tag busybox given",
    "create --name given given",
    "export -o exported.tar given",
    "rm given",
    "rmi busybox given alpine",
    "import - busybox < rootfs",
    "a second later",
    "build -t alpine:3.10 -t alpine:latest - < alpine",
    "a second later",
    "build -t 127.0.0.1:5000/layers:1 - < layers",
    "push 127.0.0.1:5000/layers:1",
    "a second later",
    "build -t demo:1 ctx",
    "a second later",
    "build -t demo:4 - < true",
    "a second later",
    "build - < false",
    "tag demo:1 127.0.0.1:5000/multi:1",
    "push 127.0.0.1:5000/multi:1",
)
"""What the recording's machine had been told, as its images, containers and history show."""
FILES = {
    "alpine": "FROM busybox\nCMD sh\n",
    "layers": "FROM busybox\nRUN head -c 50460000 /dev/zero > /layer\n",
    "true": "FROM busybox:latest\nRUN true\n",
    "false": "FROM busybox:latest\nRUN false\n",
}
TYPED = {
    "run -i stdin": "hello\n",
    "exec -i": "in\n",
    "build from stdin Dockerfile": FILES["true"],
    "build failing RUN": FILES["false"],
    "build bad Dockerfile": "FROM busybox:latest\nBOGUS x\n",
    "run -it": "echo tty-$((1+1)); exit\n",
    "exec -it": "echo e-$((1+1)); exit\n",
}
ENVIRONMENT = {
    "build default env, no buildx plugin": {},
    "build DOCKER_BUILDKIT=1": {"DOCKER_BUILDKIT": "1"},
    "builder prune": {},
    "API version pinned": {"DOCKER_API_VERSION": "1.24"},
    "API version pinned too new": {"DOCKER_API_VERSION": "1.50"},
}
BEFORE = {
    "pull": ["rmi 127.0.0.1:5000/multi:1"],
    "images": ["rmi demo:1"],
    "run auto-pull": ["rmi 127.0.0.1:5000/multi:1"],
    "network create": ["network create docker_gwbridge"],
    "run -P --expose": ["run --rm -P --expose 1 busybox true"] * 2,
    "start -a": ["wait or_c1"],
    "push authed": ["tag busybox 127.0.0.1:5002/authd:1"],
}
"""What the recording's machine had been told between two transcripts, or long before."""
STOPPED = {"logs -f (killed after 1.5s)": signal.SIGINT, "stats (stream, killed after 3.5s)": signal.SIGKILL}
PATIENT = {"stop default (sleep ignores TERM => 10s)": ["stop", "-t", "0"]}
"""What takes ten seconds by the wall is cut short, unless SIMDOCKER_TEST_CHAPTERS=1 wants to see it."""
MEANWHILE = {"kill": "attach (container killed)", "stop -t": "wait (while stop)"}
"""What was at work while another command ran."""

Outcome = tuple[int, str, str]


class Played(NamedTuple):
    """One transcript as it was recorded and as it went here, both normalised."""

    label: str
    recorded: Outcome
    played: Outcome

    @property
    def same(self) -> bool:
        return self.recorded == self.played


class Player:
    """The person at the keyboard. `home` is theirs on this machine; the recording calls it /home/user."""

    def __init__(self, served: Served | Kernel, home: Path) -> None:
        self.served = served
        self.home = home
        self.speed = 1 if isinstance(served, Kernel) else SPEED
        self.early: dict[str, subprocess.Popen[bytes]] = {}
        for name, text in FILES.items():
            (home / name).write_text(text)
        for name, text in CONTEXT.items():
            (home / "ctx").mkdir(exist_ok=True)
            (home / "ctx" / name).write_text(text)

    def prelude(self) -> None:
        for line in PRELUDE:
            self.hidden(line)
        if isinstance(self.served, Served):
            self.served.world.place_file("vm", "bind/f", "x")
        else:
            (self.home / "bind").mkdir()
            (self.home / "bind" / "f").write_text("x")

    def hidden(self, line: str) -> None:
        """A command that no transcript shows."""
        if line == "a second later":
            time.sleep(1.1 / self.speed)
            return
        command, _, source = line.partition(" < ")
        if source == "rootfs":
            write_rootfs(self.home / "exported.tar", self.home / source)
        typed = (self.home / source).read_bytes() if source else b""
        done = self.start(command.split(), {"DOCKER_BUILDKIT": "0"}, self.home)
        _, err = done.communicate(typed, timeout=60)
        if done.returncode and source != "false":
            raise RuntimeError(f"docker {line}: {err.decode()}")

    def until_healthy(self, name: str) -> None:
        """Look again and again, as one does; whether it comes to that is the next transcript's matter."""
        for _ in range(50):
            asked = self.start(["inspect", "-f", "{{.State.Health.Status}}", name], {}, self.home)
            if asked.communicate(timeout=60)[0] == b"healthy\n":
                break
            time.sleep(0.1 / self.speed)

    def start(self, argv: list[str], env: dict[str, str], cwd: Path, **streams: Any) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home / "home"),
            "DOCKER_HOST": self.served.url,
            "TZ": "UTC",
            **env,
        }
        usual: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(["docker", *argv], cwd=cwd, env=environment, **(usual | streams))

    def play(self, transcript: dict[str, Any]) -> Outcome:
        label = transcript["label"]
        for line in BEFORE.get(label, ()):
            self.hidden(line)
        if label == "ps":
            self.until_healthy("or_w6")
        argv = [
            word
            if word.startswith(HOME + "/bind") and isinstance(self.served, Served)
            else word.replace(HOME, str(self.home))
            for word in transcript["argv"]
        ]
        if label in PATIENT and self.speed == 1 and not os.environ.get("SIMDOCKER_TEST_CHAPTERS"):
            argv = [*PATIENT[label], *argv[1:]]
        env = ENVIRONMENT.get(label, {"DOCKER_BUILDKIT": "0"})
        if label in self.early:
            return self.finish(self.early.pop(label), None)
        if label in MEANWHILE:
            other = next(found for found in TRANSCRIPTS if found["label"] == MEANWHILE[label])
            self.early[other["label"]] = self.start(other["argv"], env, self.home / "ctx")
            time.sleep(0.3)
        if label in ("run -it", "exec -it"):
            return self.at_a_terminal(argv, env, TYPED[label])
        if label == "top":
            time.sleep(1.2 / self.speed)  # a `sleep 1` has just been started
        process = self.start(argv, env, self.home / "ctx")
        if label in STOPPED or label == "events live":
            time.sleep(1.5 / self.speed)
            if label == "events live":
                self.hidden("run --rm busybox true")
                time.sleep(0.2)
            process.send_signal(STOPPED.get(label, signal.SIGINT))
        return self.finish(process, TYPED.get(label))

    def finish(self, process: subprocess.Popen[bytes], typed: str | None) -> Outcome:
        out, err = process.communicate(typed.encode() if typed else None, timeout=60)
        return process.returncode, self.as_there(out.decode()), self.as_there(err.decode())

    def as_there(self, text: str) -> str:
        """With the names of the recording's machine: its home directory, its name server."""
        return text.replace(str(self.home), HOME).replace("10.53.53.53:53", "10.255.255.53:53")

    def at_a_terminal(self, argv: list[str], env: dict[str, str], typed: str) -> Outcome:
        keyboard, screen = pty.openpty()
        fcntl.ioctl(keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        process = self.start(argv, env, self.home, stdin=screen, stdout=screen, stderr=screen, start_new_session=True)
        os.close(screen)
        shown, deadline = b"", time.monotonic() + 20
        while time.monotonic() < deadline:
            if not select.select([keyboard], [], [], 0.4)[0]:
                if typed and b"# " in shown:  # the prompt stands, drawn again for the size of the window
                    os.write(keyboard, typed.encode())
                    typed = ""
                continue
            try:
                part = os.read(keyboard, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(keyboard)
        return process.wait(20), shown.decode(), ""


def play(backend: str = "sim", labels: list[str] | None = None) -> Iterator[Played]:
    """Play all of them in their order; `labels`: only these are yielded."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "user"
        home.mkdir()
        with served_by(backend, Path(scratch)) as served:
            player = Player(served, home)
            player.prelude()
            for transcript in TRANSCRIPTS:
                exit_code, out, err = player.play(transcript)
                real, ours = Normaliser(), Normaliser()  # the recording left steps out: ids are counted anew
                expected, out = cut(transcript["stdout"], out)
                recorded = (transcript["exit"], real.text(in_order(expected)), real.text(transcript["stderr"]))
                here = (exit_code, ours.text(in_order(out)), ours.text(err))
                played = Played(transcript["label"], recorded, here)
                if not labels or played.label in labels:
                    yield played


def write_rootfs(exported: Path, path: Path) -> None:
    """The recording's busybox was imported from the files themselves: without what a container adds to them, and
    a little larger."""
    with tarfile.open(exported) as given, tarfile.open(path, "w") as made:
        for entry in given:
            if entry.name != ".dockerenv":
                made.addfile(entry, given.extractfile(entry) if entry.isreg() else None)
        padding = tarfile.TarInfo("etc/padding")
        padding.size = 1000
        made.addfile(padding, io.BytesIO(bytes(padding.size)))


def served_by(backend: str, directory: Path) -> AbstractContextManager[Served | Kernel]:
    """The machine of the recording, simulated or real."""
    if backend == "linux":
        return served_kernel(WORLD, directory)
    return served_world(WORLD, directory, speed=SPEED, prepare=install)


def in_order(out: str) -> str:
    """Without the numbers of processes, and without the order in which the client happens to list an image's tags."""
    if out.startswith("REPOSITORY  ") and "SHARED SIZE" not in out:
        header, *rows = out.splitlines(keepends=True)
        return "".join([header, *sorted(rows)])
    out = re.sub(r'"Pid": [1-9]\d*', '"Pid": <pid>', out)
    if not re.match(r"(UID +)?PID ", out):
        return out
    return re.sub(r"(?<=\s)\d+(?= )|^\d+", "<pid>", re.sub(r"\d\d:\d\d(?= )", "<time>", out), flags=re.M)


def cut(recorded: str, played: str) -> tuple[str, str]:
    """The recorder kept some 1,500 characters: the lines that it kept whole, and as many of ours."""
    if len(recorded) < KEPT or recorded.endswith("\n"):
        return recorded, played
    lines = recorded.splitlines(keepends=True)[:-1]
    return "".join(lines), "".join(played.splitlines(keepends=True)[: len(lines)])


def main() -> None:
    same = total = 0
    backend, *labels = sys.argv[1:] or ["sim"]
    for played in play(backend, labels):
        total += 1
        same += played.same
        if not played.same:
            print(f"== {played.label}")
            names = ("exit", "stdout", "stderr")
            for name, recorded, here in zip(names, played.recorded, played.played, strict=True):
                lines = (str(text).splitlines() for text in (recorded, here))
                print("\n".join(difflib.unified_diff(*lines, f"recorded {name}", f"played {name}", "", "", 1, "")))
    print(f"{same} of {total} transcripts identical")


if __name__ == "__main__":
    main()
