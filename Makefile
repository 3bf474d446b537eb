# Two commands do everything: make verify, make test. Each creates the environment it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SITE = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
# Packages that install one import name are verified in environments of their own, over the common one.
ALONE := focal-loss focal_loss_torch
GROUPS := reference oracle kit packaging migrate external properties adapters suite
# Groups side by side; each prints when it has ended. One framework a process.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: verify test lint format record clean verify-alone $(GROUPS:%=test-%)

verify: $(READY)  ## adapters in all modes and every peer, against the recorded verdicts
	mkdir -p build
	$(BIN)/focal-ref verify --all --require --recorded --overview --markdown build/verdicts.md
	$(MAKE) verify-alone

verify-alone: $(ALONE:%=.venv-%/.ready)
	.venv-focal-loss/bin/python -m focal_conformance verify peer:focal-loss peer:focal-loss-sparse --recorded --overview
	.venv-focal_loss_torch/bin/python -m focal_conformance verify peer:focal-loss-torch peer:focal-loss-torch-softmax --recorded --overview

test: $(READY)  ## the project's own tests
	$(MAKE) -j$(JOBS) --output-sync=target $(GROUPS:%=test-%)

test-reference:
	$(BIN)/python -m pytest -q tests/reference --doctest-modules focal_ref
test-oracle test-packaging test-external:
	$(BIN)/python -m pytest -q tests/$(@:test-%=%)
test-kit test-migrate test-properties test-adapters:
	set -e; for file in tests/$(@:test-%=%)/test_*.py; do echo $$file; $(BIN)/python -m pytest -q $$file; done
test-suite:
	$(BIN)/python -m pytest -q --pyargs focal_conformance.suite --focal-port adapter:torch --focal-device cpu

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

PEERS_JSON := conformance_tests/focal_conformance/peers.json
record: $(READY) $(ALONE:%=.venv-%/.ready)  ## run the peers, write their verdicts and the README table; review the diff
	$(BIN)/focal-ref verify --all --require --overview --record $(PEERS_JSON) --markdown docs/verdicts.md || true
	.venv-focal-loss/bin/python -m focal_conformance verify peer:focal-loss peer:focal-loss-sparse --overview --record $(PEERS_JSON) || true
	.venv-focal_loss_torch/bin/python -m focal_conformance verify peer:focal-loss-torch peer:focal-loss-torch-softmax --overview --record $(PEERS_JSON) || true
	$(BIN)/python docs/insert_verdicts.py

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed, this is " + sys.version.split()[0] + "; make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade-strategy only-if-needed -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[torch,tensorflow,jax,test,peers]'
	touch $(READY)

.venv-%/.ready: $(READY)
	$(PYTHON) -m venv $(@D)
	echo "import site; site.addsitedir('$(SITE)')" > $$($(@D)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/common.pth
	$(@D)/bin/python -m pip install --quiet --no-deps -c constraints.txt $*
	touch $@

clean:
	rm -rf $(VENV) .venv-* build dist
