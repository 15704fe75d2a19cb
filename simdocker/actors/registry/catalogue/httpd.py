"""httpd: the Apache web server under /usr/local/apache2."""

from __future__ import annotations

from functools import partial

from simdocker.actors.registry.catalogue import debian
from simdocker.actors.registry.catalogue.debian import files
from simdocker.actors.registry.catalogue.parts import PATH, program, script
from simdocker.api.models import ContainerConfig
from simdocker.content.changeset import Node, directory, file, put, total_size
from simdocker.content.image import Image, Layer, bulk

HOME = "/usr/local/apache2"
INDEX = "<html><body><h1>It works!</h1></body></html>\n"
CONF = """\
ServerRoot "/usr/local/apache2"
Listen 80
User www-data
Group www-data
DocumentRoot "/usr/local/apache2/htdocs"
DirectoryIndex index.html
ErrorLog /proc/self/fd/2
CustomLog /proc/self/fd/1 common
"""

RELEASES = (  # tags, version, date
    (("latest", "2", "2.4", "2.4.62", "bookworm"), "2.4.62", "2024-07-17T17:55:16Z"),
    (("2.4.59",), "2.4.59", "2024-04-04T22:10:03Z"),
)


def images() -> dict[str, Image]:
    """The repository's tags."""
    tags: dict[str, Image] = {}
    for names, version, created in RELEASES:
        steps: list[Layer | str] = [
            debian.slim(),
            'CMD ["bash"]',
            "ENV HTTPD_PREFIX=/usr/local/apache2",
            files(145, 'RUN /bin/sh -c mkdir -p "$HTTPD_PREFIX" && chown www-data:www-data "$HTTPD_PREFIX"',
                  {HOME: directory()}, modified=created),
            files(32, f"WORKDIR {HOME}", {f"{HOME}/logs": directory()}, modified=created),
            debian.added("/usr/lib/x86_64-linux-gnu/apr", 12_100_000, 120, 4_197_356,
                         "RUN /bin/sh -c set -eux; apt-get install -y --no-install-recommends libaprutil1-ldap …",
                         modified=created),
            Layer(partial(_server, 60_900_000, 900), 25_990_812,
                  f"RUN /bin/sh -c set -eux; … ./configure --prefix={HOME}; make; make install; httpd -v", created),
            "STOPSIGNAL SIGWINCH",
            files(293, "COPY httpd-foreground /usr/local/bin/ # buildkit",
                  {"/usr/local/bin/httpd-foreground": script("httpd-foreground.sh")}, modified=created),
            "EXPOSE map[80/tcp:{}]",
            'CMD ["httpd-foreground"]',
        ]  # fmt: skip
        config = ContainerConfig(
            Env=[PATH.replace("PATH=", f"PATH={HOME}/bin:"), f"HTTPD_PREFIX={HOME}", f"HTTPD_VERSION={version}"],
            Cmd=["httpd-foreground"], ExposedPorts={"80/tcp": {}}, WorkingDir=HOME, StopSignal="SIGWINCH",
        )  # fmt: skip
        tags.update(dict.fromkeys(names, Image(steps, config, created=created)))
    return tags


def _server(size: int, count: int) -> Node:
    root = directory()
    put(root, f"{HOME}/bin/httpd", program(1_034_216, "httpd"))
    put(root, f"{HOME}/conf/httpd.conf", file(CONF))
    put(root, f"{HOME}/htdocs/index.html", file(INDEX))
    put(root, f"{HOME}/cgi-bin/test-cgi", file('#!/bin/sh\necho "Content-type: text/plain"\necho\n'))
    bulk(root, f"{HOME}/manual", size - total_size(root), count)
    return root
