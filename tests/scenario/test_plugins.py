"""Plugins: installed, enabled, used, and seen to fail. The sentences are those of a real engine, recorded
with a volume and a network plugin of our own."""

from collections.abc import Generator, Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from simdocker.backends.sim import plugins
from simdocker.errors import UserError
from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play
from simdocker.scenario.result import Run, StepResult

WORLD = {"hosts": {"laptop": {}, "nas": {"daemon": False}}, "registries": {"docker.io": {}, "lab:5000": {}}}
INSTALL = "docker plugin install --grant-all-permissions vieux/sshfs"
VOLUME = "docker volume create -d vieux/sshfs -o sshcmd=root@nas:/srv"
PACK = (
    'mkdir -p p/rootfs; echo x > p/rootfs/x; echo \'{"entrypoint":["/p"],"env":[{"name":"KIND","value":"a"},'
    '{"name":"DEBUG","value":"0","settable":["value"]}],"interface":{"types":["docker.volumedriver/1.0"]}}\''
    " > p/config.json; docker plugin create lab:5000/me/p p"
)
CREATED = "docker plugin inspect -f '{{json .Settings.Env}}' lab:5000/me/p"


def played(*steps: str | dict[str, Any]) -> Run:
    return play(Scenario.of({"world": WORLD, "steps": [{"run": s} if isinstance(s, str) else s for s in steps]}))


def last(*steps: str | dict[str, Any]) -> StepResult:
    return played(*steps).steps[-1]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["docker plugin enable nope"], 'plugin "nope" not found'),
        ([INSTALL, INSTALL], "plugin vieux/sshfs:latest already exists"),
        (
            [INSTALL, "docker plugin enable vieux/sshfs"],
            "plugin already enabled: plugin vieux/sshfs:latest is enabled",
        ),
        (
            [INSTALL, "docker plugin set vieux/sshfs DEBUG=1"],
            "cannot set on an active plugin, disable plugin before setting",
        ),
        ([INSTALL, VOLUME, "docker plugin disable vieux/sshfs"], "plugin vieux/sshfs:latest is in use"),
        ([INSTALL, VOLUME, "docker plugin rm vieux/sshfs"], "plugin vieux/sshfs:latest is in use"),
        (
            [f"{INSTALL} --disable", "docker plugin disable vieux/sshfs"],
            "plugin is already disabled: plugin vieux/sshfs:latest found but disabled",
        ),
        (
            [f"{INSTALL} --disable", f"{VOLUME} data"],
            "create data: error looking up volume plugin vieux/sshfs: plugin vieux/sshfs found but disabled",
        ),
        (
            [INSTALL, "docker volume create data", f"{VOLUME} data"],
            "create data: driver 'local' already has volume 'data': volume name must be unique",
        ),
        (
            [INSTALL, f"{VOLUME} data", "docker create -v data:/d --name cc busybox true",
             "docker plugin disable -f vieux/sshfs", "docker start cc"],
            "error while mounting volume '': get data: error while checking if volume \"data\" exists in driver "
            '"vieux/sshfs:latest": error looking up volume plugin vieux/sshfs:latest: plugin vieux/sshfs:latest found '
            "but disabled",
        ),
        (["docker plugin ls -f bad=1"], "Invalid filter 'bad'"),
        ([PACK, "docker plugin set lab:5000/me/p KIND=2"], '"KIND" is not settable'),
        ([PACK, "docker plugin set lab:5000/me/p FOO=2"], 'setting "FOO" not found in the plugin configuration'),
        (
            [PACK, "docker plugin enable lab:5000/me/p"],
            "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container "
            'process: exec: "/p": stat /p: no such file or directory: unknown',
        ),
        (
            ["docker plugin install busybox"],
            "did not find plugin config for specified reference docker.io/library/busybox:latest",
        ),
        (
            ["docker pull -q vieux/sshfs"],
            'Encountered remote "application/vnd.docker.plugin.v1+json"(plugin) when fetching',
        ),
        (["docker network create -d vieux/sshfs net"], 'plugin "vieux/sshfs" not found'),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_the_words_of_the_engine(lines: list[str], sentence: str) -> None:
    step = last(*lines)
    assert step.stderr.splitlines()[0] == f"Error response from daemon: {sentence}"
    assert step.exit == 1


def test_a_plugin_is_installed_only_with_the_privileges_it_asks_for() -> None:
    refused, granted = played(
        "echo n | docker plugin install vieux/sshfs", "echo y | docker plugin install vieux/sshfs"
    ).steps
    assert refused.exit == 1
    assert refused.stderr == "permission denied while installing plugin vieux/sshfs\n"
    assert refused.stdout == (
        'Plugin "vieux/sshfs" is requesting the following privileges:\n - network: [host]\n'
        " - mount: [/var/lib/docker/plugins/]\n - mount: []\n - device: [/dev/fuse]\n"
        " - capabilities: [CAP_SYS_ADMIN]\nDo you grant the above permissions? [y/N] "
    )
    assert granted.exit == 0
    assert granted.stdout.endswith("Installed plugin vieux/sshfs\n")


def test_a_plugin_that_was_packed_and_pushed_can_be_installed_elsewhere_under_another_name() -> None:
    run = played(
        PACK,
        "docker plugin push lab:5000/me/p",
        "docker plugin install --grant-all-permissions --disable --alias other lab:5000/me/p DEBUG=7",
        "docker plugin inspect -f '{{.PluginReference}} {{json .Settings.Env}}' other",
    )
    assert [step.exit for step in run.steps] == [0, 0, 0, 0]
    assert run.steps[-1].stdout == 'lab:5000/me/p:latest ["KIND=a","DEBUG=7"]\n'


