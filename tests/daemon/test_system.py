"""What the daemon says of itself has the fields, in the order, that a real engine sends."""

from __future__ import annotations

from part_daemon import PartDaemon


def test_ping_tells_the_api_version_and_head_has_no_body() -> None:
    daemon = PartDaemon()
    response = daemon.call("GET", "/_ping")
    assert (response.body, response.headers["Api-Version"]) == ("OK", "1.41")
    assert daemon.call("HEAD", "/_ping").body is None


def test_version_repeats_the_engines_component_at_top_level() -> None:
    shown = PartDaemon().ok("GET", "/version")
    assert (
        list(shown)
        == (
            "Platform Components Version ApiVersion MinAPIVersion GitCommit GoVersion Os Arch KernelVersion BuildTime"
        ).split()
    )
    details = shown["Components"][0]["Details"]
    assert list(details) == (
        "ApiVersion Arch BuildTime Experimental GitCommit GoVersion KernelVersion MinAPIVersion Os".split()
    )
    assert all(shown[name] == value for name, value in details.items() if name != "Experimental")


def test_info_counts_containers_by_state_and_takes_facts_of_the_host() -> None:
    daemon = PartDaemon()
    daemon.host_facts = {"NCPU": 8, "MemTotal": 16 << 30, "Name": "big"}
    for name in ("one", "two", "three"):
        daemon.create(name)
    daemon.start(daemon.containers.get("one"))
    daemon.start(daemon.containers.get("two"))
    daemon.containers.get("two").state.paused = True
    shown = daemon.ok("GET", "/info")
    counts = [shown["Containers" + state] for state in ("", "Running", "Paused", "Stopped")]
    assert counts == [3, 1, 1, 1]
    assert (shown["NCPU"], shown["MemTotal"], shown["Name"]) == (8, 16 << 30, "big")
    assert len(shown["ID"]) == 59
    assert shown["ID"].count(":") == 11
