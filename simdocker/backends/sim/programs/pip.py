"""pip: Python's package installer, as far as Dockerfiles use it: install (also -r), list, freeze, --version."""

from __future__ import annotations

import re

from simdocker.backends.sim.program import Blocking, Process, program
from simdocker.backends.sim.programs.packages import Package, amount, download, installed, package, place, unpack

REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?\s*(?:[=~>]=\s*([^\s,;]+))?")
KNOWN = {
    "blinker": ("1.9.0", 8_500), "certifi": ("2024.12.14", 164_900), "click": ("8.1.8", 98_000),
    "django": ("5.1.5", 8_300_000), "fastapi": ("0.115.6", 94_800), "flask": ("3.1.0", 102_979),
    "gunicorn": ("23.0.0", 85_000), "idna": ("3.10", 70_400), "itsdangerous": ("2.2.0", 16_200),
    "jinja2": ("3.1.5", 134_600), "markupsafe": ("3.0.2", 23_100), "numpy": ("2.2.1", 16_100_000),
    "pandas": ("2.2.3", 12_700_000), "psycopg2-binary": ("2.9.10", 3_000_000), "redis": ("5.2.1", 261_500),
    "requests": ("2.32.3", 64_900), "starlette": ("0.41.3", 73_200), "urllib3": ("2.3.0", 128_400),
    "uvicorn": ("0.34.0", 62_300), "werkzeug": ("3.1.3", 224_500),
}  # fmt: skip
NEEDS = {
    "fastapi": ("starlette",),
    "flask": ("werkzeug", "jinja2", "itsdangerous", "click", "blinker", "markupsafe"),
    "pandas": ("numpy",),
    "requests": ("idna", "urllib3", "certifi"),
    "uvicorn": ("click",),
}
ROOT_WARNING = (
    "WARNING: Running pip as the 'root' user can result in broken permissions and conflicting behaviour with the "
    "system package manager, possibly rendering your system unusable. It is recommended to use a virtual environment "
    "instead: https://pip.pypa.io/warnings/venv. Use the --root-user-action option if you know what you are doing and "
    "want to suppress this warning.\n"
)
FAILURES = 5
DIST_INFO = ".dist-info"  # what tells pip the version of a package that is there


@program("pip")
def pip(p: Process) -> Blocking:
    """Process: `pip COMMAND …`."""
    command, words = (p.argv[1] if len(p.argv) > 1 else ""), p.argv[2:]
    folder = _folder(p)
    if command == "install":
        return (yield from _install(p, words, folder))
    if command in ("list", "freeze"):
        for name in installed(p, folder):
            if name.endswith(DIST_INFO):
                name, _, version = name.removesuffix(DIST_INFO).rpartition("-")
                yield from p.write(1, f"{name}=={version}\n")
        return 0
    if command in ("--version", "-V"):
        yield from p.write(1, f"pip 24.3.1 from {folder}/pip (python {_branch(p)})\n")
        return 0
    yield from p.write(2, f'ERROR: unknown command "{command}"\n')
    return 1


def _branch(p: Process) -> str:
    return p.env.get("PYTHON_VERSION", "3.11.2").rpartition(".")[0]


def _folder(p: Process) -> str:
    return f"/usr/local/lib/python{_branch(p)}/site-packages"


def _requirements(p: Process, words: list[str]) -> Blocking:
    """Process → the requirements named and those in files, None when a file is missing."""
    found, at = [], 0
    while at < len(words):
        if words[at] in ("-r", "--requirement") and at + 1 < len(words):
            at += 1
            try:
                lines = p.read_file(words[at]).decode().splitlines()
            except OSError as error:
                why = f"[Errno {error.errno}] {error.strerror}: '{words[at]}'"
                yield from p.write(2, f"ERROR: Could not open requirements file: {why}\n")
                return None
            found += [text for line in lines if (text := line.partition("#")[0].strip())]
        elif not words[at].startswith("-"):
            found.append(words[at])
        at += 1
    return found


def _install(p: Process, words: list[str], folder: str) -> Blocking:
    """Process: collect, download, install."""
    requirements = yield from _requirements(p, words)
    if requirements is None:
        return 1
    if not requirements:
        yield from p.write(2, 'ERROR: You must give at least one requirement to install (see "pip help install")\n')
        return 1
    quiet = "-q" in words or "--quiet" in words
    wanted: dict[str, Package] = {}
    for text in requirements:
        match = REQUIREMENT.fullmatch(text.strip())
        if match is None:
            yield from p.write(2, f"ERROR: Invalid requirement: {text!r}\n")
            return 1
        one = package(match[1].lower(), KNOWN)
        wanted[one.name] = one._replace(version=match[2] or one.version)
        for need in NEEDS.get(one.name, ()):
            wanted.setdefault(need, package(need, KNOWN))
    here = set(installed(p, folder))
    new = [one for one in wanted.values() if one.name not in here]
    for one in new:
        if not quiet:
            yield from p.write(1, f"Collecting {one.name}\n")
        if not (yield from download(p, one.size)):
            return (yield from _unreachable(p, one))
        if not quiet:
            name = f"{one.name.replace('-', '_')}-{one.version}-py3-none-any.whl"
            yield from p.write(1, f"  Downloading {name} ({amount(one.size)})\n")
    if new and not quiet:
        yield from p.write(1, f"Installing collected packages: {', '.join(one.name for one in reversed(new))}\n")
    yield from unpack(p, new, folder)
    for one in new:
        place(p, f"{folder}/{one.name}-{one.version}{DIST_INFO}", 2_000)
    if new and not quiet:
        yield from p.write(
            1, f"Successfully installed {' '.join(sorted(f'{one.name}-{one.version}' for one in new))}\n"
        )
    if p.uid == 0:
        yield from p.write(2, ROOT_WARNING)
    return 0


def _unreachable(p: Process, one: Package) -> Blocking:
    """Process: pip tries again with growing patience, then says that there is no such thing."""
    for left in range(FAILURES - 1, -1, -1):
        why = "NameResolutionError: Failed to resolve 'pypi.org' ([Errno -3] Temporary failure in name resolution)"
        yield from p.write(
            2, f"WARNING: Retrying (Retry(total={left})) after connection broken by '{why}': /simple/{one.name}/\n"
        )
        yield from p.sleep((FAILURES - left) * 500_000_000)
    yield from p.write(
        2,
        f"ERROR: Could not find a version that satisfies the requirement {one.name} (from versions: none)\n"
        f"ERROR: No matching distribution found for {one.name}\n",
    )
    return 1
