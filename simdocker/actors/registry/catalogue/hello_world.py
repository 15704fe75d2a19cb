"""hello-world: one static program that says that everything works."""

from __future__ import annotations

from simdocker.actors.registry.catalogue.debian import files
from simdocker.actors.registry.catalogue.parts import PATH, program
from simdocker.api.models import ContainerConfig
from simdocker.content.image import Image

CREATED = "2023-05-04T17:37:03Z"


def images() -> dict[str, Image]:
    """The repository's tags."""
    layer = files(2_457, "COPY hello / # buildkit", {"/hello": program(13_256, "hello")}, modified=CREATED)
    config = ContainerConfig(Env=[PATH], Cmd=["/hello"])
    return dict.fromkeys(("latest", "linux"), Image([layer, 'CMD ["/hello"]'], config, created=CREATED))