def test_an_upgrade_keeps_the_name_and_takes_what_the_registry_has() -> None:
    run = played(
        PACK,
        "docker plugin push lab:5000/me/p",
        "docker plugin set lab:5000/me/p DEBUG=7",
        "docker plugin upgrade --grant-all-permissions lab:5000/me/p",
        CREATED,
    )
    assert run.steps[-2].stdout.startswith(
        "Upgrading plugin lab:5000/me/p:latest from lab:5000/me/p:latest to lab:5000/me/p:latest\n"
    )
    assert run.steps[-2].stdout.endswith("Upgraded plugin lab:5000/me/p:latest to lab:5000/me/p:latest\n")
    assert run.steps[-1].stdout == '["KIND=a","DEBUG=0"]\n'


def test_dockerd_asks_a_volume_plugin_in_the_order_of_a_containers_life() -> None:
    run = played(
        {"run": "mkdir -p /srv", "on": "nas"}, INSTALL, f"{VOLUME} data", "docker run --rm -v data:/d busybox true"
    )
    asked = [record.what for record in run.trace if record.what.startswith("POST /VolumeDriver.")]
    names = [call.partition(".")[2] for call in asked]
    assert names == ["Capabilities", "Get", "Create", "Get", "Mount", "Unmount"]


def test_a_network_plugin_makes_the_network_and_says_where_it_leads() -> None:
    run = played(
        "docker plugin install --grant-all-permissions --alias seg simdocker/segment",
        "docker network create -d seg net",
        "docker run -d --name web --network net busybox sleep 100",
        "docker run --rm --network net busybox sh -c 'ping -qc1 web | grep received; ip route'",
        "docker network create -d seg -o colour=red other",
        "docker rm -f web",
        "docker network rm net",
    )
    assert run.steps[3].stdout.startswith("1 packets transmitted, 1 packets received")
    assert "default" not in run.steps[3].stdout
    assert run.steps[4].stderr == "Error response from daemon: remote: unknown option colour\n"
    asked = [record.what for record in run.trace if record.what.startswith("POST /NetworkDriver.")]
    assert [call.partition(".")[2] for call in asked][:4] == [
        "GetCapabilities",
        "CreateNetwork",
        "CreateEndpoint",
        "Join",
    ]
    assert asked[-1].endswith("DeleteNetwork")


def test_a_plugin_that_hangs_is_asked_again_for_fifteen_seconds() -> None:
    step = last(
        {"run": "mkdir -p /srv", "on": "nas"}, INSTALL, {"fault": {"plugin": "vieux/sshfs", "down": True}}, VOLUME
    )
    assert step.ended_ns - step.started_ns >= 15 * 10**9
    assert step.stderr.endswith("sshfs.sock: connect: connection refused\n")
    assert (
        last(
            {"run": "mkdir -p /srv", "on": "nas"}, INSTALL, {"fault": {"plugin": "vieux/sshfs", "down": "5s"}}, VOLUME
        ).exit
        == 0
    )


def test_a_plugin_that_crashes_is_started_again_and_knows_its_volumes() -> None:
    crash = {"fault": {"plugin": "vieux/sshfs", "crash": True}}
    run = played(
        {"run": "mkdir -p /srv; echo hi > /srv/f", "on": "nas"}, INSTALL, f"{VOLUME} data", crash,
        "docker run --rm -v data:/d busybox cat /d/f",
    )  # fmt: skip
    assert run.steps[-1].stdout == "hi\n"


def test_the_volumes_of_a_disabled_plugin_are_not_seen_and_come_back_with_it() -> None:
    run = played(
        INSTALL, f"{VOLUME} data", "docker plugin disable -f vieux/sshfs", "docker volume ls -q",
        "docker plugin enable vieux/sshfs", "docker volume ls -q",
    )  # fmt: skip
    assert run.steps[3].stdout == ""
    assert run.steps[5].stdout == "data\n"


def test_events_tell_the_life_of_a_plugin() -> None:
    step = last(
        INSTALL, "docker plugin disable vieux/sshfs", "docker plugin rm vieux/sshfs", "sleep 2",
        "docker events --since 0 --until 0s --filter type=plugin --format '{{.Action}} {{.Actor.Attributes.name}}'",
    )  # fmt: skip
    assert step.stdout.splitlines() == [
        "pull vieux/sshfs:latest", "enable vieux/sshfs:latest", "disable vieux/sshfs", "remove vieux/sshfs",
    ]  # fmt: skip


def test_a_fault_of_a_plugin_that_nobody_has_is_a_mistake_in_the_file() -> None:
    with pytest.raises(UserError, match="no daemon has enabled"):
        played({"fault": {"plugin": "vieux/sshfs", "crash": True}})


class Stubborn:
    """A third party's volume plugin."""

    def __init__(self, place: plugins.Place) -> None:
        self.place = place

    def answer(self, what: str, body: object) -> Generator[Any, Any, dict[str, Any]]:
        yield self.place.machine.kernel.env.timeout(1)
        return {"Err": f"{what}: no"}


def test_an_installed_package_can_bring_a_plugins_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def installed(group: str, name: str) -> Iterator[EntryPoint]:
        assert group == "simdocker.plugins"
        yield EntryPoint(name, f"{__name__}:Stubborn", group)

    monkeypatch.setattr(plugins, "entry_points", installed)
    monkeypatch.setattr(plugins, "BUILT_IN", {})
    step = last(INSTALL, f"{VOLUME} data")
    assert step.stderr.startswith("Error response from daemon: create data: VolumeDriver.")
