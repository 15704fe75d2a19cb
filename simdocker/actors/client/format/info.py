"""The long form of `docker info`, line by line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simdocker.actors.client.format.units import bytes_size


def client_text(client: Mapping[str, Any]) -> str:
    """The client's part."""
    lines = ["Client:", f" Version:    {client['Version']}", f" Context:    {client['Context']}"]
    lines.append(f" Debug Mode: {_bool(client['Debug'])}")
    return "\n".join(lines) + "\n\nServer:\n"


def _bool(value: object) -> str:
    return "true" if value else "false"


def server_text(info: Mapping[str, Any]) -> str:
    """The daemon's part: `GET /info` under the CLI's headings."""
    lines = [
        f" Containers: {info['Containers']}",
        f"  Running: {info['ContainersRunning']}",
        f"  Paused: {info['ContainersPaused']}",
        f"  Stopped: {info['ContainersStopped']}",
        f" Images: {info['Images']}",
    ]
    _some(lines, info, "Server Version", "ServerVersion")
    _some(lines, info, "Storage Driver", "Driver")
    lines += [f"  {name}: {value}" for name, value in info.get("DriverStatus") or ()]
    lines += [f" {name}: {value}" for name, value in info.get("SystemStatus") or ()]
    _some(lines, info, "Logging Driver", "LoggingDriver")
    _some(lines, info, "Cgroup Driver", "CgroupDriver")
    _some(lines, info, "Cgroup Version", "CgroupVersion")
    _plugins(lines, info.get("Plugins") or {})
    lines.append(f" Swarm: {(info.get('Swarm') or {}).get('LocalNodeState', '')}")
    if info.get("Runtimes"):
        lines += [f" Runtimes: {' '.join(info['Runtimes'])}", f" Default Runtime: {info.get('DefaultRuntime', '')}"]
    if info.get("OSType") == "linux":
        _linux(lines, info)
    for title, key in (
        ("Kernel Version", "KernelVersion"),
        ("Operating System", "OperatingSystem"),
        ("OSType", "OSType"),
        ("Architecture", "Architecture"),
    ):
        _some(lines, info, title, key)
    lines += [f" CPUs: {info.get('NCPU', 0)}", f" Total Memory: {bytes_size(info.get('MemTotal', 0))}"]
    _some(lines, info, "Name", "Name")
    _some(lines, info, "ID", "ID")
    lines += [f" Docker Root Dir: {info.get('DockerRootDir', '')}", f" Debug Mode: {_bool(info.get('Debug'))}"]
    if info.get("Debug"):
        lines += [f"  File Descriptors: {info.get('NFd', 0)}", f"  Goroutines: {info.get('NGoroutines', 0)}"]
        lines.append(f"  System Time: {info.get('SystemTime', '')}")
        lines.append(f"  EventsListeners: {info.get('NEventsListener', 0)}")
    _some(lines, info, "HTTP Proxy", "HttpProxy")
    _some(lines, info, "HTTPS Proxy", "HttpsProxy")
    _some(lines, info, "No Proxy", "NoProxy")
    if info.get("Labels"):
        lines += [" Labels:", *(f"  {label}" for label in info["Labels"])]
    lines.append(f" Experimental: {_bool(info.get('ExperimentalBuild'))}")
    _registries(lines, info.get("RegistryConfig") or {})
    lines.append(f" Live Restore Enabled: {_bool(info.get('LiveRestoreEnabled'))}")
    _some(lines, info, "Product License", "ProductLicense")
    if info.get("DefaultAddressPools"):
        lines.append(" Default Address Pools:")
        lines += [f"   Base: {pool['Base']}, Size: {pool['Size']}" for pool in info["DefaultAddressPools"]]
    return "\n".join(lines) + "\n\n"


def _some(lines: list[str], info: Mapping[str, Any], title: str, key: str) -> None:
    """A line that is left out when there is nothing to say."""
    if info.get(key):
        lines.append(f" {title}: {info[key]}")


def _plugins(lines: list[str], plugins: Mapping[str, Any]) -> None:
    lines += [" Plugins:", f"  Volume: {' '.join(plugins.get('Volume') or ())}"]
    lines.append(f"  Network: {' '.join(plugins.get('Network') or ())}")
    if plugins.get("Authorization"):
        lines.append(f"  Authorization: {' '.join(plugins['Authorization'])}")
    lines.append(f"  Log: {' '.join(plugins.get('Log') or ())}")


def _linux(lines: list[str], info: Mapping[str, Any]) -> None:
    lines.append(f" Init Binary: {info.get('InitBinary', '')}")
    for title, key in (("containerd", "ContainerdCommit"), ("runc", "RuncCommit"), ("init", "InitCommit")):
        lines.append(f" {title} version: {(info.get(key) or {}).get('ID', '')}")
    if info.get("SecurityOptions"):
        lines.append(" Security Options:")
        for option in info["SecurityOptions"]:
            pairs = [part.partition("=") for part in option.split(",")]
            lines += [f"  {value}" if key == "name" else f"  {key}" for key, _, value in pairs[:1]]
            lines += [f"   Profile: {value}" for key, _, value in pairs if key == "profile"]


def _registries(lines: list[str], config: Mapping[str, Any]) -> None:
    indexes, blocks = config.get("IndexConfigs") or {}, config.get("InsecureRegistryCIDRs") or ()
    if indexes or blocks:
        lines.append(" Insecure Registries:")
        lines += [f"  {index['Name']}" for index in indexes.values() if not index["Secure"]]
        lines += [f"  {block}" for block in blocks]
    if config.get("Mirrors"):
        lines += [" Registry Mirrors:", *(f"  {mirror}" for mirror in config["Mirrors"])]
