"""ubuntu: a Debian-like userland of one layer, with bash as its command."""

from __future__ import annotations

from functools import partial

from simdocker.actors.registry.catalogue.debian import userland
from simdocker.actors.registry.catalogue.parts import PATH, program
from simdocker.api.models import ContainerConfig
from simdocker.content.changeset import Node, put
from simdocker.content.image import Image, Layer

TOOLS = ("ps", "top", "free", "uptime", "watch", "pidof", "sysctl")  # procps, which Debian's image has not
TOOL_SIZE = 144_392

RELEASES = (  # tags, version, name, code name, bytes unpacked, files, bytes of the blob, date
    (("latest", "24.04", "noble"), "24.04", "24.04.1 LTS", "noble", 78_100_000, 2_700, 29_754_290,
     "2024-11-19T09:21:00Z"),
    (("22.04", "jammy"), "22.04", "22.04.5 LTS", "jammy", 77_900_000, 2_900, 29_534_055, "2024-09-11T16:25:00Z"),
    (("20.04", "focal"), "20.04", "20.04.6 LTS", "focal", 72_800_000, 2_800, 27_511_826, "2024-10-11T03:38:00Z"),
)  # fmt: skip


def images() -> dict[str, Image]:
    """The repository's tags."""
    tags: dict[str, Image] = {}
    for names, version, full, code, size, count, compressed, created in RELEASES:
        layer = Layer(
            partial(_tree, version, full, code, size, count), compressed,
            "/bin/sh -c #(nop) ADD file:ubuntu-base.tar.gz in / ", created,
        )  # fmt: skip
        labels = {"org.opencontainers.image.ref.name": "ubuntu", "org.opencontainers.image.version": version}
        config = ContainerConfig(Env=[PATH], Cmd=["/bin/bash"], Labels=labels)
        steps = [f"/bin/sh -c #(nop)  LABEL {name}={value}" for name, value in labels.items()]
        image = Image([*steps, layer, '/bin/sh -c #(nop)  CMD ["/bin/bash"]'], config, created=created)
        tags.update(dict.fromkeys(names, image))
    return tags


def _tree(version: str, full: str, code: str, size: int, count: int) -> Node:
    release = (
        f'PRETTY_NAME="Ubuntu {full}"\nNAME="Ubuntu"\nVERSION_ID="{version}"\n'
        f'VERSION="{full} ({code.title()})"\nVERSION_CODENAME={code}\nID=ubuntu\nID_LIKE=debian\n'
        'HOME_URL="https://www.ubuntu.com/"\nSUPPORT_URL="https://help.ubuntu.com/"\n'
        f'BUG_REPORT_URL="https://bugs.launchpad.net/ubuntu/"\nUBUNTU_CODENAME={code}\n'
    )
    lsb = (
        f'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE={version}\nDISTRIB_CODENAME={code}\nDISTRIB_DESCRIPTION="Ubuntu {full}"\n'
    )
    files = {"/etc/lsb-release": lsb, "/etc/debian_version": "trixie/sid\n"}
    root = userland(size - len(TOOLS) * TOOL_SIZE, count, release, files)
    for tool in TOOLS:
        put(root, f"/usr/bin/{tool}", program(TOOL_SIZE, "busybox"))
    return root
