# `make` alone checks and tests. Each target works from a bare clone; setting up again costs nothing.
.DEFAULT_GOAL := all
.PHONY: all setup demo test test-portable lint fix docs bench faults fuzz fuzz-native ui-matrix screenshots serve lock clean

PYTHON := $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# Hundreds of processes start in a run of the tests: that their code is compiled once is worth what it takes on disk.
unexport PYTHONDONTWRITEBYTECODE
# Parts of a setup and the checks of the code wait for each other, for the network and for one core: side by side.
MAKEFLAGS += --jobs=3

all: lint test

setup: .venv/.installed .venv/.native node_modules/.installed web/.built .venv/.chromium

.venv/.installed: requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "setup: Python 3.11 or newer is needed; install it and run make again." >&2; exit 1; }
	@echo "setup: Python packages into .venv (about a minute the first time)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Without a Rust toolchain the service runs with its portable decoder; then this is tried again each time.
.venv/.native: native/Cargo.toml native/crates.txt native/building.py native/pyproject.toml $(wildcard native/src/*.rs) \
		| .venv/.installed
	@$(BIN)/python native/building.py $@

# Azurite stands in for Azure in demo, tests and benchmarks; the service itself needs no Node.
node_modules/.installed: package.json package-lock.json | .venv/.installed
	@echo "setup: the Azurite emulator into node_modules"
	@$(BIN)/python -m demo.node install

# Types come from the API's own document, so a change there is a change of the pages, too. Type-checks and lints.
web/.built: web/building.py web/index.html $(wildcard web/*.json web/*.ts web/scripts/*.mjs) \
		$(shell find web/src -type f ! -name schema.d.ts 2>/dev/null) $(shell find src/flowservice/api -name '*.py') \
		| .venv/.installed
	@echo "setup: the user interface into src/flowservice/web"
	@$(BIN)/python web/building.py $@

# A browser for the tests of the pages alone.
.venv/.chromium: | .venv/.installed
	@$(BIN)/python -m tests.web.chromium $@

demo: setup
	@$(BIN)/python -m demo

# Files of tests run side by side; each process starts the servers that its tests share. They wait much: for servers that
# start, or are killed. So there are more processes than cores. In their own order, long files do not come last.
test: setup lint
	@$(BIN)/pytest -q --numprocesses $$($(BIN)/python -c 'import os; print(min(4, 2 * os.cpu_count()))') --dist loadfile \
		--no-loadscope-reorder

lint: .venv/.installed web/.built
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@out=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$out"; exit 1; }

fix: .venv/.installed
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

# Two processes side by side, each with a source, a furnished home and an emulator of its own; prints a closing table.
faults: setup
	@$(BIN)/pytest -q -m "" tests/faults --numprocesses 2
	@$(BIN)/pytest -q -m faults tests/contracts tests/engine tests/journeys tests/operations tests/service tests/upgrades

fuzz: setup
	@$(BIN)/pytest -q -m fuzz tests/fuzz tests/connectors tests/expressions

# axe over every page, in every state, in every theme; and what pages do beside the journeys that `make test` takes.
ui-matrix: setup
	@$(BIN)/pytest -q -m "matrix or pages" tests/web --numprocesses 2

# Every page at 1280 and 400 pixels, light and dark, into web/screenshots.
screenshots: setup
	@$(BIN)/python -m tests.web.screenshots

# An hour, with libFuzzer and AddressSanitizer; needs Rust and a C++ compiler.
fuzz-native: .venv/.installed
	@$(BIN)/python -m native.fuzz 3600

# The suite once more, as on a machine without the native decoder.
test-portable: setup
	@PYTHONPATH=tests/without_native FLOWSERVICE_REQUIRE_NATIVE=0 $(MAKE) --no-print-directory test

bench: setup
	@$(BIN)/python -m benchmarks

serve: setup
	@$(BIN)/flowservice serve

docs: .venv/.installed
	@$(BIN)/python -m docs.generate

lock: .venv/.installed
	@$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links \
		--no-emit-trusted-host --no-header --output-file requirements/runtime.txt pyproject.toml
	@$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links \
		--no-emit-trusted-host --no-header --constraint requirements/runtime.txt \
		--output-file requirements/dev.txt pyproject.toml requirements/dev.in

clean:
	@rm -rf .venv node_modules web/node_modules web/.built src/flowservice/web .demo .flowservice native/target
