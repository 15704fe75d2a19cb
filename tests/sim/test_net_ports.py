"""Host ports are held per address and family, by published ports and by programs alike."""

from __future__ import annotations

from shell_lines import last, played

PROXY = "Error starting userland proxy: listen"


def publish(name: str, port: str) -> str:
    return f"docker run -d --name {name} -p {port} busybox httpd -f"


def refusal(*lines: str) -> str:
    """Why the last line, a `docker run`, could not publish its port."""
    result = last(*lines)
    assert result.exit == 125
    return result.stderr.partition("): ")[2].partition("\n")[0]


def test_two_addresses_share_a_port() -> None:
    lines = publish("one", "127.0.0.1:9090:80"), publish("two", "127.0.0.2:9090:80"), publish("six", "[::1]:9090:80")
    assert [step.exit for step in played(*lines)] == [0, 0, 0]
    codes = [last(*lines, f"curl -s -o /dev/null -w '%{{http_code}}' 'http://{address}:9090/'").stdout
             for address in ("127.0.0.1", "127.0.0.2", "[::1]", "172.17.0.1")]  # fmt: skip
    assert codes == ["404", "404", "404", "000"]


def test_the_families_do_not_get_in_each_others_way() -> None:
    assert [step.exit for step in played(publish("six", "[::]:9091:80"), publish("four", "0.0.0.0:9091:80"))] == [0, 0]


def test_an_address_of_another_machine_is_refused() -> None:
    assert refusal(publish("far", "1.2.3.4:9090:80")) == (
        f"{PROXY} tcp4 1.2.3.4:9090: bind: cannot assign requested address"
    )
    assert refusal(publish("far", "[fd00::1]:9090:80")) == (
        f"{PROXY} tcp6 [fd00::1]:9090: bind: cannot assign requested address"
    )


def test_a_program_of_the_host_holds_its_port() -> None:
    server = "docker run -d --name own --network host busybox httpd -f -p 8081"
    assert refusal(server, "sleep 0.1", publish("late", "8081:80")) == (
        f"{PROXY} tcp4 0.0.0.0:8081: bind: address already in use"
    )
    taken = last(publish("early", "8081:80"), "docker run --rm --network host busybox httpd -f -p 8081")
    assert taken.stderr == "httpd: bind: Address already in use\n"


def test_netstat_shows_who_listens() -> None:
    table = last(publish("web", "8080:80"), "docker run --rm --network host busybox netstat -ltn").stdout
    assert [line.split()[3] for line in table.splitlines()[2:]] == ["0.0.0.0:8080", ":::8080"]
    gone = last(publish("web", "8080:80"), "docker rm -f web", "docker run --rm --network host busybox netstat -ltn")
    assert gone.stdout.splitlines()[2:] == []


def test_a_port_is_free_once_its_program_has_ended() -> None:
    line = "nc -l -p 80 & sleep 0.1; kill $!; sleep 0.1; netstat -ltn | wc -l"
    assert last(f"docker run --rm busybox sh -c '{line}'").stdout == "2\n"
