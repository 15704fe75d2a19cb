# make demo: set up and play the first scenario.   make test: set up and run the tests.
# make bench: what things cost, in a few minutes; make bench BENCH=--quick in one (tests/bench/README.md).
# make calibrate: measure a real Docker Engine, and write calibrated.json for --profile.
# Needs Python 3.11 or newer and nothing else; everything is installed into .venv.

PYTHON ?= python3
BENCH ?=
CALIBRATE ?=
PYTEST ?=
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bench calibrate fingerprints picture photo page clean

demo: $(VENV)/.installed
	$(BIN)/simdocker run scenarios/01-five-steps-of-docker-run.yaml

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n auto $(PYTEST)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	for bench in tests/bench/bench_*.py; do $(BIN)/python $$bench $(BENCH) || exit 1; done

calibrate: $(VENV)/.installed
	$(BIN)/simdocker calibrate --backend engine $(CALIBRATE)

# After a change that is meant to change what happens in a play.
fingerprints: $(VENV)/.installed-dev
	$(BIN)/python -m tests.scenario.fingerprints

# The README's picture, drawn from a real play.
picture: $(VENV)/.installed
	$(BIN)/python .ci/picture.py

# The README's picture of the page, photographed in a headless Chromium.
photo: $(VENV)/.installed-dev
	$(BIN)/python .ci/photo.py

# The page of `simdocker view` and `ui`, built from simdocker/web/page into simdocker/web/assets; needs node and npm.
page:
	cd simdocker/web/page && npm ci --no-audit --no-fund && npm run check && npm run build

# A virtual environment made for another place or by another Python is made anew.
$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "simdocker needs Python 3.11 or newer; say which with make PYTHON=python3.12")'
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/.python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(VENV)/.installed $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
