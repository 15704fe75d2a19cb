"""redis: a key-value server that keeps its data under /data."""

from __future__ import annotations

from simdocker.actors.registry.catalogue import alpine, debian
from simdocker.actors.registry.catalogue.debian import files
from simdocker.actors.registry.catalogue.parts import PATH, program, script
from simdocker.api.models import ContainerConfig
from simdocker.content.changeset import Node, directory, symlink
from simdocker.content.image import Image, Layer

RELEASES = (  # tags, version, date
    (("latest", "7", "7.4", "7.4.1", "bookworm"), "7.4.1", "2024-10-02T19:10:24Z"),
    (("7.2", "7.2.6"), "7.2.6", "2024-10-02T19:08:11Z"),
    (("6", "6.2", "6.2.16"), "6.2.16", "2024-10-02T19:05:42Z"),
)


def images() -> dict[str, Image]:
    """The repository's tags."""
    tags: dict[str, Image] = {}
    for names, version, created in RELEASES:
        base = [debian.slim(), 'CMD ["bash"]', *_layers(version, 41_700_000, 260, 15_862_114, created, debian.PASSWD)]
        tags.update(dict.fromkeys(names, Image(base, _config(version), created=created)))
    _, version, created = RELEASES[0]
    small = [alpine.base("3.20.5"), *_layers(version, 32_800_000, 140, 13_420_587, created, alpine.PASSWD)]
    image = Image(small, _config(version), created=created)
    return tags | dict.fromkeys(("alpine", "7-alpine", "7.4-alpine"), image)


def _config(version: str) -> ContainerConfig:
    return ContainerConfig(
        Env=[PATH, "GOSU_VERSION=1.17", f"REDIS_VERSION={version}"], Cmd=["redis-server"],
        Entrypoint=["docker-entrypoint.sh"], ExposedPorts={"6379/tcp": {}}, Volumes={"/data": {}}, WorkingDir="/data",
    )  # fmt: skip


def _layers(version: str, size: int, count: int, compressed: int, created: str, passwd: str) -> list[Layer | str]:
    server: dict[str, Node | str] = {
        "/usr/local/bin/redis-server": program(12_418_264, "redis-server"),
        "/usr/local/bin/redis-cli": program(1_402_112, "redis-cli"),
        "/usr/local/bin/redis-sentinel": symlink("redis-server"),
    }
    data = directory()
    data.uid = data.gid = 999
    rest = size - 12_418_264 - 1_402_112
    return [
        files(1_097, "RUN /bin/sh -c set -eux; groupadd -r -g 999 redis; useradd -r -g redis -u 999 redis",
              {"/etc/passwd": f"{passwd}redis:x:999:999::/home/redis:/bin/sh\n"}, modified=created),
        debian.added("/usr/share/zoneinfo", 4_300_000, 60, 868_451, "RUN /bin/sh -c set -eux; apt-get install tzdata",
                     modified=created),
        f"ENV REDIS_VERSION={version}",
        debian.added("/usr/share/redis", rest, count, max(compressed - 5_200_000, 1), "RUN /bin/sh -c set -eux; make …",
                     modified=created),
        files(5_200_000, "RUN /bin/sh -c set -eux; make install; redis-cli --version; redis-server --version", server,
              modified=created),
        files(98, "RUN /bin/sh -c mkdir /data && chown redis:redis /data", {"/data": data}, modified=created),
        "VOLUME [/data]",
        "WORKDIR /data",
        files(574, "COPY docker-entrypoint.sh /usr/local/bin/ # buildkit",
              {"/usr/local/bin/docker-entrypoint.sh": script("redis.sh")}, modified=created),
        'ENTRYPOINT ["docker-entrypoint.sh"]',
        "EXPOSE map[6379/tcp:{}]",
        'CMD ["redis-server"]',
    ]  # fmt: skip
