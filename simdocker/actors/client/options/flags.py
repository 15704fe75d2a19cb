"""The flags that `docker run` and `docker create` share, with docker's own help texts."""

from __future__ import annotations

from simdocker.actors.client.grammar import WINDOWS, Flag
from simdocker.actors.client.options.devices import BPS, CGROUP_RULES, GPUS, IOPS, ULIMIT, WEIGHTS
from simdocker.actors.client.options.environment import ENV
from simdocker.actors.client.options.hosts import ADDRESSES, DOMAINS, EXTRA_HOSTS
from simdocker.actors.client.options.mounts import MOUNT
from simdocker.actors.client.options.networks import NETWORK
from simdocker.actors.client.options.security import SYSCTLS
from simdocker.actors.client.options.sizes import BYTES, DECIMAL, DURATION, SWAP
from simdocker.actors.client.pairs import LABELS, MAP, check_link
from simdocker.actors.client.values import BOOL, INT, LIST, STRING, UINT16, parse_uint, repeated, single


def _check_stream(text: str) -> str:
    stream = text.lower()
    if stream not in ("stdin", "stdout", "stderr"):
        raise ValueError("valid streams are STDIN, STDOUT and STDERR")
    return stream


STREAMS = repeated("list", _check_stream)
LINKS = repeated("list", check_link)

