# Needs python3 >= 3.9 with venv.  JDK 17 and Maven, where present, add the tests against real Apache Kafka.
#   make demo [BOOTSTRAP=host:port]     make test [ARGS='-k name'] [WORKERS=0]     make help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
CASES ?= 100000
WORKERS ?= auto
MINUTES ?= 30
SEEDS ?= 100000
RUNS ?= 500
FIRST ?= 0
OTHER_PYTHONS ?= 3.9 3.10 3.11 3.12 3.13

# Modules that are compiled as they stand have their types beside them.
TYPED := $(filter-out kafka/_speedups/%,$(wildcard kafka/*/*.pxd))

export BOOTSTRAP
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: help demo test unit fuzz chaos soak simulate exits lint types docs bench matrix plots pythons kafka clean
.DEFAULT_GOAL := help

# Names tox's environments for OTHER_PYTHONS in $envs, and says of what is missing that $(1).
# tox starts interpreters by name; pyenv's are on PATH only with each version's own folder there.
define FIND_PYTHONS
if command -v pyenv > /dev/null; then PATH="$$(printf '%s:' "$$(pyenv root)"/versions/*/bin)$$PATH"; fi; \
	envs=; for version in $(OTHER_PYTHONS); do \
	    if "python$$version" -c '' 2> /dev/null; then envs="$$envs$${envs:+,}py$${version/./}"; \
	    else echo "python$$version is not installed: $(1)"; fi; \
	done
endef

help:  ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: $(VENV)/.installed  ## send records and show what the broker stored
	@$(BIN)/python examples/demo.py $(ARGS)

test: $(VENV)/.ready kafka lint types  ## lint, types, and the whole suite
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

unit: $(VENV)/.ready  ## the suite without real Kafka
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not broker" $(ARGS)

fuzz: $(VENV)/.ready  ## answers that were tampered with, CASES of each kind
	@KAFKA_FUZZ_CASES=$(CASES) $(BIN)/python -m pytest --timeout 0 -o faulthandler_timeout=0 tests/guarantees/test_fuzz.py $(ARGS)

chaos: $(VENV)/.ready kafka  ## three brokers of real Kafka under load, and what befalls them: a table
	@$(BIN)/python -m tests.chaos $(ARGS)

soak: $(VENV)/.ready  ## random faults under load for MINUTES: whether memory, files and threads stay flat
	@$(BIN)/python -m tests.soak --minutes $(MINUTES) $(ARGS)

simulate: $(VENV)/.ready  ## whole producers in virtual time under faults, SEEDS of them from FIRST on
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) --first $(FIRST) --jobs $$(nproc) $(ARGS)

exits: $(VENV)/.ready  ## small programs that end without close(), RUNS of each, on OTHER_PYTHONS
	@$(call FIND_PYTHONS,the programs are not run on it); \
	if [ -n "$$envs" ]; then "$(CURDIR)/$(BIN)/tox" -q run --notest -e "$$envs"; fi; \
	"$(CURDIR)/$(BIN)/python" -m tests.exits --runs $(RUNS) --jobs $$(( 2 * $$(nproc) )) \
	    $${envs:+--python $$(printf ' .tox/%s/bin/python' $${envs//,/ })} $(ARGS)

lint: $(VENV)/.ready  ## ruff
	@$(BIN)/ruff check --quiet .

types: $(VENV)/.ready  ## mypy --strict
	@$(BIN)/mypy --no-error-summary

docs: $(VENV)/.ready  ## the documentation, in docs/_build/html
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

bench: $(VENV)/.benches  ## the benchmarks
	@$(BIN)/python -m benchmarks $(ARGS)

matrix: $(VENV)/.benches  ## value size x distance x partitions x threads, against kafka-python
	@$(BIN)/python -m benchmarks.matrix $(ARGS)

plots: $(VENV)/.benches  ## the plots and tables of docs/performance.rst, from what bench wrote with --json
	@$(BIN)/python -m benchmarks.plots $(ARGS)

pythons: $(VENV)/.ready  ## the suite without real Kafka on OTHER_PYTHONS
	@$(call FIND_PYTHONS,the suite is not run on it); \
	if [ -n "$$envs" ]; then "$(CURDIR)/$(BIN)/tox" -q run -e "$$envs" -- -n $(WORKERS) -q -m "not broker" $(ARGS); fi

kafka: $(VENV)/.ready  ## real Apache Kafka of every tested release, through Maven
	@$(BIN)/python -m tests.broker.kafka_jars

clean:  ## remove everything that was made here
	@rm -rf $(VENV) .tox build dist docs/_build tests/broker/.jars tests/broker/.reader .venv-peers *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find kafka -name '*.so' -delete
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) is missing: install Python 3.9 or newer, or name one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9))' || { echo "$(PYTHON) is older than 3.9: name a newer one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2> /dev/null || { echo "$(PYTHON) has no venv: install it (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@echo "making $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: pyproject.toml setup.py $(wildcard kafka/_speedups/*.p[yx][xd]) $(TYPED) $(TYPED:.pxd=.py) | $(VENV)/.made
	@echo "installing kafka-producer and its codecs into $(VENV) ..."
	@$(PIP) install -e '.[demo]'
	@touch $@

# The package is there: pip adds what the extras ask for, and builds nothing again.
$(VENV)/.ready: pyproject.toml setup.py | $(VENV)/.installed
	@echo "installing what the tests need into $(VENV) ..."
	@$(PIP) install 'kafka-producer[test,lint,docs]' tox
	@touch $@

$(VENV)/.benches: pyproject.toml | $(VENV)/.ready
	@$(PIP) install 'kafka-producer[bench]'
	@touch $@
