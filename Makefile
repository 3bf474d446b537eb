# Two commands do everything: make verify, make test. Each creates the environment it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: verify test lint format record clean

verify: $(READY)  ## adapters in all modes and every peer, against the recorded verdicts
	$(BIN)/focal-ref verify --all --require --recorded --overview

test: $(READY)  ## the project's own tests, one framework a process
	$(BIN)/python -m pytest -q --doctest-modules focal_ref
	$(BIN)/python -m pytest -q tests --ignore=tests/adapters
	set -e; for file in tests/adapters/test_*.py; do $(BIN)/python -m pytest -q $$file; done
	$(BIN)/python -m pytest -q --pyargs focal_conformance.suite --focal-port adapter:torch --focal-device cpu

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

record: $(READY)  ## run the peers, write their verdicts and the README table; review the diff
	$(BIN)/focal-ref verify --all --require --overview --record conformance_tests/focal_conformance/peers.json --markdown docs/verdicts.md || true
	$(BIN)/python docs/insert_verdicts.py

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed, this is " + sys.version.split()[0] + "; make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade-strategy only-if-needed -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[torch,tensorflow,jax,test,peers]'
	touch $(READY)

clean:
	rm -rf $(VENV) build dist
