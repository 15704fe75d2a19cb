"""npm: JavaScript's package manager, as far as Dockerfiles use it: install, ci, run, start, --version."""

from __future__ import annotations

import json
from typing import Any

from simdocker.backends.sim.program import Blocking, Process, program
from simdocker.backends.sim.programs.packages import download, installed, package, unpack

VERSION = "10.9.2"
KNOWN = {"express": ("4.21.2", 1_900_000), "react": ("19.0.0", 230_000), "typescript": ("5.7.3", 4_300_000)}
NEEDED_EACH = 8  # packages that one package brings along, roughly


@program("npm")
def npm(p: Process) -> Blocking:
    """Process: `npm COMMAND …`."""
    command, *words = p.argv[1:] or [""]
    names = [word for word in words if not word.startswith("-")]
    if command in ("--version", "-v"):
        yield from p.write(1, f"{VERSION}\n")
        return 0
    if command in ("install", "i", "ci", "add"):
        return (yield from _install(p, command, names, words))
    if command in ("start", "test", "run", "run-script"):
        name = command if command in ("start", "test") else (names or [""])[0]
        return (yield from _run(p, name))
    yield from p.write(
        2, f'Unknown command: "{command}"\n\nTo see a list of supported npm commands, run:\n  npm help\n'
    )
    return 1


def _project(p: Process) -> Blocking:
    """Process → package.json, None when it is missing or no JSON (which is said)."""
    path = f"{p.cwd.rstrip('/')}/package.json"
    try:
        found = json.loads(p.read_file(path))
    except OSError:
        yield from p.write(
            2,
            f"npm error code ENOENT\nnpm error syscall open\nnpm error path {path}\nnpm error errno -2\n"
            f"npm error enoent Could not read package.json: Error: ENOENT: no such file or directory, open '{path}'\n",
        )
        return None
    except ValueError:
        yield from p.write(
            2, f"npm error code EJSONPARSE\nnpm error path {path}\nnpm error JSON.parse Invalid package.json\n"
        )
        return None
    return found if isinstance(found, dict) else {}


def _install(p: Process, command: str, names: list[str], words: list[str]) -> Blocking:
    """Process: what is asked for, or what package.json depends on."""
    everywhere = "-g" in words or "--global" in words
    folder = "/usr/local/lib/node_modules" if everywhere else f"{p.cwd.rstrip('/')}/node_modules"
    if command == "ci" and not p.access("package-lock.json", 0):
        yield from p.write(
            2,
            "npm error code EUSAGE\nnpm error\nnpm error The `npm ci` command can only install with an existing "
            "package-lock.json or\nnpm error npm-shrinkwrap.json with lockfileVersion >= 1.\n",
        )
        return 1
    wanted = [name.rpartition("@")[0] or name for name in names]
    if not names:
        project: dict[str, Any] | None = yield from _project(p)
        if project is None:
            return 254
        kinds = ["dependencies"]
        if not {"--production", "--omit=dev", "--only=production"} & set(words):
            kinds.append("devDependencies")
        wanted = [name for kind in kinds for name in project.get(kind) or {}]
    here = set(installed(p, folder))
    new = [package(name, KNOWN) for name in wanted if name not in here]
    before = p.clock.now
    for one in new:
        if not (yield from download(p, one.size)):
            yield from p.sleep(20_000_000_000)
            yield from p.write(
                2,
                "npm error code EAI_AGAIN\nnpm error syscall getaddrinfo\nnpm error errno EAI_AGAIN\n"
                f"npm error request to https://registry.npmjs.org/{one.name} failed, reason: getaddrinfo EAI_AGAIN "
                "registry.npmjs.org\n",
            )
            return 1
    yield from unpack(p, new, folder)
    seconds = int(p.clock.now - before) // 1_000_000_000 or 1
    count = len(new) * NEEDED_EACH
    yield from p.write(
        1, f"\nadded {count} packages, and audited {count + 1} packages in {seconds}s\n\nfound 0 vulnerabilities\n"
    )
    return 0


def _run(p: Process, name: str) -> Blocking:
    """Process: a script of package.json, by the shell; `start` is `node server.js` unless it says otherwise."""
    project: dict[str, Any] | None = yield from _project(p)
    if project is None:
        return 254
    script = (project.get("scripts") or {}).get(name) or ("node server.js" if name == "start" else "")
    if not script:
        yield from p.write(2, f'npm error Missing script: "{name}"\n')
        return 1
    title = f"{project.get('name', '')}@{project.get('version', '')}"
    yield from p.write(1, f"\n> {title} {name}\n> {script}\n\n")
    return (yield from p.wait(p.spawn(["sh", "-c", script])))
