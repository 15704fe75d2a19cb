"""`python -m simdocker` is the `simdocker` command."""

from simdocker.cli.main import main

main()
