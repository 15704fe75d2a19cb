"""Images: what the daemon can make containers of.

`Images` answers the `/images` calls and keeps the parts together: the store of images and names,
the layers they are made of, and the downloads under way. How an image comes is in `pull.py`, how it
goes in `image_removal.py`, and what the API shows of it in `image_views.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simdocker.actors.daemon import image_views
from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.downloads import Downloads
from simdocker.actors.daemon.image_removal import Removal
from simdocker.actors.daemon.image_store import Image, ImageStore
from simdocker.actors.daemon.importing import import_image
from simdocker.actors.daemon.layers import Layers, StoredLayer
from simdocker.actors.daemon.pull import Pull
from simdocker.actors.daemon.query import Filters, truthy
from simdocker.actors.distribution.session import auth_config
from simdocker.api import ApiError, BadRequest, InternalError, NotFound, Request, Response
from simdocker.backends.ports import Process
from simdocker.content import digest as digests
from simdocker.content import reference as references
from simdocker.content.glob import BadPattern, path_match
from simdocker.content.reference import InvalidReference, Reference

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.content import image as content
    from simdocker.content.manifest import ImageConfig

__all__ = ["Image", "Images"]

LIST_FILTERS = frozenset(("before", "dangling", "label", "reference", "since"))


class Images:
    """The images of one daemon."""

    __slots__ = ("daemon", "downloads", "layers", "orphans", "store")

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.store = ImageStore()
        if daemon.memory is not None:
            self.store.on_naming = daemon.memory.keep_names
        self.layers = Layers(daemon)
        self.downloads = Downloads(daemon)
        self.orphans: dict[str, StoredLayer] = {}  # deleted images whose layers containers still use

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/images/json", self.list, looks=True),
            Route("POST", "/images/create", self.create),
            Route("GET", "/images/{name}/json", self.inspect, looks=True),
            Route("GET", "/images/{name}/history", self.history),
            Route("POST", "/images/{name}/tag", self.tag),
            Route("DELETE", "/images/{name}", self.delete),
        ]

    # -- for the other parts of the daemon ----------------------------------------------------

    def get(self, reference_or_id: str) -> Image:
        """By name, id or unambiguous beginning of an id. Raises NotFound("No such image: …"), or
        BadRequest for what can be neither."""
        return self.store.find(reference_or_id)

    def __len__(self) -> int:
        return len(self.store)

    def keep(self, document: ImageConfig, top: StoredLayer | None) -> Image:
        """An image whose layers are all here: from now on it exists, and holds them."""
        image = self.store.by_id(document.digest)
        if image is None:
            size, below = 0, top
            while below is not None:
                size += below.size
                below = below.parent
            image = Image(document, top, size)
            self.daemon.keep(image, new=True)
            if top is not None:
                self.layers.hold(top)
            self.store.add(image)
        return image

    def descend(self, image: Image, parent: Image | None) -> None:
        """An image was committed over another, or over nothing."""
        image.parent = parent
        self.daemon.keep(image)

    def install(self, image: content.Image, *names: str) -> Process:
        """Process → Image: put an image here without a registry, as `docker load` would.

        For worlds whose hosts have images from the start."""
        top: StoredLayer | None = None
        for layer in image.layers:
            below = top.chain_id if top is not None else ""
            here = self.layers.get(digests.chain_id(below, layer.diff_id))
            if here is None:
                here = yield from self.layers.register(digests.chain_id(below, layer.diff_id), below, layer)
                here.holders -= 1  # the image holds the uppermost, and each layer the one below
            top = here
        kept = self.keep(image.config, top)
        for name in names:
            self.store.name(references.parse(name), kept)
        return kept

    def collect(self, image: Image | None) -> Process:
        """Process: a container of `image` is gone. The layers of an image that was deleted by force
        go with its last container."""
        if image is None or image.id not in self.orphans or self.daemon.containers.using_image(image.id):
            return
        self.daemon.drop(image)
        yield from self.layers.release(self.orphans.pop(image.id))

    # -- the API --------------------------------------------------------------------------------

    def list(self, request: Request) -> Reply:
        """Process: `GET /images/json`, newest first. `all` adds the intermediate images of builds."""
        filters = Filters.parse(request.query.get("filters"), LIST_FILTERS)
        yield self.daemon.work("image.list")
        everything = truthy(request.query.get("all"))
        dangling = filters.boolean("dangling")
        before = [self.get(name).created_ns for name in filters.get("before")]
        since = [self.get(name).created_ns for name in filters.get("since")]
        shown: list[tuple[int, dict[str, Any]]] = []
        for image in self.store.all():
            if any(image.created_ns >= at for at in before) or any(image.created_ns <= at for at in since):
                continue
            if not filters.labels(image.config.Labels):
                continue
            names = [name for name in image.names if _wanted(name, filters)]
            tags = [name.familiar for name in names if not name.digest]
            digests = [name.familiar for name in names if name.digest]
            if not names:
                if (dangling or not everything) and self.store.children(image):
                    continue  # an intermediate image of a build
                if dangling is False or "reference" in filters:
                    continue
                tags, digests = image_views.named(tags, digests)
            elif dangling and tags:
                continue
            shown.append((image.created_ns, image_views.summary(image, tags, digests)))
        shown.sort(key=lambda pair: -pair[0])
        return Response(200, [summary for _, summary in shown])

    def inspect(self, request: Request, name: str) -> Reply:
        """Process: `GET /images/{name}/json`."""
        yield self.daemon.work("api.inspect")
        try:
            image = self.get(name)
        except ApiError as error:
            raise NotFound(f"no such image: {name}: {error.message}") from None
        return Response(200, image_views.inspection(self.daemon.storage, image))

    def history(self, request: Request, name: str) -> Reply:
        """Process: `GET /images/{name}/history`."""
        yield self.daemon.work("api.inspect")
        return Response(200, list(image_views.history(self.get(name))))

    def tag(self, request: Request, name: str) -> Reply:
        """Process: `POST /images/{name}/tag`: another name for the same image."""
        image = self.get(name)
        yield from self.name_as(image, request.query.get("repo", ""), request.query.get("tag", ""))
        return Response(201)

    def name_as(self, image: Image, repo: str, tag: str) -> Process:
        """Process → the name as people write it: another name for an image, as a request gives it."""
        try:
            wanted = references.parse(repo)
            if tag:
                wanted = wanted.with_tag(tag)
            elif wanted.digest:
                raise InvalidReference("refusing to create a tag with a digest reference")
            yield from self.give_name(image, wanted)
        except BadRequest as error:  # dockerd 20.10 does not say that this is the client's fault
            raise InternalError(error.message) from None
        return wanted.or_latest().familiar

    def give_name(self, image: Image, wanted: Reference) -> Process:
        """Process: another name for an image. Raises BadRequest for one that could be an id."""
        yield self.daemon.work("image.tag")
        self.store.name(wanted, image)
        image.last_tagged_ns = self.daemon.env.now
        self.daemon.keep(image)
        self.daemon.trace.state(
            f"image/{wanted.or_latest().familiar}",
            "tagged",
            {"on": self.daemon.host, "id": digests.short(image.id), "layers": image.stack},
        )
        self.daemon.events.emit("image", "tag", image.id, {**(image.config.Labels or {}), "name": wanted.familiar})

    def delete(self, request: Request, name: str) -> Reply:
        """Process: `DELETE /images/{name}`: untag, and delete what nothing names or uses."""
        image = self.get(name)
        removal = Removal(
            self.daemon,
            self.store,
            image,
            force=truthy(request.query.get("force")),
            prune=not truthy(request.query.get("noprune")),
        )
        if image.id.startswith(name) or image.id.startswith(name, 7):
            records = yield from removal.by_id()
        else:
            records = yield from removal.by_name(name)
        return Response(200, records)

    def create(self, request: Request) -> Reply:
        """Process: `POST /images/create`: pull, or import. Answers when the first manifest is here; the rest
        is a stream of progress."""
        query = request.query
        wanted = self.daemon.platform_of(query.get("platform", ""))
        name = query.get("fromImage", "")
        if not name:
            return (yield from import_image(self.daemon, request, wanted or self.daemon.platform))
        reference = references.parse(name.removesuffix(":"))
        tag = query.get("tag", "")
        if tag:
            reference = reference.with_tag(tag) if digests.fault(tag) else reference.with_digest(tag)
        response: Response = yield from Pull(self.daemon, reference, wanted, auth_config(request.headers)).start()
        return response


def _wanted(name: Reference, filters: Filters) -> bool:
    """Whether one of the `reference` patterns matches (Go's `reference.FamiliarMatch`)."""
    patterns = filters.get("reference")
    if not patterns:
        return True
    try:
        return any(
            path_match(pattern, name.familiar) or path_match(pattern, name.familiar_name) for pattern in patterns
        )
    except BadPattern as error:
        raise InternalError(str(error)) from None
