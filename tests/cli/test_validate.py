"""What is wrong with a scenario is one sentence with file and line, and exit code 2; never a traceback."""

import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simdocker.cli.outcome import exit_code
from simdocker.cli.run import run_scenario
from simdocker.cli.validate import validate_files
from simdocker.errors import UserError
from simdocker.scenario.load import from_yaml, load
from simdocker.scenario.world import World

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
RUN = "steps: [{run: docker ps}]\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{here}: &{here} [{','.join(['*' + there] * 10)}]\n"
    for here, there in zip("bcdefghi", "abcdefgh", strict=True)
)  # fmt: skip

WRONG: dict[str, tuple[bytes | str, str]] = {
    "an unknown key": ("titel: x\n" + RUN, r":1: the key 'titel' is not known: did you mean 'title'\?"),
    "a deep unknown key": (
        "steps:\n- run: docker ps\n  expect:\n    stdot: x\n",
        r":4: the key 'stdot' is not known in steps.1.expect: did you mean 'stdout'\?",
    ),
    "a bad duration": ("steps:\n- wait: 5 parsecs\n", r":2: '5 parsecs' is not a duration .* such as 20ms"),
    "a bad size": ("world: {hosts: {a: {memory: lots}}}\n" + RUN, r":1: 'lots' is not a size: .* such as 512KiB"),
    "a wrong type": (
        "steps:\n- run: docker ps\n  times: many\n",
        r":3: steps.1.times must be a whole number, not 'many'",
    ),
    "a command without run": ("steps:\n- docker ps\n", r":2: steps.1 must be .*, not 'docker ps': write run: before"),
    "an image on nothing": (
        "images:\n  mine:\n    from: bsybox\n" + RUN,
        r":3: no registry here has the image 'bsybox': did you mean busybox\?",
    ),
    "an image on no such tag": (
        "images: {mine: {from: 'alpine:9'}}\n" + RUN,
        r":1: .*'alpine:9': the tags of alpine are latest",
    ),
    "an image of no registry": (
        "images: {reg.lab/mine: {}}\n" + RUN,
        r":1: .*which this world has not: known are docker.io",
    ),
    "no image name": ("images: {Mine: {}}\n" + RUN, r":1: 'Mine' is no image name: "),
    "an unknown profile": (
        "profile: defualt\n" + RUN,
        r":1: there is no cost profile 'defualt'; did you mean default\?",
    ),
    "a link to nowhere": (
        "world:\n  links:\n  - between: [laptop, mars]\n" + RUN,
        r":3: a link goes to 'mars', which is no host",
    ),
    "a fault of no link": (
        "steps:\n- fault: {link: [laptop, mars], down: 1s}\n",
        r":2: .*'mars'.*|:1: a fault names a link",
    ),
    "no way to the daemon": (
        "world:\n  hosts:\n    laptop:\n    server: {daemon: true}\n  links: [{between: [server, docker.io]}]\n" + RUN,
        r":3: the client on 'laptop' is to use tcp://server:2375, but there is no way from there to server: add a link",
    ),
    "no daemon there": (
        "world:\n  hosts:\n    laptop: {docker_host: 'tcp://pc:2375'}\n" + RUN,
        r":3: the client on 'laptop' is to use tcp://pc:2375, but 'pc' is no host here: known are laptop",
    ),
    "a step on no host": ("steps:\n- {run: docker ps, on: moon}\n", r":2: a step runs on 'moon', which is no host"),
    "a key twice": ("title: a\n" + RUN + "title: b\n", r":3: the key 'title' stands here a second time"),
    "no steps": ("title: a\n", r":1: the key 'steps' is missing"),
    "empty steps": ("steps: []\n", r":1: steps must be a list that is not empty, not \[\]"),
    "no regular expression": (
        "steps: [{run: a, expect: {stdout: {matches: '('}}}]",
        r":1: '\(' is no regular expression",
    ),
    "an empty file": ("", r": a scenario has keys such as title and steps, but this holds nothing"),
    "only text": ("hello\n", r": a scenario has keys .*, but this holds only text"),
    "a colon in a text": (
        "steps:\n- run: echo a: b: c\n",
        r":2: this is not YAML: a text with ': ' in it needs quotes",
    ),
    "a tab": ("steps:\n\t- run: docker ps\n", r":2: this is not YAML: the line begins with a tab; write spaces"),
    "half a list": ("steps: [\n", r":2: this is not YAML: "),
    "a tag of Python": ("title: !!python/object:os.system x\n" + RUN, r":1: this is not YAML: "),
    "a billion laughs": (BOMB + RUN, r": its anchors stand for more than 1000000 values; write them out"),
    "an anchor in itself": ("title: &a [*a]\n" + RUN, r":1: "),
    "depth": ("title: " + "[" * 2000 + "]" * 2000, r": it is nested too deeply|:1: "),
    "a number of 5000 digits": ("seed: " + "9" * 5000 + "\n" + RUN, r": this is not YAML: Exceeds the limit"),
    "10 MB": ("#" * (10 << 20), r": more than 4 MiB is no scenario; split it"),
    "binary garbage": (bytes(range(256)) * 50, r": this is not a text file; a scenario is YAML"),
    "Latin-1": ("title: Größe\n".encode("latin-1") + RUN.encode(), r": this is not a text file"),
    "a control character": ("title: \x07\n" + RUN, r":1: there is a control character"),
}


