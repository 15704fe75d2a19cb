"""What the official images do when they are run, on the whole simulated machine."""

import pytest
from containers import OneHost


@pytest.fixture
def host():
    return OneHost()


def test_hello_world_says_hello(host):
    code, out, err = host.run("hello-world")
    assert (code, err) == (0, "")
    assert out.startswith("\nHello from Docker!\nThis message shows that your installation appears to be working")


@pytest.mark.parametrize(
    ("image", "first"),
    [
        ("alpine", 'NAME="Alpine Linux"'),
        ("ubuntu:22.04", 'PRETTY_NAME="Ubuntu 22.04.5 LTS"'),
        ("redis", 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"'),
    ],
)
def test_an_image_says_which_system_it_is(host, image, first):
    code, out, _ = host.run(image, "cat", "/etc/os-release")
    assert (code, out.splitlines()[0]) == (0, first)


def test_busybox_has_the_directories_of_the_official_image(host):
    assert host.run("busybox", "ls", "/")[1].split() == "bin dev etc home lib lib64 proc root sys tmp usr var".split()


def test_ubuntu_has_a_shell_and_commands(host):
    assert host.run("ubuntu", "bash", "-c", "id -un; basename /a/b; echo $((6*7))")[1] == "root\nb\n42\n"


def test_nginx_starts_serves_and_stops_gracefully(host):
    host.start("nginx")
    host.sleep(1)
    assert host.logs().startswith("/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt")
    assert host.logs().endswith("/docker-entrypoint.sh: Configuration complete; ready for start up\n")
    assert "[notice] 1#1: start worker processes\n" in host.logs(fd=2)
    code, page = host.exec("wget", "-qO-", "http://localhost/")
    assert (code, "<h1>Welcome to nginx!</h1>" in page) == (0, True)
    assert '"GET / HTTP/1.1" 200 615 "-"' in host.logs()
    assert host.exec("wget", "-qO-", "http://localhost/nope")[0] == 1
    complaint = 'open() "/usr/share/nginx/html/nope" failed (2: No such file or directory), client: 127.0.0.1'
    assert complaint in host.logs(fd=2)
    assert host.stop() < 2
    code, _, err = host.finish()
    assert code == 0
    assert "signal 3 (SIGQUIT) received, shutting down" in err


def test_curl_of_an_image_is_curl(host):
    host.start("nginx")
    host.sleep(1)
    code, head = host.exec("curl", "-sI", "http://localhost/")
    assert (code, head.splitlines()[0]) == (0, "HTTP/1.1 200 OK")
    assert host.exec("curl", "-sSf", "http://localhost/nope") == (
        22, "curl: (22) The requested URL returned error: 404\n",
    )  # fmt: skip


def test_httpd_works(host):
    host.start("httpd")
    host.sleep(1)
    page = host.run("busybox", "wget", "-qO-", "http://172.17.0.2/", name="client")
    assert page == (0, "<html><body><h1>It works!</h1></body></html>\n", "")
    assert '"GET / HTTP/1.1" 200 45' in host.logs()
    assert "AH00094: Command line: 'httpd -D FOREGROUND'" in host.logs(fd=2)
    assert host.stop() < 2
    assert "AH00492: caught SIGWINCH, shutting down gracefully" in host.finish()[2]


def test_redis_keeps_what_it_is_given(host):
    host.start("redis")
    host.sleep(1)
    assert "Ready to accept connections" in host.logs()
    assert host.exec("redis-cli", "ping") == (0, "PONG\n")
    assert host.exec("redis-cli", "set", "colour", "blue") == (0, "OK\n")
    assert host.exec("redis-cli", "get", "colour") == (0, "blue\n")
    assert host.exec("redis-cli", "incr", "n") == (0, "1\n")
    assert host.exec("redis-cli", "lpush", "l", "a", "b") == (0, "2\n")
    assert host.exec("redis-cli", "lrange", "l", "0", "-1") == (0, "b\na\n")
    assert host.exec("redis-cli", "get", "nothing") == (0, "\n")
    unknown = "ERR unknown command 'nosuch', with args beginning with: 'x' \n\n"
    assert host.exec("redis-cli", "nosuch", "x") == (1, unknown)
    assert host.exec("redis-cli", "get") == (1, "ERR wrong number of arguments for 'get' command\n\n")
    assert host.stop() < 2
    host.call("POST", "/containers/box/start")
    host.sleep(1)
    assert host.exec("redis-cli", "get", "colour") == (0, "blue\n")
    assert host.stop() < 2
    assert host.finish()[0] == 0


def test_postgres_wants_a_password(host):
    code, out, err = host.run("postgres")
    assert (code, out) == (1, "")
    assert (
        err
        == """\
Error: Database is uninitialized and superuser password is not specified.
       You must specify POSTGRES_PASSWORD to a non-empty value for the
       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".

       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all
       connections without a password. This is *not* recommended.

       See PostgreSQL documentation about "trust":
       https://www.postgresql.org/docs/current/auth-trust.html
"""
    )


def test_postgres_sets_up_a_cluster_once(host):
    host.start("postgres", env=["POSTGRES_PASSWORD=secret"])
    host.sleep(0.3)
    assert host.exec("pg_isready") == (2, "/var/run/postgresql:5432 - no response\n")
    host.sleep(5)
    assert host.exec("pg_isready") == (0, "/var/run/postgresql:5432 - accepting connections\n")
    assert "PostgreSQL init process complete; ready for start up." in host.logs()
    assert host.exec("psql", "-U", "postgres", "-c", "SELECT 1") == (
        0, " ?column? \n----------\n        1\n(1 row)\n\n",
    )  # fmt: skip
    assert host.stop() < 3
    assert "database system is shut down" in host.finish()[2]
    host.call("POST", "/containers/box/start")
    host.sleep(2)
    assert "Skipping initialization" in host.logs()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["--version"], (0, "Python 3.12.8\n", "")),
        (["-c", "print(1 + 2, 'a' * 3)"], (0, "3 aaa\n", "")),
        (["-c", "import os\nfor n in range(3): print(f'{n}:{os.environ[\"COLOUR\"]}', end=' ')"],
         (0, "0:blue 1:blue 2:blue ", "")),
        (["-c", "import sys; sys.exit(3)"], (3, "", "")),
        (["-c", "x = 5\nwhile x > 3: x -= 1\nprint([x, 'y', {'a': 1.5}])"], (0, "[3, 'y', {'a': 1.5}]\n", "")),
        (["-c", "print(nosuch)"],
         (1, "", 'Traceback (most recent call last):\n  File "<string>", line 1, in <module>\n'
                 "NameError: name 'nosuch' is not defined\n")),
        (["nosuch.py"], (2, "", "python: can't open file '/nosuch.py': [Errno 2] No such file or directory\n")),
        (["-c", "print(len('x' * 10 ** 12))"],
         (1, "", 'Traceback (most recent call last):\n  File "<string>", line 1, in <module>\nMemoryError\n')),
    ],
)  # fmt: skip
def test_python_runs_short_programs(host, command, expected):
    assert host.run("python:3.12-alpine", "python3", *command, env=["COLOUR=blue"]) == expected


def test_a_python_server_does_not_hear_sigterm(host):
    host.start("python:3.12-slim", "python", "-m", "http.server", "8000")
    host.sleep(1)
    assert host.logs() == "Serving HTTP on 0.0.0.0 port 8000 (http://0.0.0.0:8000/) ...\n"
    assert 10 <= host.stop() < 12
    assert host.finish()[0] == 137


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["node", "--version"], (0, "v22.13.0\n", "")),
        (["-e", "console.log('hi', 1 + 2)"], (0, "hi 3\n", "")),
        (["-p", "7 / 2"], (0, "3.5\n", "")),
        (["-e", "console.error(`on ${process.platform}`); process.exit(4)"], (4, "", "on linux\n")),
        (["ls", "/opt"], (0, "yarn-v1.22.22\n", "")),
    ],
)
def test_node_runs_short_programs(host, command, expected):
    assert host.run("node:22-alpine", *command) == expected
