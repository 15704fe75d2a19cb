"""Volumes and mounts; every expectation was recorded on a real engine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from part_daemon import PartDaemon, refused

from simdocker.actors.daemon.mounts import parse_bind, valid_mode
from simdocker.api import InternalError


@pytest.fixture
def daemon() -> PartDaemon:
    return PartDaemon()


def mounts(daemon: PartDaemon, body: Any = None, **host: Any) -> list[dict[str, Any]]:
    return daemon.volumes.inspect_mounts(daemon.create("web", body, **host))


def test_a_volume_is_created_once_and_logged_each_time(daemon: PartDaemon) -> None:
    first = daemon.ok("POST", "/volumes/create", {"Name": "data", "Labels": {"a": "b"}})
    assert daemon.ok("POST", "/volumes/create", {"Name": "data", "Labels": {"c": "d"}}) == first
    assert first == daemon.ok("GET", "/volumes/data")
    assert first == {
        "CreatedAt": "2026-06-01T00:00:00Z",
        "Driver": "local",
        "Labels": {"a": "b"},
        "Mountpoint": "/var/lib/docker/volumes/data/_data",
        "Name": "data",
        "Options": None,
        "Scope": "local",
    }
    assert daemon.log() == [("volume", "create", {"driver": "local"})] * 2


def test_a_volume_without_a_name_gets_64_hexadecimal_digits(daemon: PartDaemon) -> None:
    name = daemon.ok("POST", "/volumes/create", {})["Name"]
    assert len(name) == 64
    assert int(name, 16)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        (
            {"Binds": ["/tmp:/x"]},
            {"Type": "bind", "Source": "/tmp", "Mode": "", "RW": True, "Propagation": "rprivate"},
        ),
        (
            {"Binds": ["/tmp/../tmp/:/y/../x/:ro,z"]},
            {"Type": "bind", "Source": "/tmp", "Mode": "ro,z", "RW": False, "Propagation": "rprivate"},
        ),
        (
            {"Binds": ["data:/x"]},
            {"Type": "volume", "Name": "data", "Driver": "local", "Mode": "z", "RW": True, "Propagation": ""},
        ),
        (
            {"Binds": ["data:/x:ro"]},
            {"Type": "volume", "Name": "data", "Driver": "local", "Mode": "ro", "RW": False, "Propagation": ""},
        ),
        (
            {"Mounts": [{"Type": "volume", "Source": "data", "Target": "/x", "VolumeOptions": {"NoCopy": True}}]},
            {"Type": "volume", "Name": "data", "Driver": "local", "Mode": "z", "RW": True, "Propagation": ""},
        ),
        (
            {"Mounts": [{"Type": "tmpfs", "Target": "/x", "ReadOnly": True}]},
            {"Type": "tmpfs", "Source": "", "Mode": "", "RW": False, "Propagation": ""},
        ),
    ],
)
def test_inspect_shows_a_mount_as_dockerd_understood_it(
    daemon: PartDaemon, host: dict[str, Any], shown: dict[str, Any]
) -> None:
    if shown["Type"] == "volume":
        shown = {**shown, "Source": "/var/lib/docker/volumes/data/_data"}
    assert mounts(daemon, None, **host) == [{**shown, "Destination": "/x"}]


def test_an_images_volume_is_anonymous_unless_something_else_is_mounted_there(daemon: PartDaemon) -> None:
    shown = mounts(daemon, {"Volumes": {"/x": {}, "/y": {}}}, Binds=["data:/x"])
    assert [(mount["Destination"], mount["Mode"]) for mount in shown] == [("/x", "z"), ("/y", "")]
    assert shown[0]["Name"] == "data"
    assert len(shown[1]["Name"]) == 64


def test_tmpfs_of_the_short_flag_is_mounted_but_not_inspected(daemon: PartDaemon) -> None:
    web = daemon.create("web", None, Tmpfs={"/t": "size=1m"})
    assert daemon.volumes.inspect_mounts(web) == []
    (point,) = daemon.run(daemon.volumes.mount(web))
    assert (point.kind, point.target, point.options) == ("tmpfs", "/t", "noexec,nosuid,nodev,size=1m")
    bad = daemon.create("bad", None, Tmpfs={"/t": "zz"})
    assert refused(daemon.start, bad) == (500, 'invalid tmpfs option ["zz"]')


@pytest.mark.parametrize(
    ("host", "status", "message"),
    [
        ({"Binds": [""]}, 500, "invalid volume specification: ''"),
        ({"Binds": [":/x"]}, 500, "invalid volume specification: ':/x'"),
        ({"Binds": ["a:b:c:d"]}, 500, "invalid volume specification: 'a:b:c:d'"),
        ({"Binds": ["/tmp:"]}, 500, "invalid volume specification: '/tmp:'"),
        ({"Binds": ["/foo:rw"]}, 500, "invalid volume specification: '/foo:rw'"),
        ({"Binds": ["/tmp:/x:ro,rw"]}, 500, "invalid mode: ro,rw"),
        (
            {"Binds": ["rel"]},
            500,
            "invalid volume specification: 'rel': invalid mount config for type \"volume\": invalid mount path: 'rel' "
            "mount path must be absolute",
        ),
        (
            {"Binds": ["/tmp:/"]},
            500,
            "invalid volume specification: '/tmp:/': invalid mount config for type \"bind\": invalid specification: "
            "destination can't be '/'",
        ),
        (
            {"Binds": ["x:/x"]},
            400,
            "create x: volume name is too short, names should be at least two alphanumeric characters",
        ),
        ({"Binds": ["data:/x"], "Tmpfs": {"/x": ""}}, 400, "Duplicate mount point: /x"),
        (
            {"Mounts": [{"Type": "tmpfs", "Target": "/x"}, {"Type": "volume", "Target": "/x/"}]},
            400,
            "Duplicate mount point: /x/",
        ),
        ({"Mounts": [{}]}, 400, 'invalid mount config for type "": field Target must not be empty'),
        (
            {"Mounts": [{"Type": "zz", "Target": "/x"}]},
            400,
            'invalid mount config for type "zz": mount type unknown',
        ),
        (
            {"Mounts": [{"Type": "tmpfs", "Source": "x", "Target": "/x"}]},
            400,
            'invalid mount config for type "tmpfs": field Source must not be specified',
        ),
        (
            {"Mounts": [{"Type": "bind", "Source": "/tmp", "Target": "/x", "BindOptions": {"Propagation": "zz"}}]},
            400,
            'invalid mount config for type "bind": invalid propagation mode: zz',
        ),
        (
            {"Binds": ["data:/x"], "VolumeDriver": "foo"},
            404,
            'create data: error looking up volume plugin foo: plugin "foo" not found',
        ),
        ({"VolumesFrom": ["zz"]}, 400, "No such container: zz"),
        ({"VolumesFrom": ["zz:qq"]}, 400, "invalid mode: qq"),
        ({"VolumesFrom": [""]}, 400, "volumes-from specification cannot be an empty string"),
        ({"Tmpfs": {"t": ""}}, 400, "invalid mount path: 't' mount path must be absolute"),
    ],
)
def test_mounts_that_cannot_be_are_refused(daemon: PartDaemon, host: dict[str, Any], status: int, message: str) -> None:
    assert refused(daemon.create, "web", None, **host) == (status, message)
    assert daemon.ok("GET", "/volumes", filters='{"dangling":["false"]}')["Volumes"] == []


def test_a_missing_host_directory_is_made_for_v_and_missed_by_mount(daemon: PartDaemon) -> None:
    daemon.start(daemon.create("web", None, Binds=["/srv/new:/x"]))
    assert "/srv/new" in daemon.volume_driver.host_paths
    missing = [{"Type": "bind", "Source": "/srv/none", "Target": "/x"}]
    assert refused(daemon.create, "other", None, Mounts=missing)[1].endswith("does not exist: /srv/none")
    assert "/srv/none" not in daemon.volume_driver.host_paths


def test_an_empty_volume_is_filled_from_the_image_unless_nocopy_is_said(daemon: PartDaemon) -> None:
    daemon.create("web", {"Volumes": {"/a": {}}}, Binds=["one:/b", "two:/c:nocopy"])
    copied = sorted(path for paths in daemon.volume_driver.volumes.values() for path in paths)
    assert copied == ["/a", "/b"]
    assert daemon.storage.mounted == []
    daemon.create("other", None, Binds=["one:/elsewhere"])
    assert daemon.volume_driver.volumes["one"] == ["/b"]


def test_a_volume_in_use_cannot_be_removed_not_even_by_force(daemon: PartDaemon) -> None:
    one = daemon.create("one", None, Binds=["data:/x"])
    two = daemon.create("two", None, VolumesFrom=["one"])
    for query in ({}, {"force": "1"}):
        response = daemon.call("DELETE", "/volumes/data", **query)
        assert (response.status, response.message) == (409, f"remove data: volume is in use - [{one.id}, {two.id}]")
    daemon.remove(two)
    daemon.remove(one)
    assert daemon.call("DELETE", "/volumes/data").status == 204


def test_anonymous_volumes_go_with_their_last_container_if_asked(daemon: PartDaemon) -> None:
    first = daemon.create("first", {"Volumes": {"/a": {}}}, Binds=["named:/n"])
    second = daemon.create("second", None, VolumesFrom=["first"])
    daemon.remove(first, volumes=True)
    assert len(daemon.volume_driver.volumes) == 2
    daemon.remove(second, volumes=True)
    assert list(daemon.volume_driver.volumes) == ["named"]
    assert daemon.log()[-1] == ("volume", "destroy", {"driver": "local"})
    third = daemon.create("third", {"Volumes": {"/a": {}}})
    daemon.remove(third)
    assert len(daemon.volume_driver.volumes) == 2


def test_volumes_from_can_only_take_rights_away(daemon: PartDaemon) -> None:
    daemon.create("src", None, Binds=["data:/x:ro", "/tmp:/b"], Tmpfs={"/t": ""})
    for mode, writable in (("", [False, True]), (":ro", [False, False]), (":rw", [False, True])):
        shown = daemon.volumes.inspect_mounts(daemon.create("web", None, VolumesFrom=["src" + mode]))
        assert [mount["RW"] for mount in shown] == writable
        assert [mount["Mode"] for mount in shown] == ["", ""]


def test_events_of_a_run_with_a_volume_are_those_recorded(daemon: PartDaemon) -> None:
    web = daemon.create("web", None, Binds=["data:/d"])
    daemon.start(web)
    daemon.stop(web)
    daemon.remove(web, volumes=True)
    mounted = {
        "container": web.id,
        "destination": "/d",
        "driver": "local",
        "propagation": "",
        "read/write": "true",
    }
    assert [(action, attributes) for kind, action, attributes in daemon.log() if kind == "volume"] == [
        ("create", {"driver": "local"}),
        ("mount", mounted),
        ("unmount", {"container": web.id, "driver": "local"}),
    ]
    assert daemon.volume_driver.in_use == []


def test_outer_directories_are_mounted_first(daemon: PartDaemon) -> None:
    web = daemon.create("web", None, Binds=["/tmp:/a/b/c", "data:/a"], Tmpfs={"/a/b": ""})
    assert [point.target for point in daemon.run(daemon.volumes.mount(web))] == ["/a", "/a/b", "/a/b/c"]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"name": ["ta"]}, ["data"]),
        ({"label": ["a"]}, ["data"]),
        ({"label": ["a=c"]}, []),
        ({"driver": ["local"]}, ["data", "used"]),
        ({"dangling": ["true"]}, ["data"]),
        ({"dangling": ["0"]}, ["used"]),
    ],
)
def test_volumes_are_listed_by_filter(daemon: PartDaemon, filters: dict[str, list[str]], names: list[str]) -> None:
    daemon.ok("POST", "/volumes/create", {"Name": "data", "Labels": {"a": "b"}})
    daemon.create("web", None, Binds=["used:/x"])
    listed = daemon.ok("GET", "/volumes", filters=json.dumps(filters))
    assert [volume["Name"] for volume in listed["Volumes"]] == names


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ("xx", "error reading volume filters: invalid character 'x' looking for beginning of value"),
        ('{"scope":["local"]}', "Invalid filter 'scope'"),
        ('{"dangling":["maybe"]}', "Invalid filter 'dangling=[maybe]'"),
    ],
)
def test_bad_volume_filters_are_a_bad_request(daemon: PartDaemon, filters: str, message: str) -> None:
    response = daemon.call("GET", "/volumes", filters=filters)
    assert (response.status, response.message) == (400, message)


def test_prune_takes_unused_volumes_but_none_with_driver_options(daemon: PartDaemon) -> None:
    daemon.create("web", None, Binds=["used:/x"])
    gone = daemon.create("gone", None, Binds=["unused:/x"])
    daemon.remove(gone)
    tmpfs = {"type": "tmpfs", "device": "tmpfs"}
    daemon.ok("POST", "/volumes/create", {"Name": "special", "DriverOpts": tmpfs})
    assert daemon.ok("POST", "/volumes/prune") == {"VolumesDeleted": ["unused"], "SpaceReclaimed": 4}
    assert daemon.log()[-1] == ("volume", "prune", {"reclaimed": "4"})
    assert daemon.ok("POST", "/volumes/prune") == {"VolumesDeleted": [], "SpaceReclaimed": 0}


@given(st.text(alphabet="/ab:,rozZ. ", max_size=24))
def test_any_bind_is_parsed_or_refused_with_a_sentence(raw: str) -> None:
    try:
        mount = parse_bind(raw, "", lambda: "0" * 64)
    except InternalError as error:
        assert error.message.startswith(("invalid volume specification: '", "invalid mode: "))
    else:
        assert mount.target.startswith("/") and mount.target != "/"
        assert (mount.kind == "bind") == mount.source.startswith("/")


@given(st.lists(st.sampled_from(["ro", "rw", "z", "Z", "nocopy", "rslave", "shared", "cached", "x"])))
def test_a_mode_names_each_kind_of_option_once(options: list[str]) -> None:
    groups = [["ro", "rw"], ["z", "Z"], ["nocopy"], ["rslave", "shared"], ["cached"]]
    fine = all(sum(options.count(name) for name in group) <= 1 for group in groups) and "x" not in options
    assert valid_mode(",".join(options)) == fine
