"""What network programs print, and what they leave behind."""

from __future__ import annotations

import pytest
from shell_lines import last, played

SITE = {
    "site/index.html": "hello\n",
    "site/sub/a.txt": "text a\n",
    "site/cgi-bin/who": "#!/bin/sh\necho\necho $QUERY_STRING; cat\n",
}
WEB = 'chmod 755 site/cgi-bin/who; docker run -d --name web -p 8080:80 -v "$PWD/site:/www" busybox httpd -f -h /www'


@pytest.mark.parametrize(
    ("arguments", "exit_code", "stdout", "stderr"),
    [
        ("http://localhost:8080/", 0, "hello\n", ""),
        ("-I http://localhost:8080/nope | head -n 1", 0, "HTTP/1.1 404 Not Found\r\n", ""),
        ("-f http://localhost:8080/nope", 22, "", "curl: (22) The requested URL returned error: 404\n"),
        ("-w '%{http_code} %{redirect_url}' http://localhost:8080/sub", 0, "302 http://localhost:8080/sub/", ""),
        ("-L -o /dev/null -w '%{http_code} %{num_redirects}' http://localhost:8080/sub", 0, "404 1", ""),
        ("-d a=b http://localhost:8080/cgi-bin/who?x", 0, "x\na=b", ""),
        (
            "http://localhost:1/",
            7,
            "",
            "curl: (7) Failed to connect to localhost port 1 after 0 ms: Couldn't connect to server\n",
        ),
        ("http://nosuch/", 6, "", "curl: (6) Could not resolve host: nosuch\n"),
        ("-m 1 http://172.17.0.99/", 28, "", "curl: (28) Connection timed out after 1000 milliseconds\n"),
        ("bogus://localhost", 1, "", 'curl: (1) Protocol "bogus" not supported or disabled in libcurl\n'),
        ("http://localhost:99999/", 3, "", "curl: (3) URL using bad/illegal format or missing URL\n"),
        ("--resolve web.test:8080:127.0.0.1 http://web.test:8080/sub/a.txt", 0, "text a\n", ""),
        ("-o out http://localhost:8080/; cat out", 0, "hello\n", ""),
    ],
)
def test_curl(arguments: str, exit_code: int, stdout: str, stderr: str) -> None:
    result = last(WEB, f"curl -sS {arguments}", files=SITE)
    assert (result.exit, result.stdout, result.stderr) == (exit_code, stdout, stderr)


def test_curl_gives_up_on_a_paused_container_and_gets_its_page_afterwards() -> None:
    paused, after = played(
        WEB,
        "docker pause web",
        "curl -sS -m 2 localhost:8080",
        "docker unpause web",
        "curl -s localhost:8080",
        files=SITE,
    )[2::2]
    assert (paused.exit, paused.stderr) == (
        28,
        "curl: (28) Operation timed out after 2000 milliseconds with 0 bytes received\n",
    )
    assert paused.ended_ns - paused.started_ns >= 2_000_000_000
    assert after.stdout == "hello\n"


def test_curl_retries_until_a_server_is_there() -> None:
    late = 'docker run -d -p 8080:80 -v "$PWD/site:/www" busybox sh -c "sleep 3; httpd -f -h /www"'
    result = last(late, "curl -s --retry 5 --retry-delay 1 --retry-all-errors localhost:8080", files=SITE)
    assert (result.exit, result.stdout) == (0, "hello\n")


def test_wget_saves_a_file_once() -> None:
    line = "wget http://172.17.0.2/sub/a.txt; cat a.txt; wget -q http://172.17.0.2/sub/a.txt"
    result = last(WEB, f"docker run --rm busybox sh -c '{line}'", files=SITE)
    assert result.stdout == "text a\n"
    assert result.stderr == (
        "Connecting to 172.17.0.2 (172.17.0.2:80)\nsaving to 'a.txt'\n"
        "a.txt                100% |********************************|     7  0:00:00 ETA\n'a.txt' saved\n"
        "wget: can't open 'a.txt': File exists\n"
    )


def test_wget_gives_up_in_time() -> None:
    result = last("docker run --rm busybox wget -T 2 -qO- http://172.17.0.99/")
    assert (result.exit, result.stderr) == (1, "wget: download timed out\n")


def test_nc_carries_both_ways_and_ends_with_its_peer() -> None:
    server = "docker run -d --name echo busybox nc -ll -p 7000 -e cat"
    for word in ("one", "two"):
        assert last(server, f"docker run --rm busybox sh -c 'echo {word} | nc 172.17.0.2 7000'").stdout == f"{word}\n"
    once = "docker run -d --name once busybox sh -c 'echo served | nc -l -p 7000; echo done $?'"
    lines = (
        once,
        "sleep 0.1",
        "docker run --rm busybox sh -c 'echo hi | nc 172.17.0.2 7000'",
        "docker wait once",
        "docker logs once",
    )
    results = played(*lines)
    assert (results[2].stdout, results[-1].stdout) == ("served\n", "hi\ndone 0\n")


def test_ping_ends_with_its_figures_on_ctrl_c() -> None:
    result = last(
        "docker run -d --name peer busybox sleep 99", "docker run --rm busybox timeout -s INT 2.5 ping 172.17.0.2"
    )
    assert result.stdout.splitlines()[-2:] == [
        "3 packets transmitted, 3 packets received, 0% packet loss",
        "round-trip min/avg/max = 0.080/0.080/0.080 ms",
    ]


def test_ping_needs_raw_sockets() -> None:
    result = last("docker run --rm --cap-drop NET_RAW busybox ping -c 1 127.0.0.1")
    assert (result.exit, result.stderr) == (1, "ping: permission denied (are you root?)\n")


def test_nslookup_asks_the_server_and_no_file() -> None:
    lines = "docker network create lab", "docker run -d --name db --network lab --network-alias store busybox sleep 99"
    found = last(*lines, "docker exec db nslookup -type=a store").stdout
    assert found.endswith("Name:\tstore\nAddress: 172.18.0.2\n\n")
    assert last(*lines, "docker exec db nslookup 172.18.0.2").stdout.endswith("arpa\tname = db.lab\n\n")
    local = last(*lines, "docker exec db nslookup localhost")
    assert (local.exit, "can't find localhost: NXDOMAIN" in local.stdout) == (1, True)


def test_search_domains_and_added_hosts_are_tried() -> None:
    assert last("docker run --rm --add-host db:127.0.0.9 busybox ping -c 1 -q db").exit == 0
    lines = "docker network create lab", "docker run -d --name db --network lab busybox sleep 99"
    assert last(*lines, "docker run --rm --network lab --dns-search lab busybox ping -c 1 -q db").exit == 0


def test_debians_shells_do_not_know_the_applets_of_busybox() -> None:
    for shell in ("sh", "bash"):
        line = f"docker run --rm ubuntu {shell} -c 'command -v httpd || echo none' 2>/dev/null"
        assert last(line).stdout == "none\n"
    assert last("docker run --rm busybox sh -c 'command -v httpd'").stdout == "httpd\n"
