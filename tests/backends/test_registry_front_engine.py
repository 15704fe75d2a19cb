"""A real Docker Engine pulls from the world's registries and pushes to them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.server.serve_command import a_port, serve

pytestmark = [pytest.mark.engine, pytest.mark.root]


def test_an_engine_pulls_pushes_and_pulls_back(engine: tuple[str, int], tmp_path: Path) -> None:
    address, pid = engine

    def docker(*argv: str) -> str:
        done = subprocess.run(["docker", "-H", address, *argv], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with serve(tmp_path, before=("nsenter", f"--net=/proc/{pid}/ns/net")) as front:
        source, mine = f"{front.registry}/library/nginx:alpine", f"{front.registry}/my/web:1"
        docker("pull", source)
        there = front.docker("pull", "nginx:alpine")
        assert there.returncode == 0, there.stderr
        assert (
            docker("image", "inspect", "-f", "{{.Id}}", source)
            == front.docker("image", "inspect", "-f", "{{.Id}}", "nginx:alpine").stdout
        )  # the same image at both ends
        docker("tag", source, mine)
        assert "Mounted from library/nginx" in docker("push", mine)
        (tmp_path / "Dockerfile").write_text(f'FROM {source}\nCOPY note /note\nCMD ["cat", "/note"]\n')
        (tmp_path / "note").write_text("from an engine\n")
        made = f"{front.registry}/my/made:1"
        docker("build", "-q", "-t", made, str(tmp_path))
        said = docker("push", made)
        seen = front.docker("run", "--rm", made)  # a simulated daemon runs what the engine has pushed
        assert (seen.returncode, seen.stdout) == (0, "from an engine\n"), seen.stderr
        digest = json.loads(front.docker("image", "inspect", made).stdout)[0]["RepoDigests"][0].partition("@")[2]
        assert digest in said
        docker("rmi", source, mine, made)
        assert "Downloaded newer image" in docker("pull", made)
        docker("rmi", made)


@pytest.mark.parametrize("way", ["basic", "token"])
def test_an_engine_logs_in_to_a_private_registry(engine: tuple[str, int], tmp_path: Path, way: str) -> None:
    address, pid = engine
    port = a_port()

    def docker(*argv: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        command = ["docker", "--config", f"{tmp_path}/docker", "-H", address, *argv]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120)

    users = f"{{users: {{ann: secret}}, auth: {way}}}"
    (tmp_path / "world.yaml").write_text(
        f"title: t\nworld: {{registries: {{docker.io: {{}}, 'localhost:{port}': {users}}}}}\n"
        f"images: {{'localhost:{port}/team/web:1': {{from: busybox}}}}\nsteps: [{{run: docker version}}]\n"
    )
    inside = "nsenter", f"--net=/proc/{pid}/ns/net"
    with serve(tmp_path, "--world", f"{tmp_path}/world.yaml", port=port, before=inside) as front:
        theirs, mine = f"{front.registry}/team/web:1", f"{front.registry}/my/web:1"
        stranger = docker("pull", theirs)
        assert stranger.returncode == 1 and ("no basic auth" in stranger.stderr or "unauthorized" in stranger.stderr)
        login = ("login", "-u", "ann", "--password-stdin", front.registry)
        assert docker(*login, stdin="guess").returncode == 1
        assert docker(*login, stdin="secret").stdout == "Login Succeeded\n"
        for line in (("pull", theirs), ("tag", theirs, mine), ("push", mine), ("rmi", theirs, mine)):
            done = docker(*line)
            assert done.returncode == 0, done.stderr
