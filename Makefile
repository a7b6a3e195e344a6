# Needs make, git and Python 3.11 or newer; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
TARGET ?= recognise
SECONDS ?= 60
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
MAIN := $(VENV)/.main
DEV := $(VENV)/.dev

.PHONY: help decipher test lint fix laws bounds audit bench docs score lab lab-tools lab-roots lab-kept accuracy senders mutants fuzz torture clean

help: ## print these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

decipher: $(MAIN) ## set up, then decipher the example of 2000
	$(BIN)/craftmark examples/odd-scan-2000.pcap

test: $(DEV) ## run the tests
	$(BIN)/python -m pytest -q -n 2

lint: $(DEV) ## run ruff, mypy, import-linter and codespell
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

fix: $(DEV) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

laws: $(DEV) ## run the law tests of the accumulators and executors
	$(BIN)/python -m pytest -q -n 2 tests/laws

bench: $(DEV) ## print the table of speeds beside other programs
	$(BIN)/python benchmarks/bench.py

docs: $(DEV) ## write again what the docs and the schema derive from the program
	$(BIN)/python -m craftmark.report.schema > craftmark/report/report.schema.json.new
	mv craftmark/report/report.schema.json.new craftmark/report/report.schema.json
	$(BIN)/python docs/fill.py
	$(BIN)/python -m pytest -q tests/docs tests/report

score: $(MAIN) ## measure against captures whose truth is known, where they are at hand
	@if [ -d ../shared/score ]; then \
	  $(BIN)/python ../shared/score/score.py --command $(BIN)/craftmark; \
	else echo "no ../shared here: nothing to measure against"; fi

lab: ## run real tools in network namespaces and write captures with truth (needs root)
	$(PYTHON) -m lab lab/out

lab-tools: ## install the lab's tools from Debian
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$($(PYTHON) -m lab --packages)

lab-roots: ## make root folders of newer Debian suites, for newer versions of some tools
	lab/roots.sh

lab-kept: ## replace the captures kept in the repository by those in lab/out
	$(PYTHON) -m lab --keep lab/out

accuracy: $(DEV) ## measure how often craftmark is right, and write docs/accuracy.md
	$(BIN)/python -m lab.accuracy

senders: $(DEV) ## measure how often the sender is told rightly (forged, one, hops), and write docs/senders.md
	$(BIN)/python -m lab.accuracy.senders --captures lab/out

mutants: $(DEV) ## alter each rule, one expectation at a time, and list what no example notices
	$(BIN)/python -m tests.cases.mutants

fuzz: $(DEV) ## coverage-guided fuzzing: make fuzz TARGET=tcpdump SECONDS=600 (needs pip install atheris)
	CRAFTMARK_KERNELS=plain $(BIN)/python -m fuzz.guided $(TARGET) -max_total_time=$(SECONDS)

bounds: $(DEV) ## run what runs kernels, compiled with bounds checks
	NUMBA_BOUNDSCHECK=1 CRAFTMARK_KERNELS=compiled $(BIN)/python -m pytest -q tests/kernels tests/packets tests/sources tests/evidence

audit: $(VENV)/.made ## look for known vulnerabilities in what is depended on (asks the package index)
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/$(notdir $(BIN))/python -m pip install -q --disable-pip-version-check pip-audit
	$(VENV)/audit/$(notdir $(BIN))/python -m pip_audit --strict --no-deps --disable-pip -r constraints.txt

torture: $(DEV) ## mutated inputs against every reader, SECONDS each (a million at most); writes the table of docs/reliability.md
	$(BIN)/python -m fuzz.torture --seconds $(SECONDS) --write

clean: ## remove the environment and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "craftmark needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(MAIN): $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	$(BIN)/python -m compileall -q craftmark
	touch $@

$(DEV): $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/python -m compileall -q craftmark
	touch $(MAIN) $@
