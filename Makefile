# Turnpike. `make run` sets everything up by itself and starts the gateway; `make test` checks everything.
# A bare machine needs Python 3.11 or newer (with pip and venv) and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help run setup dev test lint types unit bench lock clean

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

run: $(VENV)/.run ## start the gateway: make run ARGS="--port 8090"
	@exec $(BIN)/turnpike serve $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev
	$(BIN)/basedpyright --warnings

unit: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist loadgroup

test: lint types unit ## lint, type-check and test everything

bench: $(VENV)/.dev ## measure against nginx in one run: make bench ARGS="--seconds 5"
	$(BIN)/python -m bench $(ARGS)

lock: $(VENV)/.uv ## renew the locks: versions and hashes only
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml --group build -o requirements/run.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt

clean: ## remove the environment and what was built
	rm -rf $(VENV) bench/build .ruff_cache
