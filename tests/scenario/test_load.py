"""Reading scenario files: what is wrong is said in one sentence, with its line."""

import pytest

from simdocker.scenario.load import ScenarioError, from_lines, from_yaml, load

ONE = "steps:\n  - run: docker ps\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("titel: x\n" + ONE, "f.yaml:1: the key 'titel' is not known: did you mean 'title'?"),
        (
            "steps:\n  - run: docker ps\n    expct: {exit: 0}\n",
            "f.yaml:3: the key 'expct' is not known in steps.1: did you mean 'expect'?",
        ),
        (
            "steps:\n  - wait: 5x\n",
            "f.yaml:2: '5x' is not a duration ('x' is no unit of time): use ns, us, ms, s, m, h or d, such as 20ms",
        ),
        (
            ONE + "world:\n  links:\n    - {between: [laptop, mars]}\n",
            "f.yaml:5: a link goes to 'mars', which is no host or registry here: known are laptop, docker.io",
        ),
        (
            ONE + "world:\n  hosts: {laptop: {cpuz: 4}}\n",
            "f.yaml:4: the key 'cpuz' is not known in world.hosts.laptop: did you mean 'cpus'?",
        ),
        (
            "steps:\n  - {run: docker ps, on: moon}\n",
            "f.yaml:2: a step runs on 'moon', which is no host here: known are laptop",
        ),
        (ONE + "title: a\ntitle: b\n", "f.yaml:4: the key 'title' stands here a second time"),
        (
            "steps:\n  - {run: a, wait: 3s}\n",
            "f.yaml:2: a step says exactly one of run, parallel, wait, fault or say",
        ),
        ("title: x\n", "f.yaml:1: the key 'steps' is missing"),
        (
            ONE + "world:\n  hosts: {laptop: {daemon: {live-restor: true}}}\n",
            "f.yaml:4: the key 'live-restor' is not known in world.hosts.laptop.daemon: did you mean 'live-restore'?",
        ),
        (
            ONE + "world:\n  hosts: {laptop: {daemon: {registry-mirrors: [mirror.lab]}}}\n",
            'f.yaml:4: invalid mirror: "mirror.lab" is not a valid URI: write http://HOST or https://HOST',
        ),
        (
            ONE + "world:\n  registries: {docker.io: {proxy: mars}}\n",
            "f.yaml:4: docker.io is to be a cache of 'mars', but the registries are docker.io",
        ),
        (
            "steps:\n  - fault: {daemon: moon, crash: true}\n",
            "f.yaml:2: a fault names the daemon of 'moon': they run on laptop",
        ),
        (
            "steps:\n  - fault: {daemon: laptop, latency: 3s}\n",
            "f.yaml:2: a daemon fault says one of crash, down, restart, up",
        ),
        (
            ONE + "world:\n  hosts: {laptop: {daemon: true x}}\n",
            "f.yaml:4: world.hosts.laptop.daemon must be true or false or keys with values, not 'true x'",
        ),
        ("just text", "f.yaml: a scenario has keys such as title and steps, but this holds only text"),
        ("", "f.yaml: a scenario has keys such as title and steps, but this holds nothing"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        from_yaml(text, "f.yaml")
    assert str(caught.value) == sentence


def test_yaml_that_is_none_is_said_in_one_line() -> None:
    with pytest.raises(ScenarioError, match=r"^f\.yaml:2: this is not YAML: [^\n]+$"):
        from_yaml("steps: [\n", "f.yaml")


def test_on_is_a_host_and_not_a_truth_value() -> None:
    assert from_yaml("steps: [{run: docker ps, on: laptop}]", "f").steps[0].on == "laptop"


def test_nested_anchors_that_explode_are_refused() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    for here, there in zip("bcdefgh", "abcdefg", strict=True):
        bomb += f"{here}: &{here} [{','.join(['*' + there] * 10)}]\n"
    with pytest.raises(ScenarioError, match="anchors stand for more than"):
        from_yaml(bomb, "f")


def test_binary_garbage_is_no_scenario(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "x.yaml"
    file.write_bytes(bytes(range(256)) * 10)
    with pytest.raises(ScenarioError, match="not a text file"):
        load(str(file))


def test_ten_megabytes_are_refused_unread(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "x.yaml"
    file.write_bytes(b"a" * (10 << 20))
    with pytest.raises(ScenarioError, match="is no scenario; split it"):
        load(str(file))


def test_a_shell_script_is_cut_where_a_shell_would_be_ready() -> None:
    text = "# comment\ndocker pull x\nid=$(docker ps -q); docker rm $id\nfor i in 1 2; do\n  docker run $i\ndone\n"
    runs = [step.run for step in from_lines(text, "x.sh").steps]
    assert runs == [
        "docker pull x",
        "id=$(docker ps -q); docker rm $id",
        "for i in 1 2; do\n  docker run $i\ndone",
    ]


def test_a_script_without_commands_is_refused() -> None:
    with pytest.raises(ScenarioError, match="there is no command in it"):
        from_lines("# nothing\n", "x.sh")
