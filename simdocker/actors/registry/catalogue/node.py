"""node: JavaScript's runtime on Debian with compilers, on a slim Debian, and on alpine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from simdocker.actors.registry.catalogue import alpine, debian
from simdocker.actors.registry.catalogue.parts import PATH, program, script
from simdocker.api.models import ContainerConfig
from simdocker.content.changeset import Node, directory, file, put, symlink, total_size
from simdocker.content.image import Image, Layer, bulk

RELEASES = (  # tag names of the full image, version, date
    (("latest", "23", "23.6.0", "current", "bookworm"), "23.6.0", "2025-01-08T04:28:33Z"),
    (("22", "22.13.0", "lts"), "22.13.0", "2025-01-08T04:28:33Z"),
    (("20", "20.18.1"), "20.18.1", "2024-11-21T05:54:42Z"),
)


def images() -> dict[str, Image]:
    """The repository's tags: each version full, `-slim` and `-alpine`."""
    tags: dict[str, Image] = {}
    for names, version, created in RELEASES:
        short = [name for name in names if name[0].isdigit() or name == "lts"]
        newest = names[0] == "latest"
        full: list[Layer | str] = [debian.full(), 'CMD ["bash"]', *debian.buildpack()]
        tags.update(dict.fromkeys(names, _image(full, debian, version, created, 168_400_000, 2_400, 57_512_830)))
        tags.update(dict.fromkeys(
            [f"{name}-slim" for name in short] + ["slim"] * newest,
            _image([debian.slim(), 'CMD ["bash"]'], debian, version, created, 140_200_000, 2_200, 48_106_412),
        ))  # fmt: skip
        tags.update(dict.fromkeys(
            [f"{name}-alpine" for name in short] + ["alpine"] * newest,
            _image([alpine.base("3.21.2")], alpine, version, created, 145_600_000, 2_150, 50_188_371),
        ))  # fmt: skip
    return tags


def _image(
    base: Sequence[Layer | str], system: object, version: str, created: str, size: int, count: int, compressed: int
) -> Image:
    passwd = alpine.PASSWD if system is alpine else debian.PASSWD
    user = debian.files(
        3_322, "RUN /bin/sh -c groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash node",
        {"/etc/passwd": passwd + "node:x:1000:1000::/home/node:/bin/bash\n"}, modified=created,
    )  # fmt: skip
    runtime = Layer(
        partial(_runtime, version, size, count), compressed,
        "RUN /bin/sh -c set -ex && curl -fsSLO --compressed https://nodejs.org/dist/v$NODE_VERSION/…", created,
    )  # fmt: skip
    yarn = debian.added("/opt/yarn-v1.22.22", 5_340_000, 14, 1_712_886, "RUN /bin/sh -c … yarn --version",
                        modified=created)  # fmt: skip
    entrypoint = debian.files(
        446, "COPY docker-entrypoint.sh /usr/local/bin/ # buildkit",
        {"/usr/local/bin/docker-entrypoint.sh": script("node.sh")}, modified=created,
    )  # fmt: skip
    config = ContainerConfig(
        Env=[PATH, f"NODE_VERSION={version}", "YARN_VERSION=1.22.22"], Cmd=["node"], Entrypoint=["docker-entrypoint.sh"]
    )
    steps = [*base, user, f"ENV NODE_VERSION={version}", runtime, "ENV YARN_VERSION=1.22.22", yarn, entrypoint,
             'ENTRYPOINT ["docker-entrypoint.sh"]', 'CMD ["node"]']  # fmt: skip
    return Image(steps, config, created=created)


def _runtime(version: str, size: int, count: int) -> Node:
    root = directory()
    put(root, "/usr/local/bin/node", program(118_824_664, "node"))
    put(root, "/usr/local/bin/nodejs", symlink("/usr/local/bin/node"))
    put(root, "/usr/local/bin/npm", program(54, "npm"))
    put(root, "/usr/local/include/node/node_version.h", file(f'#define NODE_VERSION "v{version}"\n'))
    bulk(root, "/usr/local/lib/node_modules/npm", size - total_size(root), count)
    return root
