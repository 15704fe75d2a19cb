"""How long `simdocker` takes to be there, as multiples of a bare `python -c pass` beside each start.

    python tests/bench/bench_opening.py [--quick] [pairs]

Fails when a command's shortest time is above the bar: other programs on the machine only ever add to it.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

BAR = 10
NOISE = 1.25  # what the few starts of a quick look are forgiven
FIRST = Path(__file__).parents[2] / "scenarios" / "01-five-steps-of-docker-run.yaml"
COMMANDS = (["--help"], ["run", "--help"], ["validate", str(FIRST)], ["catalog"])


def start(*arguments: str) -> float:
    """Seconds that one Python takes, from nothing to its end."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def ratio(command: list[str], pairs: int) -> float:
    """A command's shortest time over that of a bare start, measured in turns."""
    start("-m", "simdocker", *command)  # the first one compiles
    times = [(start("-m", "simdocker", *command), start("-c", "pass")) for _ in range(pairs)]
    return min(ours for ours, _ in times) / min(bare for _, bare in times)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("pairs", type=int, nargs="?", default=25)
    parser.add_argument("--quick", action="store_true", help="7 pairs")
    options = parser.parse_args()
    pairs = 7 if options.quick else options.pairs
    slow = 0
    for command in COMMANDS:
        measured = ratio(command, pairs)
        if measured > BAR:  # a bare start was lucky, or no start of the command was
            measured = ratio(command, 4 * pairs)
        slow += measured > BAR * (NOISE if options.quick else 1)
        print(f"simdocker {' '.join(Path(word).name for word in command):40} {measured:5.1f} bare starts, bar {BAR}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
