# The whole set-up of a fresh machine (Python 3.11 or newer, make): `make run`, `make test`.
# Kept to what GNU make 3.81 understands, the version macOS ships.

VENV := .venv
BIN := $(VENV)/bin
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

# The first Python that is new enough; `make run PYTHON=python3.13` overrules it.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$p -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then echo $$p; break; fi; done)

# Given to the program: make run ARGS="--nodes 1000 --once"
ARGS ?=
# Given to pytest: make test TESTS="-k delay"
TESTS ?=

.DEFAULT_GOAL := help
.PHONY: help run test check format bench bench-live cold-start soak faults node-death kill-nine control-plane exporters oracle parity clean

help: ## say what can be made
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) \
		| awk -F ':.*## ' '{ printf "make %-13s %s\n", $$1, $$2 }'

run: $(VENV)/.run-ready ## start dev mode (ARGS="--help" lists everything else)
	@$(BIN)/python main.py $(ARGS)

test: $(VENV)/.dev-ready ## run everything this machine can run
	@$(BIN)/python -m pytest -n 2 --dist loadgroup $(TESTS)

check: $(VENV)/.dev-ready ## format, lint, types, walls and unit tests: before each commit
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q -m "not slow" tests/unit

format: $(VENV)/.dev-ready ## rewrite the sources in the house's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.run-ready ## measure, and print ratios against references run beside (ARGS=--quick)
	@for script in benchmarks/bench_*.py; do \
		$(BIN)/python -m benchmarks.$$(basename $$script .py) $(ARGS) || exit 1; done

bench-live: $(VENV)/.run-ready ## measure beside kube-scheduler on a real API server (needs make control-plane)
	@$(BIN)/python -m benchmarks.live $(ARGS)

cold-start: $(VENV)/.dev-ready ## time from start to first binding in a full cluster (needs make control-plane)
	@$(BIN)/python -m benchmarks.live.cold_start $(ARGS)

soak: $(VENV)/.dev-ready ## let hours of churn pass in minutes: nothing that is kept may grow
	@$(BIN)/python -m benchmarks.soak $(ARGS)

faults: $(VENV)/.dev-ready ## break the scheduler on purpose: 10,000 episodes in virtual time (ARGS="--episodes 100")
	@$(BIN)/python -m tests.faults $(ARGS)

node-death: $(VENV)/.dev-ready ## let nodes die beside a real control plane, fifty times (needs make control-plane)
	@$(BIN)/python -m tests.real.node_death $(ARGS)

kill-nine: $(VENV)/.dev-ready ## kill -9 schedulers, API server and etcd, fifty times (needs make control-plane)
	@$(BIN)/python -m tests.real.kill_nine $(ARGS)

control-plane: ## build the real control plane that the e2e tests run, once (needs Go)
	@tests/control_plane/build.sh

exporters: ## fetch the real Prometheus and exporters that the e2e tests run, once (Debian)
	@tests/exporters/fetch.sh

oracle: ## build kube-scheduler's own filters, which tests/parity asks, once (needs Go)
	@tests/parity/oracle/build.sh

parity: $(VENV)/.dev-ready oracle ## judge random pods beside kube-scheduler's own filters (ARGS="--cases 1000")
	@$(BIN)/python -m tests.parity $(ARGS)

clean: ## remove what was made here, .venv included
	@rm -rf $(VENV) .isochrone .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than the list it was installed from, or the list is installed again.
$(VENV)/.run-ready: requirements.txt $(BIN)/pip
	@echo "installing $<"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $< || { \
		echo "make: $< could not be installed; pip says why above. Then run make again." >&2; exit 1; }
	@touch $@

$(VENV)/.dev-ready: requirements-dev.txt $(VENV)/.run-ready
	@echo "installing $<"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $< || { \
		echo "make: $< could not be installed; pip says why above. Then run make again." >&2; exit 1; }
	@touch $@

# pip stands for a finished environment: on a Debian without python3-venv, `python3 -m venv` leaves
# one behind that has a python but no pip. Its date is set to a time before any list's, since
# installing must follow the lists and not the environment.
$(BIN)/pip:
	@test -n "$(PYTHON)" || { \
		echo "make: Isochrone needs Python 3.11 or newer, and none was found." \
			"Debian: sudo apt install python3 python3-venv; macOS: brew install python@3.13." >&2; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { \
		echo "make: Isochrone needs Python 3.11 or newer, and $(PYTHON) is not." \
			"Name another: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "make: $(PYTHON) cannot make environments." \
			"Debian: sudo apt install python3-venv; then run make again." >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@touch -t 200001010000 $@
