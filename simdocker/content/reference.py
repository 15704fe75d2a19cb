"""Image references: `busybox`, `registry.lab:5000/team/web:1`, `alpine@sha256:…`.

What a user types is short ("familiar") and stands for a full name: Docker Hub and `library/` are
implied, and so is the tag `latest` where one is needed. Rules and error texts are those of the
`reference` package that dockerd 20.10 uses; `parse_as_cli` differs as docker CLI 28 does.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from simdocker.api.errors import BadRequest
from simdocker.content import digest as digests

HUB = "docker.io"
LEGACY_HUB = "index.docker.io"
DEFAULT_TAG = "latest"
NAME_LENGTH = 255

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-*)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(
    rf"(?P<domain>{_DOMAIN})/(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?\Z"
)
_ONLY_TAG = re.compile(rf"{_TAG}\Z")


class InvalidReference(BadRequest):
    """400: a text that is no image reference, with Docker's sentence for why."""


class Reference(msgspec.Struct, frozen=True, gc=False):
    """A full name: registry, repository path, and a tag or digest or neither ("")."""

    domain: str  # "docker.io", "registry.lab:5000"
    path: str  # "library/busybox"
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """`docker.io/library/busybox`."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """`busybox`: the name as people write it."""
        if self.domain != HUB:
            return f"{self.domain}/{self.path}"
        path = self.path
        return path[8:] if path.startswith("library/") and "/" not in path[8:] else path

    @property
    def familiar(self) -> str:
        """`busybox:latest`: name and tag or digest as people write them."""
        return self.familiar_name + self._suffix

    @property
    def canonical(self) -> str:
        """`docker.io/library/busybox:latest`."""
        return f"{self.domain}/{self.path}{self._suffix}"

    @property
    def _suffix(self) -> str:
        suffix = f":{self.tag}" if self.tag else ""
        return f"{suffix}@{self.digest}" if self.digest else suffix

    @property
    def name_only(self) -> bool:
        """Whether it has neither tag nor digest."""
        return not (self.tag or self.digest)

    def with_tag(self, tag: str) -> Reference:
        """The same repository at `tag`. Raises InvalidReference."""
        if not _ONLY_TAG.match(tag):
            raise InvalidReference("invalid tag format")
        return Reference(self.domain, self.path, tag)

    def with_digest(self, digest: str) -> Reference:
        """The same repository at `digest`."""
        return Reference(self.domain, self.path, "", digest)

    def or_latest(self) -> Reference:
        """With the tag `latest` when it has neither tag nor digest."""
        return self if self.tag or self.digest else Reference(self.domain, self.path, DEFAULT_TAG)

    def __str__(self) -> str:
        return self.familiar


@lru_cache(4096)
def parse(text: str) -> Reference:
    """The reference a user means by `text`, as dockerd reads it. Raises InvalidReference."""
    if digests.HEX.match(text):
        raise InvalidReference(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    domain, remainder = _split(text, "")
    if _has_upper(remainder):
        raise InvalidReference("invalid reference format: repository name must be lowercase")
    return _match(domain, remainder)


@lru_cache(4096)
def parse_as_cli(text: str) -> Reference:
    """The same as docker CLI 28 reads it, before it asks a daemon: an upper-case first component
    is a registry to it, and its complaint names the repository. Raises InvalidReference."""
    if digests.HEX.match(text):
        raise InvalidReference(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    domain, remainder = _split(text, "upper")
    if _has_upper(remainder):
        name = remainder.partition(":")[0]
        raise InvalidReference(f"invalid reference format: repository name ({name}) must be lowercase")
    return _match(domain, remainder)


@lru_cache(maxsize=4096)
def parse_id(text: str) -> str:
    """The full image id `text` spells out ("sha256:…"), or "" when it does not."""
    if digests.HEX.match(text):
        return "sha256:" + text
    return text if ":" in text and not digests.fault(text) else ""


def _has_upper(remainder: str) -> bool:
    name = remainder.partition(":")[0]
    return name != name.lower()


def _split(text: str, upper: str) -> tuple[str, str]:
    """Registry and the rest. Without a dot, a port or `localhost` the first component is no registry."""
    domain, slash, remainder = text.partition("/")
    is_domain = slash and (
        "." in domain or ":" in domain or domain == "localhost" or (upper and domain != domain.lower())
    )
    if not is_domain:
        domain, remainder = HUB, text
    if domain == LEGACY_HUB:
        domain = HUB
    if domain == HUB and "/" not in remainder:
        remainder = "library/" + remainder
    return domain, remainder


def _match(domain: str, remainder: str) -> Reference:
    found = _REFERENCE.match(f"{domain}/{remainder}")
    if found is None:
        raise InvalidReference("invalid reference format")
    path, tag, digest = found["path"], found["tag"] or "", found["digest"] or ""
    if len(found["domain"]) + 1 + len(path) > NAME_LENGTH:
        raise InvalidReference("repository name must not be more than 255 characters")
    if digest:
        fault = digests.fault(digest)
        if fault:
            raise InvalidReference(fault)
    return Reference(found["domain"], path, tag, digest)
