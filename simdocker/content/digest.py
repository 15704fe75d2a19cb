"""Digests: the names of content, `sha256:` and 64 hexadecimal digits.

In OCI everything is named by the hash of its bytes, which is why a layer can be fetched from
anywhere and why two tags can be one image. Here the hashes are real ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256

HEX = re.compile(r"[0-9a-f]{64}\Z")
DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}\Z")
LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}


def of(data: bytes | str) -> str:
    """The digest of some bytes (a text in UTF-8)."""
    return "sha256:" + sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def short(digest: str) -> str:
    """The 12 hexadecimal digits people see."""
    return digest.rpartition(":")[2][:12]


def fault(text: str) -> str:
    """What is wrong with `text` as a digest, in the words of Go's digest package; "" when it is one."""
    algorithm, colon, digits = text.partition(":")
    if not colon or not DIGEST.match(text):
        return "invalid checksum digest format"
    if algorithm not in LENGTHS:
        return "unsupported digest algorithm"
    if len(digits) != LENGTHS[algorithm]:
        return "invalid checksum digest length"
    return "" if digits == digits.lower() else "invalid checksum digest format"


def chain_ids(diff_ids: Iterable[str]) -> tuple[str, ...]:
    """The chain id of each layer with all below it (OCI image spec, "Layer ChainID")."""
    chain: list[str] = []
    for diff_id in diff_ids:
        chain.append(chain_id(chain[-1] if chain else "", diff_id))
    return tuple(chain)


@lru_cache(4096)
def chain_id(below: str, diff_id: str) -> str:
    """The chain id of a layer over the chain `below` ("" for none). Remembered, as every daemon that
    pulls an image asks for the same ones."""
    return of(f"{below} {diff_id}") if below else diff_id
