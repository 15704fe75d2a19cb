"""Archives of the simulator in skopeo and umoci, and theirs in the simulator."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from archive_world import entries, host_file, world

needs_skopeo = pytest.mark.skipif(shutil.which("skopeo") is None, reason="needs skopeo")
needs_umoci = pytest.mark.skipif(shutil.which("umoci") is None, reason="needs umoci")
needs_root = pytest.mark.root

MADE = """\
FROM busybox
LABEL team=a
ENV GREETING="hello there"
RUN echo ours > /etc/motd && rm /etc/shadow && rm -r /var/spool && mkdir /var/spool && echo new > /var/spool/new \\
 && ln -s motd /etc/link && ln /etc/motd /etc/hard && mkfifo /pipe && chmod 4711 /etc/motd && chown 5:6 /etc/motd
EXPOSE 80
CMD ["cat", "/etc/motd"]
"""


def tool(directory: Path, *argv: str) -> str:
    """Standard output of a program that must succeed."""
    done = subprocess.run(argv, cwd=directory, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


def skopeo(directory: Path, *argv: str) -> str:
    return tool(directory, "skopeo", "--insecure-policy", *argv)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A directory with `site.tar`, an image of several layers as the simulator saved it, and its id."""
    directory = tmp_path_factory.mktemp("saved")
    here, said = world(
        "docker build -q -t site:1 - < Dockerfile",
        "docker save -o site.tar site:1",
        "docker create --name box site:1; docker export -o flat.tar box; docker cp box:/etc - > etc.tar",
        "docker images -q --no-trunc site:1",
        files={"Dockerfile": MADE.encode()},
    )
    for name in ("site.tar", "flat.tar", "etc.tar"):
        (directory / name).write_bytes(host_file(here, name))
    return directory, said[-1].strip()


@needs_skopeo
def test_skopeo_reads_what_the_simulator_saved(saved: tuple[Path, str]) -> None:
    directory, id = saved
    seen = json.loads(skopeo(directory, "inspect", "docker-archive:site.tar"))
    assert seen["Labels"] == {"team": "a"} and seen["Os"] == "linux"
    assert "GREETING=hello there" in seen["Env"]
    config = skopeo(directory, "inspect", "--config", "--raw", "docker-archive:site.tar")
    assert f"sha256:{hashlib.sha256(config.encode()).hexdigest()}" == id
    assert json.loads(config)["rootfs"]["diff_ids"] == seen["Layers"]


@needs_skopeo
def test_what_skopeo_copied_is_the_same_image_here(saved: tuple[Path, str]) -> None:
    directory, id = saved
    skopeo(directory, "copy", "docker-archive:site.tar", "docker-archive:copied.tar:copied:2")
    here, said = world(
        "docker load -i copied.tar",
        "docker images -q --no-trunc copied:2",
        "docker run --rm copied:2",
        "docker save -o again.tar copied:2",
        files={"copied.tar": (directory / "copied.tar").read_bytes()},
    )
    assert said == ["Loaded image: copied:2\n", f"{id}\n", "ours\n", ""]
    ours = {key: found for key, found in entries((directory / "site.tar").read_bytes()).items() if "layer" in key}
    assert {key: found for key, found in entries(host_file(here, "again.tar")).items() if "layer" in key} == ours


@needs_skopeo
@needs_umoci
@needs_root
def test_umoci_unpacks_what_the_simulator_saved(saved: tuple[Path, str], tmp_path: Path) -> None:
    directory, _ = saved
    skopeo(directory, "copy", "docker-archive:site.tar", f"oci:{tmp_path}/layout:site")
    assert tool(tmp_path, "umoci", "ls", "--layout", "layout") == "site\n"
    tool(tmp_path, "umoci", "unpack", "--image", "layout:site", "bundle")
    root = tmp_path / "bundle" / "rootfs"
    found = (root / "etc/motd").stat()
    assert (root / "etc/motd").read_text() == "ours\n"
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, found.st_nlink) == (0o4711, 5, 6, 2)
    assert (root / "etc/hard").stat().st_ino == found.st_ino
    assert (root / "etc/link").readlink() == Path("motd")
    assert stat.S_ISFIFO((root / "pipe").stat().st_mode)
    assert not (root / "etc/shadow").exists()
    assert sorted(path.name for path in (root / "var/spool").iterdir()) == ["new"]
    process = json.loads((tmp_path / "bundle" / "config.json").read_text())["process"]
    assert process["args"] == ["cat", "/etc/motd"] and "GREETING=hello there" in process["env"]


