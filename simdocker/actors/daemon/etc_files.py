"""The three files Docker writes into every container: /etc/hosts, /etc/hostname, /etc/resolv.conf.

They are how a container finds names: the default bridge copies the host's name servers, a
user-defined network points at the embedded DNS at 127.0.0.11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from simdocker.actors.daemon.links import hosts_lines
from simdocker.actors.daemon.network_modes import CONTAINER

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.api.models import HostConfig

LOOPBACK = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""
EMBEDDED_DNS = "nameserver 127.0.0.11\noptions ndots:0\n"
NAME_SERVER = "10.53.53.53"  # the host's, unless `host_facts` names another; also the recordings'


def etc_files(daemon: Daemon, container: Container) -> Mapping[str, str]:
    """Path → text, for a container whose networks are attached."""
    host, config = container.host, container.config
    mode = host.NetworkMode
    if mode.startswith(CONTAINER):
        return etc_files(daemon, daemon.containers.get(mode.removeprefix(CONTAINER)))
    hostname = config.Hostname
    if mode == "host":
        hosts = f"127.0.0.1\tlocalhost\n127.0.1.1\t{hostname}\n"
    else:
        hosts = LOOPBACK
    if host.ExtraHosts:
        hosts += "".join(_extra(daemon, entry) for entry in host.ExtraHosts)
    if host.Links:
        hosts += hosts_lines(daemon, container)
    full_name = f"{hostname}.{config.Domainname}" if config.Domainname else hostname
    label = f"{full_name} {full_name.partition('.')[0]}" if "." in full_name else full_name
    sandbox = container.sandbox
    embedded = mode != "host" and sandbox is not None and sandbox.resolver is not None
    for state in container.endpoints.values():
        if state.endpoint is not None:
            hosts = f"{hosts}{state.endpoint.address}\t{label}\n"
    if embedded and not host.DnsSearch and not host.DnsOptions:
        resolv = EMBEDDED_DNS
    else:
        resolv = _resolv(daemon, host, embedded)
    return {"/etc/hosts": hosts, "/etc/hostname": hostname + "\n", "/etc/resolv.conf": resolv}


def _extra(daemon: Daemon, entry: str) -> str:
    name, _, address = entry.partition(":")
    if address == "host-gateway":
        address = daemon.networks.find("bridge").gateway
    return f"{address}\t{name}\n"


def _resolv(daemon: Daemon, host: HostConfig, embedded: bool) -> str:
    name_server = daemon.host_facts.get("NameServer", NAME_SERVER)
    if not (embedded or host.Dns or host.DnsSearch or host.DnsOptions):
        return f"nameserver {name_server}\n"
    servers = ["127.0.0.11"] if embedded else host.Dns or [str(name_server)]
    options = list(host.DnsOptions or ())
    if embedded and not any(option.startswith("ndots:") for option in options):
        options.append("ndots:0")
    search = f"search {' '.join(host.DnsSearch)}\n" if host.DnsSearch and host.DnsSearch != ["."] else ""
    return (
        search
        + "".join(f"nameserver {server}\n" for server in servers)
        + (f"options {' '.join(options)}\n" if options else "")
    )
