"""`--network` and the options that belong to a container's first network.

`--network` names a network, or says more of it as comma-separated keys; `--ip`, `--network-alias` and
their like stand for the same keys of the first one.
"""

from __future__ import annotations

import re

import msgspec

from simdocker.actors.client.grammar import Flags
from simdocker.actors.client.options.fields import csv_fields
from simdocker.actors.client.values import Kind, parse_int
from simdocker.api.models import EndpointIPAMConfig, EndpointSettings

DEFAULT = "default"
_BUILT_IN = (DEFAULT, "bridge", "host", "none")
_MAC = re.compile(r"[0-9a-fA-F]{2}(?:([:-])[0-9a-fA-F]{2})(?:\1[0-9a-fA-F]{2}){4}", re.ASCII)


class Attachment(msgspec.Struct, frozen=True):
    """One network a container is to join, as asked for."""

    target: str
    aliases: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    ipv4: str = ""
    ipv6: str = ""
    link_local: tuple[str, ...] = ()
    mac: str = ""
    driver_opts: tuple[tuple[str, str], ...] = ()
    priority: int = 0

    @property
    def user_defined(self) -> bool:
        """Whether the network is one that a user created."""
        return self.target not in _BUILT_IN and not self.target.startswith("container:")


def _append_network(text: str, old: list[Attachment] | None) -> list[Attachment]:
    # docker takes anything that holds a key=value for the long form
    wanted = _long(text) if re.search(r"\w+=\w+", text) else Attachment(text)
    return [*(old or ()), wanted]


def _long(text: str) -> Attachment:
    texts: dict[str, str] = {"name": "", "ip": "", "ip6": "", "mac-address": ""}
    lists: dict[str, list[str]] = {"alias": [], "link-local-ip": [], "driver-opt": []}
    priority = 0
    for field in csv_fields(text):
        key, equals, value = field.lower().partition("=")
        if not equals or not key:
            raise ValueError(f"invalid field {field}")
        key, value = key.strip(), value.strip()
        if key in texts:
            texts[key] = value
        elif key in lists:
            if key == "driver-opt" and ("=" not in value or value.startswith("=")):
                raise ValueError("invalid key value pair format in driver options")
            lists[key].append(value)
        elif key == "gw-priority":
            try:
                priority = parse_int(value)
            except ValueError as fault:
                raise ValueError(f"invalid gw-priority ({value}): {str(fault).rpartition(': ')[2]}") from None
        else:
            raise ValueError(f"invalid field key {key}")
    if not texts["name"]:
        raise ValueError("network name/id is not specified")
    driver_opts = tuple((opt.partition("=")[0].strip(), opt.partition("=")[2].strip()) for opt in lists["driver-opt"])
    return Attachment(
        texts["name"],
        tuple(lists["alias"]),
        (),
        texts["ip"],
        texts["ip6"],
        tuple(lists["link-local-ip"]),
        texts["mac-address"],
        driver_opts,
        priority,
    )


NETWORK = Kind("network", _append_network, ())


def network_mode(flags: Flags) -> str:
    """`HostConfig.NetworkMode`: the first network."""
    wanted: list[Attachment] = flags.many("network")
    return wanted[0].target if wanted else DEFAULT


def endpoints(flags: Flags) -> dict[str, EndpointSettings | None]:
    """`EndpointsConfig`. A lone network without settings is left out, as `NetworkMode` says it. Raises
    ValueError."""
    wanted: list[Attachment] = flags.many("network")
    if not wanted:
        return {DEFAULT: _endpoint(_with_flags(Attachment(DEFAULT), flags))}
    settings: dict[str, EndpointSettings | None] = {}
    for at, attachment in enumerate(wanted):
        endpoint = _endpoint(attachment if at else _with_flags(attachment, flags))
        if attachment.target in settings:
            raise ValueError(f'network "{attachment.target}" is specified multiple times')
        if len(wanted) > 1 or endpoint != EndpointSettings():
            settings[attachment.target] = endpoint
    if len({attachment.user_defined for attachment in wanted}) > 1:
        raise ValueError("conflicting options: cannot attach both user-defined and non-user-defined network-modes")
    return settings


def _with_flags(attachment: Attachment, flags: Flags) -> Attachment:
    """The first network with what `--ip` and its like say. Both saying something is a conflict."""
    changes: dict[str, object] = {}
    for field, flag, what in (
        ("aliases", "network-alias", "per-network alias"),
        ("links", "link", "per-network links"),
        ("ipv4", "ip", "per-network IPv4 address"),
        ("ipv6", "ip6", "per-network IPv6 address"),
        ("mac", "mac-address", "per-network MAC address"),
        ("link_local", "link-local-ip", "per-network link-local IP addresses"),
    ):
        value = flags.get(flag)
        if not value or (field == "links" and not attachment.user_defined):
            continue  # on the default bridge a link is the container's own, `HostConfig.Links`
        if getattr(attachment, field):
            raise ValueError(f"conflicting options: cannot specify both --{flag} and {what}")
        changes[field] = value if isinstance(value, str) else tuple(value)
    return msgspec.structs.replace(attachment, **changes)


def _endpoint(wanted: Attachment) -> EndpointSettings:
    if not wanted.target.strip():
        raise ValueError("no name set for network")
    if not wanted.user_defined:
        if wanted.aliases:
            raise ValueError("network-scoped aliases are only supported for user-defined networks")
        if wanted.links:
            raise ValueError("links are only supported for user-defined networks")
    ipam = None
    if wanted.ipv4 or wanted.ipv6 or wanted.link_local:
        ipam = EndpointIPAMConfig(
            IPv4Address=wanted.ipv4, IPv6Address=wanted.ipv6, LinkLocalIPs=list(wanted.link_local) or None
        )
    check_mac(wanted.mac)
    return EndpointSettings(
        IPAMConfig=ipam,
        Links=list(wanted.links) or None,
        Aliases=list(wanted.aliases) or None,
        MacAddress=wanted.mac,
        DriverOpts=dict(wanted.driver_opts) or None,
        GwPriority=wanted.priority,
    )


def check_mac(text: str) -> None:
    """Raise ValueError unless `text` is empty or a hardware address."""
    if text and not _MAC.fullmatch(text):
        raise ValueError(f"{text} is not a valid mac address")