@pytest.mark.parametrize("case", WRONG)
def test_one_sentence_says_what_is_wrong_where_and_how_to_mend_it(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, sentence = WRONG[case]
    file = tmp_path / "file.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert validate_files([str(file)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert re.match(f"simdocker: {re.escape(str(file))}(?:{sentence})", said), said


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("no.yaml", "there is no such file"), (".", "this is a directory; name a scenario file in it")],
)
def test_what_is_no_file_is_said(
    name: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert validate_files([name]) == 2
    assert capsys.readouterr().err == f"simdocker: {name}: {sentence}\n"


def test_every_file_is_checked_and_the_good_ones_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.yaml").write_text("title: Good\n" + RUN)
    (tmp_path / "bad.yaml").write_text("steps: 5\n")
    assert validate_files([str(tmp_path / "bad.yaml"), str(tmp_path / "good.yaml")]) == 2
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'good.yaml'}: ok: Good: 1 command\n"
    assert "bad.yaml:1: steps must be a list" in said.err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"backend": "simm"}, "--backend simm: there is no such backend; known are sim, linux, engine"),
        ({"backend": "engine", "speed": 1.0}, "--speed: on a real machine time passes at its own pace"),
        ({"host": "unix:///x"}, "--host says where a real engine is: it goes with --backend engine"),
        ({"profile": "defualt"}, "there is no cost profile 'defualt'; did you mean default?"),
        ({"speed": 0.0}, "--speed 0: a speed is above 0"),
        ({"speed": float("nan")}, "--speed nan: a speed is above 0"),
    ],
)
def test_a_wrong_option_is_said(options: dict[str, object], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    usual = {"backend": "sim", "seed": 1, "profile": None, "trace": None, "as_json": True, "speed": None, "quiet": True}
    assert exit_code(lambda: run_scenario(str(SCENARIOS[0]), **(usual | options))) == 2  # type: ignore[arg-type]
    assert capsys.readouterr().err.startswith(f"simdocker: {sentence}")


def test_every_shipped_scenario_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert validate_files([str(path) for path in SCENARIOS]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(SCENARIOS)


WORDS = [
    "",
    "~",
    "5",
    "-1",
    "5x",
    "[]",
    "{}",
    "true",
    "2024-01-01",
    "*a",
    "&a",
    "!!int",
    "<<",
    "'",
    '"',
    "|",
    "? x",
    "\t",
]


@given(st.sampled_from(SCENARIOS), st.randoms(use_true_random=False))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_mutilated_scenario_is_valid_or_refused_in_one_line(path: Path, dice: random.Random) -> None:
    lines = path.read_text().splitlines()
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(lines))
        words = re.split(r"(\W)", lines[at])
        change = dice.randrange(5)
        if change == 0:
            words[dice.randrange(len(words))] = dice.choice(WORDS)
        elif change == 1:
            words[dice.randrange(len(words))] += dice.choice("xX:[]{}-,#\"'")
        elif change == 2:
            lines[at] = lines[dice.randrange(len(lines))]
            continue
        elif change == 3:
            words.insert(0, " " * dice.randint(1, 4))
        else:
            del words[dice.randrange(len(words))]
        lines[at] = "".join(words)
    refused = valid_or_refused("\n".join(lines))
    assert refused is None or ("\n" not in refused and refused.startswith("f.yaml"))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_one_line(data: bytes) -> None:
    refused = valid_or_refused(data.decode("latin-1"))
    assert refused is not None
    assert "\n" not in refused


def valid_or_refused(text: str) -> str | None:
    """None when a world can be built from the text, else the sentence. Anything but UserError is a fault."""
    try:
        scenario = from_yaml(text, "f.yaml")
        World.build(scenario)
    except UserError as error:
        return str(error)
    return None


def test_standard_input_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UserError, match="standard input is closed"):
        load("-")


MANY = """titel: Many
world:
  hosts:
    laptop: {cpus: many, memory: 4GiB}
    server: {daemn: true}
  links:
    - {between: [laptop], latency: 20ms}
steps:
  - docker ps
  - run: docker rnu nginx
  - {wait: soon}
  - {run: docker ps, expct: {exit: zero, stdot: x}}
  - {run: docker ps, say: hello}
  - {run: docker ps, on: moon}
"""


def test_all_mistakes_of_a_file_are_told_each_with_its_line_and_nothing_that_follows_from_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "many.yaml"
    path.write_text(MANY)
    assert validate_files([str(path)]) == 2
    told = [line.partition("many.yaml:")[2] for line in capsys.readouterr().err.splitlines()]
    assert [line.partition(":")[0] for line in told] == ["1", "4", "5", "7", "9", "11", "12", "12", "12", "13"]
    assert "did you mean 'stdout'?" in told[-2]


def test_a_key_that_was_misspelt_is_read_as_what_was_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "two.yaml"
    path.write_text("title: t\nstesp:\n- run: docker rnu\n- run: docker ps\n")
    assert validate_files([str(path)]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "did you mean 'steps'?" in first and "did you mean 'run'?" in second


def test_commands_that_docker_has_not_are_all_named_with_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "typos.yaml"
    path.write_text(
        "title: t\nsteps:\n- run: docker rnu busybox\n- run: docker ps | grep x && docker volum ls\n"
        "- run: docker network creat lab\n- {run: docker pss, expect: {exit: 1}}\n- run: echo docker rnu\n"
        "- run: docker compose up\n- run: docker $verb x\n- run: docker --host x ps\n"
    )
    assert validate_files([str(path)]) == 2
    said = capsys.readouterr().err
    assert [line.partition("docker has no command ")[2].partition(" (")[0] for line in said.splitlines()] == [
        "'rnu': did you mean 'run'?",
        "'volum': did you mean 'volume'?",
        "'network creat': did you mean 'create'?",
    ]