CONTAINER_FLAGS = (
    Flag("add-host", "", EXTRA_HOSTS, "Add a custom host-to-IP mapping (host:ip)"),
    Flag(
        "annotation",
        "",
        MAP,
        "Add an annotation to the container (passed through to the OCI runtime)",
        shown="map[]",
        since="1.43",
    ),
    Flag("attach", "a", STREAMS, "Attach to STDIN, STDOUT or STDERR"),
    Flag("blkio-weight", "", UINT16, "Block IO (relative weight), between 10 and 1000, or 0 to disable", shown="0"),
    Flag("blkio-weight-device", "", WEIGHTS, "Block IO weight (relative device weight)", shown="[]"),
    Flag("cap-add", "", LIST, "Add Linux capabilities"),
    Flag("cap-drop", "", LIST, "Drop Linux capabilities"),
    Flag("cgroup-parent", "", STRING, "Optional parent cgroup for the container"),
    Flag(
        "cgroupns",
        "",
        STRING,
        "Cgroup namespace to use (host|private)\n"
        "'host':    Run the container in the Docker host's cgroup namespace\n"
        "'private': Run the container in its own private cgroup namespace\n"
        "'':        Use the cgroup namespace as configured by the\n"
        "           default-cgroupns-mode option on the daemon (default)",
    ),
    Flag("cidfile", "", STRING, "Write the container ID to the file"),
    Flag("cpu-count", "", INT, "CPU count (Windows only)", elsewhere=WINDOWS),
    Flag("cpu-percent", "", INT, "CPU percent (Windows only)", elsewhere=WINDOWS),
    Flag("cpu-period", "", INT, "Limit CPU CFS (Completely Fair Scheduler) period"),
    Flag("cpu-quota", "", INT, "Limit CPU CFS (Completely Fair Scheduler) quota"),
    Flag("cpu-rt-period", "", INT, "Limit CPU real-time period in microseconds"),
    Flag("cpu-rt-runtime", "", INT, "Limit CPU real-time runtime in microseconds"),
    Flag("cpu-shares", "c", INT, "CPU shares (relative weight)"),
    Flag("cpus", "", DECIMAL, "Number of CPUs"),
    Flag("cpuset-cpus", "", STRING, "CPUs in which to allow execution (0-3, 0,1)"),
    Flag("cpuset-mems", "", STRING, "MEMs in which to allow execution (0-3, 0,1)"),
    Flag("device", "", LIST, "Add a host device to the container"),
    Flag("device-cgroup-rule", "", CGROUP_RULES, "Add a rule to the cgroup allowed devices list"),
    Flag("device-read-bps", "", BPS, "Limit read rate (bytes per second) from a device", shown="[]"),
    Flag("device-read-iops", "", IOPS, "Limit read rate (IO per second) from a device", shown="[]"),
    Flag("device-write-bps", "", BPS, "Limit write rate (bytes per second) to a device", shown="[]"),
    Flag("device-write-iops", "", IOPS, "Limit write rate (IO per second) to a device", shown="[]"),
    Flag("disable-content-trust", "", BOOL, "Skip image verification", True),
    Flag("dns", "", ADDRESSES, "Set custom DNS servers"),
    Flag("dns-option", "", LIST, "Set DNS options"),
    Flag("dns-opt", "", LIST, "Set DNS options", alias_of="dns-option"),
    Flag("dns-search", "", DOMAINS, "Set custom DNS search domains"),
    Flag("domainname", "", STRING, "Container NIS domain name"),
    Flag("entrypoint", "", STRING, "Overwrite the default ENTRYPOINT of the image"),
    Flag("env", "e", ENV, "Set environment variables"),
    Flag("env-file", "", LIST, "Read in a file of environment variables"),
    Flag("expose", "", LIST, "Expose a port or a range of ports"),
    Flag("gpus", "", GPUS, "GPU devices to add to the container ('all' to pass all GPUs)"),
    Flag("group-add", "", LIST, "Add additional groups to join"),
    Flag("health-cmd", "", STRING, "Command to run to check health"),
    Flag("health-interval", "", DURATION, "Time between running the check (ms|s|m|h)", shown="0s"),
    Flag("health-retries", "", INT, "Consecutive failures needed to report unhealthy"),
    Flag(
        "health-start-interval",
        "",
        DURATION,
        "Time between running the check during the start period (ms|s|m|h)",
        shown="0s",
        since="1.44",
    ),
    Flag(
        "health-start-period",
        "",
        DURATION,
        "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h)",
        shown="0s",
    ),
    Flag("health-timeout", "", DURATION, "Maximum time to allow one check to run (ms|s|m|h)", shown="0s"),
    Flag("help", "", BOOL, "Print usage"),
    Flag("hostname", "h", STRING, "Container host name"),
    Flag("init", "", BOOL, "Run an init inside the container that forwards signals and reaps processes"),
    Flag("interactive", "i", BOOL, "Keep STDIN open even if not attached"),
    Flag(
        "io-maxbandwidth",
        "",
        BYTES,
        "Maximum IO bandwidth limit for the system drive (Windows only)",
        shown="",
        elsewhere=WINDOWS,
    ),
    Flag(
        "io-maxiops",
        "",
        single("uint", parse_uint, 0),
        "Maximum IOps limit for the system drive (Windows only)",
        elsewhere=WINDOWS,
    ),
    Flag("ip", "", STRING, "IPv4 address (e.g., 172.30.100.104)"),
    Flag("ip6", "", STRING, "IPv6 address (e.g., 2001:db8::33)"),
    Flag("ipc", "", STRING, "IPC mode to use"),
    Flag("isolation", "", STRING, "Container isolation technology"),
    Flag("kernel-memory", "", BYTES, "Kernel memory limit"),
    Flag("label", "l", LABELS, "Set meta data on a container"),
    Flag("label-file", "", LIST, "Read in a line delimited file of labels"),
    Flag("link", "", LINKS, "Add link to another container"),
    Flag("link-local-ip", "", LIST, "Container IPv4/IPv6 link-local addresses"),
    Flag("log-driver", "", STRING, "Logging driver for the container"),
    Flag("log-opt", "", LIST, "Log driver options"),
    Flag("mac-address", "", STRING, "Container MAC address (e.g., 92:d0:c6:0a:29:33)"),
    Flag("memory", "m", BYTES, "Memory limit"),
    Flag("memory-reservation", "", BYTES, "Memory soft limit"),
    Flag("memory-swap", "", SWAP, "Swap limit equal to memory plus swap: '-1' to enable unlimited swap"),
    Flag("memory-swappiness", "", INT, "Tune container memory swappiness (0 to 100)", -1),
    Flag("mount", "", MOUNT, "Attach a filesystem mount to the container"),
    Flag("name", "", STRING, "Assign a name to the container"),
    Flag("network", "", NETWORK, "Connect a container to a network"),
    Flag("net", "", NETWORK, "Connect a container to a network", alias_of="network"),
    Flag("network-alias", "", LIST, "Add network-scoped alias for the container"),
    Flag("net-alias", "", LIST, "Add network-scoped alias for the container", alias_of="network-alias"),
    Flag("no-healthcheck", "", BOOL, "Disable any container-specified HEALTHCHECK"),
    Flag("oom-kill-disable", "", BOOL, "Disable OOM Killer"),
    Flag("oom-score-adj", "", INT, "Tune host's OOM preferences (-1000 to 1000)"),
    Flag("pid", "", STRING, "PID namespace to use"),
    Flag("pids-limit", "", INT, "Tune container pids limit (set -1 for unlimited)"),
    Flag("platform", "", STRING, "Set platform if server is multi-platform capable"),
    Flag("privileged", "", BOOL, "Give extended privileges to this container"),
    Flag("publish", "p", LIST, "Publish a container's port(s) to the host"),
    Flag("publish-all", "P", BOOL, "Publish all exposed ports to random ports"),
    Flag("quiet", "q", BOOL, "Suppress the pull output"),
    Flag("read-only", "", BOOL, "Mount the container's root filesystem as read only"),
    Flag("restart", "", STRING, "Restart policy to apply when a container exits", "no"),
    Flag("rm", "", BOOL, "Automatically remove the container and its associated anonymous volumes when it exits"),
    Flag("runtime", "", STRING, "Runtime to use for this container"),
    Flag("security-opt", "", LIST, "Security Options"),
    Flag("shm-size", "", BYTES, "Size of /dev/shm"),
    Flag("stop-signal", "", STRING, "Signal to stop the container"),
    Flag("stop-timeout", "", INT, "Timeout (in seconds) to stop a container"),
    Flag("storage-opt", "", LIST, "Storage driver options for the container"),
    Flag("sysctl", "", SYSCTLS, "Sysctl options", shown="map[]"),
    Flag("tmpfs", "", LIST, "Mount a tmpfs directory"),
    Flag("tty", "t", BOOL, "Allocate a pseudo-TTY"),
    Flag("ulimit", "", ULIMIT, "Ulimit options", shown="[]"),
    Flag("use-api-socket", "", BOOL, "Bind mount Docker API socket and required auth"),
    Flag("user", "u", STRING, "Username or UID (format: <name|uid>[:<group|gid>])"),
    Flag("userns", "", STRING, "User namespace to use"),
    Flag("uts", "", STRING, "UTS namespace to use"),
    Flag("volume", "v", LIST, "Bind mount a volume"),
    Flag("volume-driver", "", STRING, "Optional volume driver for the container"),
    Flag("volumes-from", "", LIST, "Mount volumes from the specified container(s)"),
    Flag("workdir", "w", STRING, "Working directory inside the container"),
)
