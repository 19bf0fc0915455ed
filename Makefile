# Everything is set up on first use in .venv; nothing outside this folder and the user's cache is touched.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# More options for harness run, e.g. make partition-test ARGS="--outage 10 --trials 3"
ARGS ?=
# local (servers of our own), compose (Docker) or external (REDIS_URL)
STACK ?= local
export STACK
# How much make fire plays
SEEDS ?= 300
INPUTS ?= 10000

.PHONY: help setup partition-test crash-test consume-test link-test server-test failover-test network-test incidents all verify test lint fire bench doctor clean

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..." >&2; exit 4; }
	@echo "setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.ready-test: $(VENV)/.ready
	@echo "setting up the tests (once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@

setup: $(VENV)/.ready-test ## Install everything into .venv

partition-test: $(VENV)/.ready ## Partition Pub/Sub and Streams, judge what was lost, write the report
	@$(BIN)/harness run partition $(ARGS)

crash-test: $(VENV)/.ready ## Crash, stop and restart consumers and producers at exact points
	@$(BIN)/harness run crash $(ARGS)

consume-test: $(VENV)/.ready ## Slow consumers, trimming under lag, poison messages, replay, starting late
	@$(BIN)/harness run consume $(ARGS)

link-test: $(VENV)/.ready ## One-way, flapping, slow and lossy links
	@$(BIN)/harness run link $(ARGS)

server-test: $(VENV)/.ready ## Kill the server, cut its power, stop it, fill its memory, by persistence
	@$(BIN)/harness run server remedy $(ARGS)

failover-test: $(VENV)/.ready ## Kill or hang a master that has replicas, with and without replication lag
	@$(BIN)/harness run failover $(ARGS)

network-test: $(VENV)/.ready ## Really drop packets, beside the proxy's models of it (Linux, root)
	@$(BIN)/harness run network $(ARGS)

incidents: $(VENV)/.ready ## The source document's incidents, claimed loss beside measured
	@$(BIN)/harness run incident $(ARGS)

all: $(VENV)/.ready ## Every family in one run (ARGS=--slow: the long scenarios too)
	@$(BIN)/harness run all $(ARGS)

verify: $(VENV)/.ready ## Check the contract, profile fast: what CI runs (3 minutes at most)
	@$(BIN)/harness verify --profile fast $(ARGS)

test: $(VENV)/.ready-test ## Style, types and all tests
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/pytest -q -n 4 --dist loadfile $(ARGS)

lint: $(VENV)/.ready-test ## Style and types only
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

fire: $(VENV)/.ready-test ## Kill the harness at random moments (SEEDS=300), then feed it spoilt files (INPUTS=10000)
	@$(BIN)/python tests/quality/fire.py --seeds $(SEEDS)
	@$(BIN)/python tests/quality/fuzz.py --inputs $(INPUTS)

bench: $(VENV)/.ready-test ## Measure the harness itself
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

doctor: $(VENV)/.ready ## What this machine can do
	@$(BIN)/harness doctor

clean: ## Remove runs and caches (not .venv)
	@rm -rf results/runs results/latest build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