@needs_umoci
@needs_skopeo
@needs_root
def test_an_image_that_umoci_made_runs_here(saved: tuple[Path, str], tmp_path: Path) -> None:
    directory, _ = saved
    skopeo(directory, "copy", "docker-archive:site.tar", f"oci:{tmp_path}/layout:site")
    (tmp_path / "motd").write_text("theirs\n")
    (tmp_path / "motd").chmod(0o644)
    tool(tmp_path, "umoci", "insert", "--image", "layout:site", "motd", "/etc/motd")
    tool(tmp_path, "umoci", "config", "--image", "layout:site", "--config.label", "by=umoci", "--author", "me")
    skopeo(tmp_path, "copy", "oci:layout:site", "docker-archive:theirs.tar:theirs:1")
    _, said = world(
        "docker load -q -i theirs.tar",
        "docker run --rm theirs:1",
        "docker inspect -f '{{.Author}} {{json .Config.Labels}}' theirs:1",
        files={"theirs.tar": (tmp_path / "theirs.tar").read_bytes()},
    )
    assert said == ["Loaded image: theirs:1\n", "theirs\n", 'me {"by":"umoci","team":"a"}\n']


@needs_skopeo
def test_a_layout_of_oci_is_refused_as_engine_20_10_does(saved: tuple[Path, str]) -> None:
    directory, _ = saved
    skopeo(directory, "copy", "docker-archive:site.tar", "oci-archive:oci.tar:site:1")
    _, said = world(
        "docker load -i oci.tar 2>&1 | sed 's/import-[0-9]*/import-N/'; docker images -aq",
        files={"oci.tar": (directory / "oci.tar").read_bytes()},
    )
    assert said == ["open /var/lib/docker/tmp/docker-import-N/blobs/json: no such file or directory\n"]


def test_what_was_loaded_is_saved_again_byte_for_byte(saved: tuple[Path, str]) -> None:
    directory, id = saved
    archive = (directory / "site.tar").read_bytes()
    here, said = world(
        "docker load -q -i site.tar; docker save -o again.tar site:1; docker images -q --no-trunc",
        "gzip -c site.tar | docker load -q; docker save site:1 | cmp - again.tar",
        files={"site.tar": archive},
    )
    assert said == [f"Loaded image: site:1\n{id}\n", "Loaded image: site:1\n"]
    assert host_file(here, "again.tar") == archive


def test_what_was_exported_is_imported_and_exported_again_the_same(saved: tuple[Path, str]) -> None:
    directory, _ = saved
    flat = (directory / "flat.tar").read_bytes()
    here, _ = world(
        "docker import flat.tar flat:1 > id; docker create --name box flat:1 x; docker export -o again.tar box",
        files={"flat.tar": flat, "flat.tar.gz": gzip.compress(flat, mtime=0)},
    )
    assert entries(host_file(here, "again.tar")) == entries(flat)


def test_tar_reads_what_the_simulator_copies_out(saved: tuple[Path, str], tmp_path: Path) -> None:
    directory, _ = saved
    listed = tool(directory, "tar", "--numeric-owner", "-tvf", "etc.tar").splitlines()
    assert any(line.startswith("-rws--x--x 5/6") and line.endswith(" etc/motd") for line in listed) or any(
        line.startswith("hrws--x--x 5/6") for line in listed
    )
    assert any(line.endswith("etc/link -> motd") for line in listed)
    assert not any("shadow" in line for line in listed)
