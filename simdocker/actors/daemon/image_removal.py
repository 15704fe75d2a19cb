"""Removing images: `docker rmi` untags first, and deletes only what nothing names or needs.

The rules, their order and the sentences are those of dockerd 20.10 (`daemon/images/image_delete.go`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simdocker.actors.daemon.image_store import Image, ImageStore
from simdocker.api import Conflict
from simdocker.backends.ports import Process
from simdocker.content import digest as digests
from simdocker.content import reference as references
from simdocker.content.reference import Reference

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

Records = list[dict[str, str]]
"""What happened, as the API tells it: `{"Untagged": name}` and `{"Deleted": id}`, in order."""


class InUse(Conflict):
    """409: something needs the image."""


class Removal:
    """One `DELETE /images/{name}`."""

    __slots__ = ("daemon", "force", "image", "prune", "records", "store")

    def __init__(self, daemon: Daemon, store: ImageStore, image: Image, *, force: bool, prune: bool = True) -> None:
        self.daemon = daemon
        self.store = store
        self.image = image
        self.force = force
        self.prune = prune  # take the nameless, unused images below along
        self.records: Records = []

    def by_name(self, text: str) -> Process:
        """Process → Records: remove the name `text`.

        1. Refuse to take the last name of an image that a container uses, unless forced.
        2. Untag; when no tag of that repository is left, its digests go too.
        3. With no name left, delete the image, unless something still uses it.
        """
        image = self.image
        if not self.force and _single(image.names):
            users = self.daemon.containers.using_image(image.id)
            if users:
                raise Conflict(
                    f'conflict: unable to remove repository reference "{text}" (must force) - container '
                    f"{users[0].id[:12]} is using its referenced image {digests.short(image.id)}"
                )
        yield self.daemon.work("image.untag")
        removed = self.store.unname(references.parse(text))
        self._untagged(removed)
        self.daemon.events.emit("image", "untag", image.id, self._attributes())
        if not removed.digest and not any(n.name == removed.name and not n.digest for n in image.names):
            for name in [n for n in image.names if n.name == removed.name]:
                self._untagged(self.store.unname(name))
        if not image.names:
            try:
                self._check(active_names=True)
            except InUse:
                return self.records
            yield from self._delete()
        return self.records

    def by_id(self) -> Process:
        """Process → Records: remove the image with all its names, which must be of one repository
        unless forced."""
        if _single(self.image.names):
            self._check(active_names=False)
            for name in self.image.names:
                yield self.daemon.work("image.untag")
                self._untagged(self.store.unname(name))
                self.daemon.events.emit("image", "untag", self.image.id, self._attributes())
        self._check(active_names=True)
        for name in self.image.names:
            self._untagged(self.store.unname(name))
        yield from self._delete()
        return self.records

    def _check(self, active_names: bool) -> None:
        """Raises InUse for a running container always, for other things unless forced."""
        if self.store.children(self.image):
            raise self._in_use("cannot be forced", "image has dependent child images")
        users = self.daemon.containers.using_image(self.image.id)
        for container in users:
            if container.running:
                raise self._in_use("cannot be forced", f"image is being used by running container {container.id[:12]}")
        if self.force:
            return
        if active_names and self.image.names:
            raise self._in_use("must be forced", "image is referenced in multiple repositories")
        if users:
            raise self._in_use("must be forced", f"image is being used by stopped container {users[0].id[:12]}")

    def _in_use(self, force: str, reason: str) -> InUse:
        return InUse(f"conflict: unable to delete {digests.short(self.image.id)} ({force}) - {reason}")

    def _delete(self) -> Process:
        """Process: forget the image and, with `prune`, those below it that only it needed."""
        yield from self._delete_one(self.image)
        below = self.image.parent
        while self.prune and below is not None and self._needless(below):
            yield from self._delete_one(below)
            below = below.parent

    def _needless(self, image: Image) -> bool:
        using = self.daemon.containers.using_image(image.id)
        return not (image.names or using or self.store.children(image))

    def _delete_one(self, image: Image) -> Process:
        """Process: forget one image and release its layers."""
        self.store.remove(image)
        self.records.append({"Deleted": image.id})
        if image.holds is not None and self.daemon.containers.using_image(image.id):
            self.daemon.images.orphans[image.id] = image.holds
            image.orphan = True
            self.daemon.keep(image)
        else:
            self.daemon.drop(image)
        if image.holds is not None and not image.orphan:
            deleted = yield from self.daemon.images.layers.release(image.holds)
            self.records += [{"Deleted": chain_id} for chain_id in deleted]
        self.daemon.trace.state(f"image/{digests.short(image.id)}", "deleted", {"on": self.daemon.host})
        self.daemon.events.emit("image", "delete", image.id, {"name": image.id})

    def _untagged(self, name: Reference) -> None:
        self.records.append({"Untagged": name.familiar})
        if not name.digest:
            self.daemon.trace.state(f"image/{name.familiar}", "untagged", {"on": self.daemon.host})

    def _attributes(self) -> dict[str, str]:
        return {**(self.image.config.Labels or {}), "name": self.image.id}


def _single(names: tuple[Reference, ...]) -> bool:
    """Whether there is at most one tag, and everything else is a digest of the same repository."""
    if len(names) <= 1:
        return True
    tags = [name for name in names if not name.digest]
    repositories = {name.name for name in names if name.digest}
    return len(tags) <= 1 and repositories == {(tags or names)[0].name}
