"""postgres: a database that its entrypoint sets up on the first start, if it is given a password."""

from __future__ import annotations

from simdocker.actors.registry.catalogue import debian
from simdocker.actors.registry.catalogue.debian import files
from simdocker.actors.registry.catalogue.parts import PATH, program, script
from simdocker.api.models import ContainerConfig
from simdocker.content.changeset import Node, directory
from simdocker.content.image import Image, Layer

RELEASES = (  # tags, version, package, date
    (("latest", "17", "17.2", "bookworm"), "17.2", "17.2-1.pgdg120+1", "2024-11-21T18:01:28Z"),
    (("16", "16.6"), "16.6", "16.6-1.pgdg120+1", "2024-11-21T18:01:28Z"),
    (("15", "15.10"), "15.10", "15.10-1.pgdg120+1", "2024-11-21T18:01:28Z"),
)


def images() -> dict[str, Image]:
    """The repository's tags."""
    tags: dict[str, Image] = {}
    for names, version, package, created in RELEASES:
        steps = [debian.slim(), 'CMD ["bash"]', *_layers(version, package, created)]
        major = version.partition(".")[0]
        config = ContainerConfig(
            Env=[
                f"{PATH}:/usr/lib/postgresql/{major}/bin", "GOSU_VERSION=1.17", "LANG=en_US.utf8", f"PG_MAJOR={major}",
                f"PG_VERSION={package}", "PGDATA=/var/lib/postgresql/data",
            ],
            Cmd=["postgres"], Entrypoint=["docker-entrypoint.sh"], ExposedPorts={"5432/tcp": {}},
            Volumes={"/var/lib/postgresql/data": {}}, StopSignal="SIGINT",
        )  # fmt: skip
        tags.update(dict.fromkeys(names, Image(steps, config, created=created)))
    return tags


def _layers(version: str, package: str, created: str) -> list[Layer | str]:
    major = version.partition(".")[0]
    bin = f"/usr/lib/postgresql/{major}/bin"
    server: dict[str, Node | str] = {f"{bin}/{name}": program(size, "postgres") for name, size in (
        ("postgres", 9_842_712), ("initdb", 142_880), ("pg_isready", 84_216), ("psql", 812_344),
    )}  # fmt: skip
    data = directory(0o1777)
    data.uid = data.gid = 999

    def packages(name: str, size: int, count: int, compressed: int, step: str) -> Layer:
        return debian.added(f"/usr/share/{name}", size, count, compressed, f"RUN /bin/sh -c {step}", modified=created)

    return [
        packages("gnupg", 11_900_000, 160, 4_534_219, "set -ex; apt-get install -y --no-install-recommends gnupg"),
        files(1_186, "RUN /bin/sh -c set -eux; groupadd -r postgres --gid=999; useradd -r -g postgres --uid=999 …",
              {"/etc/passwd": debian.PASSWD + "postgres:x:999:999::/var/lib/postgresql:/bin/bash\n",
               "/etc/group": debian.GROUP + "postgres:x:999:\n", "/var/lib/postgresql": data}, modified=created),
        packages("gosu", 3_930_000, 4, 1_447_301, "set -eux; wget -O /usr/local/bin/gosu …; gosu nobody true"),
        packages("locale", 26_300_000, 320, 8_066_177, "set -eux; apt-get install -y locales; localedef …"),
        packages("nss_wrapper", 3_100_000, 40, 1_196_880, "set -eux; apt-get install -y libnss-wrapper xz-utils zstd"),
        files(116, "RUN /bin/sh -c mkdir /docker-entrypoint-initdb.d", {"/docker-entrypoint-initdb.d": directory()},
              modified=created),
        files(3_143, "RUN /bin/sh -c set -ex; key='B97B0AFCAA1A47F044F244A07FCC7D46ACCC4CF8'; …",
              {"/usr/local/share/keyrings/postgres.gpg.asc": "…\n"}, modified=created),
        f"ENV PG_VERSION={package}",
        packages("postgresql", 288_600_000, 2_300, 107_912_417, "set -ex; apt-get install postgresql-$PG_MAJOR …"),
        files(3_980_000, f"RUN /bin/sh -c postgres --version  # {version}", server, modified=created),
        files(128, "RUN /bin/sh -c mkdir -p /var/run/postgresql && chmod 3777 /var/run/postgresql",
              {"/run/postgresql": directory(0o3777)}, modified=created),
        "ENV PGDATA=/var/lib/postgresql/data",
        files(169, 'RUN /bin/sh -c install --directory --mode 1777 "$PGDATA"', {"/var/lib/postgresql/data": data},
              modified=created),
        "VOLUME [/var/lib/postgresql/data]",
        files(5_925, "COPY docker-entrypoint.sh docker-ensure-initdb.sh /usr/local/bin/ # buildkit",
              {"/usr/local/bin/docker-entrypoint.sh": script("postgres.sh")}, modified=created),
        'ENTRYPOINT ["docker-entrypoint.sh"]',
        "STOPSIGNAL SIGINT",
        "EXPOSE map[5432/tcp:{}]",
        'CMD ["postgres"]',
    ]  # fmt: skip
