# Two commands do everything: make verify, make test. Each creates the environment it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SITE = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
# What conflicts with another package, or is too much to ask of everybody, has an environment of its own over the common one.
ALONE := focal-loss focal_loss_torch paddlepaddle ultralytics
PEERS_focal-loss := peer:focal-loss peer:focal-loss-sparse
PEERS_focal_loss_torch := peer:focal-loss-torch peer:focal-loss-torch-softmax
PEERS_paddlepaddle := peer:paddle
PEERS_ultralytics := peer:ultralytics
# Tests that are about the package, or about its framework: they are skipped in the common environment.
MIGRATE_focal-loss := tests/migrate/test_migrate_tensorflow.py
MIGRATE_focal_loss_torch := tests/migrate/test_migrate_torch.py
MIGRATE_paddlepaddle := tests/migrate/test_migrate_paddle.py
MIGRATE_ultralytics := tests/migrate/test_migrate_torch.py
# What it needs beside what the common environment has; pins of its own that conflict there are left out.
WITH_paddlepaddle := httpx httpcore
GROUPS := reference oracle kit packaging migrate external findings examples properties adapters scale suite
# Groups side by side; each prints when it has ended. One framework a process.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: verify test lint format record scoreboard scoreboard-pages mutants bench performance clean verify-alone $(ALONE:%=verify-alone-%) $(GROUPS:%=test-%)

verify: $(READY)  ## adapters in all modes and every peer, against the recorded verdicts
	mkdir -p build
	$(BIN)/focal-ref verify --all --require --recorded --overview --no-diagnosis --markdown build/verdicts.md
	$(MAKE) verify-alone

verify-alone: $(ALONE:%=verify-alone-%)  ## the same for the packages that have environments of their own

$(ALONE:%=verify-alone-%): verify-alone-%: .venv-%/.ready
	.venv-$*/bin/python -m focal_conformance verify $(PEERS_$*) --recorded --overview --no-diagnosis
	.venv-$*/bin/python -m pytest -q tests/findings -k '$*'
	.venv-$*/bin/python -m pytest -q $(MIGRATE_$*) -k '$*'
	$(if $(filter paddlepaddle,$*),.venv-$*/bin/python -m pytest -q tests/kit/test_paddle_driver.py)

test: $(READY)  ## the project's own tests
	$(MAKE) -j$(JOBS) --output-sync=target $(GROUPS:%=test-%)

test-reference:
	$(BIN)/python -m pytest -q tests/reference --doctest-modules focal_ref
test-oracle test-packaging test-external test-findings:
	$(BIN)/python -m pytest -q tests/$(@:test-%=%)
test-kit test-migrate test-examples test-properties test-adapters test-scale:
	failed=0; for file in tests/$(@:test-%=%)/test_*.py; do echo $$file; $(BIN)/python -m pytest -q $$file || failed=1; done; exit $$failed
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
BOARD := build/scoreboard
COMMON_PEERS = $$($(BIN)/python -c 'from focal_conformance.ports.peers import names; from focal_conformance.ports.resolve import in_common; print(*filter(in_common, names()))')
ALONE_READY := $(ALONE:%=.venv-%/.ready)

record: $(READY) $(ALONE_READY)  ## run all ports, write the peers' verdicts, the README table and the scoreboard; review the diff
	rm -rf $(BOARD) && mkdir -p $(BOARD)
	$(BIN)/focal-ref verify --all --require --overview --record $(PEERS_JSON) --markdown docs/verdicts.md --json $(BOARD)/common.json || true
	$(foreach name,$(ALONE),.venv-$(name)/bin/python -m focal_conformance verify $(PEERS_$(name)) --overview --record $(PEERS_JSON) --json $(BOARD)/$(name).json || true;)
	$(BIN)/python docs/insert_verdicts.py
	$(MAKE) scoreboard-pages

scoreboard: $(READY) $(ALONE_READY)  ## run every peer, write docs/scoreboard.md and its twin in HTML
	rm -rf $(BOARD) && mkdir -p $(BOARD)
	$(BIN)/focal-ref verify $(COMMON_PEERS) --overview --json $(BOARD)/common.json || true
	$(foreach name,$(ALONE),.venv-$(name)/bin/python -m focal_conformance verify $(PEERS_$(name)) --overview --json $(BOARD)/$(name).json || true;)
	$(MAKE) scoreboard-pages

scoreboard-pages:  ## from the reports of the last run
	$(BIN)/focal-ref scoreboard $(BOARD)/common.json $(ALONE:%=$(BOARD)/%.json) --markdown docs/scoreboard.md --html docs/scoreboard.html

BENCH := build/benchmarks

bench: $(READY)  ## speed and memory, peers and ours in turn; JSON in build/benchmarks
	mkdir -p $(BENCH)
	$(BIN)/python -m benchmarks --json $(BENCH)/cpu.json

performance: $(READY)  ## measure all of it, growth too, on a machine that does nothing else; writes docs/performance.md
	mkdir -p $(BENCH)
	$(BIN)/python -m benchmarks --json $(BENCH)/cpu.json
	$(BIN)/python -m benchmarks growth --json $(BENCH)/growth.json --plot docs/performance-growth.svg
	$(BIN)/python -m benchmarks page $(BENCH)/cpu.json $(wildcard $(BENCH)/cuda.json) $(BENCH)/growth.json --markdown docs/performance.md

mutants: $(READY)  ## every known deviation as a port, caught and named? writes docs/mutants.md and docs/deviations.md
	$(BIN)/focal-ref mutants --markdown docs/mutants.md --catalogue docs/deviations.md

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed, this is " + sys.version.split()[0] + "; make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade-strategy only-if-needed -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[torch,tensorflow,jax,test,peers]'
	touch $(READY)

.venv-%/.ready: $(READY)
	$(PYTHON) -m venv $(@D)
	echo "import site; site.addsitedir('$(SITE)')" > $$($(@D)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/common.pth
	$(@D)/bin/python -m pip install --quiet --no-deps -c constraints.txt $* $(WITH_$*)
	touch $@

clean:
	rm -rf $(VENV) .venv-* build dist
