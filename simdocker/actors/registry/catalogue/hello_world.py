"""hello-world: one static program that says that everything works, on Linux and on Windows."""

from __future__ import annotations

from functools import partial

from simdocker.actors.registry.catalogue.debian import files
from simdocker.actors.registry.catalogue.parts import PATH, program
from simdocker.api.models import ContainerConfig
from simdocker.content.changeset import Node, directory, filler, put
from simdocker.content.image import Image, Layer
from simdocker.content.manifest import Platform

CREATED = "2023-05-04T17:37:03Z"
WINDOWS = Platform("amd64", "windows", os_version="10.0.20348.2700")
NANOSERVER, NANOSERVER_BLOB = 296_000_000, 118_000_000  # what Microsoft's base layer of Windows Server 2022 takes


def images() -> dict[str, Image]:
    """The repository's tags."""
    layer = files(2_457, "COPY hello / # buildkit", {"/hello": program(13_256, "hello")}, modified=CREATED)
    config = ContainerConfig(Env=[PATH], Cmd=["/hello"])
    image = Image([layer, 'CMD ["/hello"]'], config, created=CREATED)
    image.others = (_on_windows(image),)
    return dict.fromkeys(("latest", "linux"), image)


def _on_windows(image: Image) -> Image:
    base = Layer(partial(_tree, "Files/Windows/System32/ntdll.dll", NANOSERVER), NANOSERVER_BLOB, "Apply image")
    text = Layer(partial(_tree, "Files/hello.txt", 1_600), 1_200, "COPY hello.txt C: # buildkit")
    config = ContainerConfig(Cmd=["cmd", "/C", "type C:\\hello.txt"])
    return Image([base, text], config, created=CREATED, platform=WINDOWS, beside=image)


def _tree(path: str, size: int) -> Node:
    root = directory()
    put(root, f"/{path}", filler(size))
    return root
