"""The model of Python does what the interpreter of the tests does, or says in simdocker's name that it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from containers import OneHost

from simdocker.api.models import HostConfig
from simdocker.backends.sim.programs.serving import UNKNOWN

PROGRAM = Path(__file__).with_name("python_program.txt").read_text(encoding="utf-8")


def python(text: str, **options: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a program in a container."""
    found: tuple[int, str, str] = OneHost().run("python:3.12-alpine", "python3", "-c", text, **options)
    return found


def test_a_program_prints_and_fails_as_with_the_real_interpreter(tmp_path: Path) -> None:
    real = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, cwd=tmp_path, stdin=subprocess.DEVNULL,
        check=False,
    )  # fmt: skip
    code, out, err = python(PROGRAM)
    assert out == real.stdout
    assert code == real.returncode == 1
    assert [line for line in err.splitlines() if line.startswith("  File")] == [
        line for line in real.stderr.splitlines() if line.startswith("  File")
    ]
    assert err.splitlines()[-1] == real.stderr.splitlines()[-1] == "KeyError: 'k'"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("def f():\n  yield 1\nf()", "generator functions (<string>, line 1)"),
        ("x = 1\nmemoryview(b'')", "the builtin memoryview (<string>, line 2)"),
        ("import asyncio", "the module asyncio (<string>, line 1)"),
        ("import os; os.fork()", "os.fork() with 0 arguments (<string>, line 1)"),
        ("(1).__class__", "int.__class__ (<string>, line 1)"),
        ("'{0.__class__}'.format(1)", "attributes and items in str.format (<string>, line 1)"),
        ("f'{1:100000}'", "fields so wide (<string>, line 1)"),
        ("print(len('x' * 10**9))", "values of more than 64 MB (<string>, line 1)"),
        ("try:\n  memoryview\nexcept BaseException: print('caught')", "the builtin memoryview (<string>, line 2)"),
    ],
)
def test_what_the_model_does_not_know_is_not_said_in_pythons_voice(text: str, what: str) -> None:
    assert python(text) == (UNKNOWN, "", f"simdocker: this model of Python does not know {what}\n")


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("nosuch", "NameError: name 'nosuch' is not defined"),
        ("import flask", "ModuleNotFoundError: No module named 'flask'"),
        ("import os; os.nosuch", "AttributeError: module 'os' has no attribute 'nosuch'"),
        ("''.nosuch", "AttributeError: 'str' object has no attribute 'nosuch'"),
        ("f = lambda n: f(n + 1)\nf(1)", "RecursionError: maximum recursion depth exceeded"),
        ("class E(Exception): pass\nraise E('mine')", "E: mine"),
    ],
)
def test_what_python_does_not_know_either_is(text: str, last: str) -> None:
    code, out, err = python(text)
    assert (code, out, err.splitlines()[0], err.splitlines()[-1]) == (1, "", "Traceback (most recent call last):", last)


@pytest.mark.parametrize("text", ["x = 'a' * 50_000_000", "x = []\nwhile True: x.append('a' * 1_000_000)"])
def test_a_program_that_holds_too_much_is_killed(text: str) -> None:
    assert python(text, host=HostConfig(Memory=32 << 20)) == (137, "", "")
