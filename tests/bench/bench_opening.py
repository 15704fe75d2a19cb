"""How long `simdocker` takes to be there, as multiples of a bare `python -c pass` beside each start.

    python tests/bench/bench_opening.py [--quick] [pairs]

Fails when the median of a command's ratios is above the bar.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

BAR = 10
FIRST = Path(__file__).parents[2] / "scenarios" / "01-five-steps-of-docker-run.yaml"
COMMANDS = (["--help"], ["run", "--help"], ["validate", str(FIRST)], ["catalog"])


def start(*arguments: str) -> float:
    """Seconds that one Python takes, from nothing to its end."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def ratio(command: list[str], pairs: int) -> float:
    """The median of a command's time over a bare start's, each pair measured back to back."""
    start("-m", "simdocker", *command)  # the first one compiles
    return statistics.median(start("-m", "simdocker", *command) / start("-c", "pass") for _ in range(pairs))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("pairs", type=int, nargs="?", default=25)
    parser.add_argument("--quick", action="store_true", help="7 pairs")
    options = parser.parse_args()
    pairs = 7 if options.quick else options.pairs
    slow = 0
    for command in COMMANDS:
        measured = ratio(command, pairs)
        slow += measured > BAR
        print(f"simdocker {' '.join(Path(word).name for word in command):40} {measured:5.1f} bare starts, bar {BAR}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
