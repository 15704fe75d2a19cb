"""What a command imports before it answers: nothing heavy that it does not need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FIRST = Path(__file__).parents[2] / "scenarios" / "01-five-steps-of-docker-run.yaml"
LOADED = """
import json, sys
sys.argv = ["simdocker", *sys.argv[1:]]
from simdocker.cli.main import main
try:
    main()
finally:
    print("LOADED", json.dumps(sorted(sys.modules)))
"""
SIMULATOR = ("simpy", "networkx", "tree_sitter", "prompt_toolkit", "pydantic", "asyncio", "rich")
READERS = ("msgspec", "yaml")


def loaded(*arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.rpartition("LOADED ")[2]))


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["validate", "--help"]], ids=" ".join)
def test_help_loads_only_what_reads_arguments(arguments: list[str]) -> None:
    assert loaded(*arguments).isdisjoint((*SIMULATOR, *READERS))


def test_validate_loads_what_reads_a_scenario_and_no_simulator() -> None:
    assert loaded("validate", str(FIRST)).isdisjoint((*SIMULATOR, "typer"))


def test_the_catalogue_is_described_without_a_simulator() -> None:
    assert loaded("catalog").isdisjoint((*SIMULATOR, "typer", "yaml"))
