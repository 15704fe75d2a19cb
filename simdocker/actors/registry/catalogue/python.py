"""python: the interpreter on Debian with compilers, on a slim Debian, and on alpine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from simdocker.actors.registry.catalogue import alpine, debian
from simdocker.actors.registry.catalogue.parts import PATH, program
from simdocker.api.models import ContainerConfig
from simdocker.content.changeset import Node, directory, file, put, symlink, total_size
from simdocker.content.image import Image, Layer, bulk

RELEASES = (  # tag names of the full image, version, date
    (("latest", "3", "3.13", "3.13.1", "bookworm"), "3.13.1", "2024-12-03T23:29:22Z"),
    (("3.12", "3.12.8"), "3.12.8", "2024-12-03T23:29:22Z"),
    (("3.11", "3.11.11"), "3.11.11", "2024-12-03T23:29:22Z"),
)


def images() -> dict[str, Image]:
    """The repository's tags: each version full, `-slim` and `-alpine`."""
    tags: dict[str, Image] = {}
    for names, version, created in RELEASES:
        short = [name for name in names if name[0].isdigit()]
        newest = names[0] == "latest"
        full: list[Layer | str] = [debian.full(), 'CMD ["bash"]', *debian.buildpack(),
                debian.added("/usr/include/tk", 18_300_000, 180, 6_159_310, "RUN /bin/sh -c … tk-dev uuid-dev",
                             modified=created)]  # fmt: skip
        slim: list[Layer | str] = [debian.slim(), 'CMD ["bash"]',
                debian.added("/usr/share/ca-certificates", 9_230_000, 160, 3_511_425,
                             "RUN /bin/sh -c … ca-certificates netbase tzdata", modified=created)]  # fmt: skip
        small: list[Layer | str] = [alpine.base("3.21.2"),
                 debian.added("/usr/share/ca-certificates", 1_020_000, 150, 462_118,
                              "RUN /bin/sh -c set -eux; apk add --no-cache ca-certificates tzdata",
                              modified=created)]  # fmt: skip
        tags.update(dict.fromkeys(names, _image(full, version, created, 68_900_000, 3_300, 24_318_004)))
        tags.update(dict.fromkeys(
            [f"{name}-slim" for name in short] + ["slim"] * newest,
            _image(slim, version, created, 40_500_000, 1_900, 13_646_222),
        ))  # fmt: skip
        tags.update(dict.fromkeys(
            [f"{name}-alpine" for name in short] + ["alpine"] * newest,
            _image(small, version, created, 36_400_000, 1_800, 12_581_907),
        ))  # fmt: skip
    return tags


def _image(base: Sequence[Layer | str], version: str, created: str, size: int, count: int, compressed: int) -> Image:
    interpreter = Layer(
        partial(_interpreter, version, size, count), compressed,
        "RUN /bin/sh -c set -eux; wget -O python.tar.xz …; ./configure …; make install; python3 --version", created,
    )  # fmt: skip
    links = debian.files(
        249, 'RUN /bin/sh -c set -eux; for src in idle3 pip3 pydoc3 python3 python3-config; do … ln -svT "$src" "$dst"',
        {"/usr/local/bin/python": symlink("python3")}, modified=created,
    )  # fmt: skip
    config = ContainerConfig(
        Env=[PATH.replace("PATH=", "PATH=/usr/local/bin:"), "LANG=C.UTF-8", f"PYTHON_VERSION={version}"],
        Cmd=["python3"],
    )
    steps = [*base, f"ENV PYTHON_VERSION={version}", interpreter, links, 'CMD ["python3"]']
    return Image(steps, config, created=created)


def _interpreter(version: str, size: int, count: int) -> Node:
    branch = version.rpartition(".")[0]
    root = directory()
    put(root, f"/usr/local/bin/python{branch}", program(14_480, "python"))
    put(root, "/usr/local/bin/python3", symlink(f"python{branch}"))
    for name in ("pip", "pip3"):
        put(root, f"/usr/local/bin/{name}", program(213, "pip"))
    put(root, f"/usr/local/lib/libpython{branch}.so.1.0", program(6_012_264, ""))
    put(root, "/usr/local/lib/python3/VERSION", file(f"{version}\n"))
    bulk(root, f"/usr/local/lib/python{branch}", size - total_size(root), count)
    return root
