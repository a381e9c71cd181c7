# Everything a person or CI does here. `make help` lists it.
PYTHON ?= python3
STRATEGY ?= incremental
SCENARIO ?= shop
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo dev test soak soak-processes teeth outage check format openapi lock

help: ## list these targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv and install the locked requirements into it

# Redone only when the lock or the project's own metadata changed.
$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Landbridge needs Python 3.11 or later; try: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo "Installing what requirements/dev.txt locks into $(VENV); a minute or two, once."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

demo: $(STAMP) ## move a Classic application into a VPC before your eyes (STRATEGY=incremental|all_at_once, SCENARIO=shop|elastic_shop)
	$(BIN)/landbridge demo --strategy $(STRATEGY) --scenario $(SCENARIO)

dev: $(STAMP) ## run the API, a worker and a simulated AWS account until Ctrl-C
	$(BIN)/landbridge dev

test: $(STAMP) ## run every test (WORKERS=2 processes)
	$(BIN)/python -m pytest -n $(WORKERS)

soak: $(STAMP) ## run the tests that take long, then soak-processes (WORKERS=2 processes)
	$(BIN)/python -m pytest -n $(WORKERS) -m soak
	$(MAKE) soak-processes

soak-processes: $(STAMP) ## jobs under faults by chance, with real processes (SOAK_MINUTES=60 SOAK_SEED=…, SOAK="--kills-only")
	$(BIN)/python -m tests.soak $(SOAK)

teeth: $(STAMP) ## plant bugs in a copy of the engine, one at a time: the ordinary tests must catch each (TEETH="names")
	$(BIN)/python -m tests.teeth $(TEETH)

outage: $(STAMP) ## move the same applications in three orders; writes docs/outage.md: who was down, for how long
	$(BIN)/python -m benchmarks.outage

check: $(STAMP) ## format, lint, types, import rules, migrations, spec and unit tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/landbridge db check
	$(BIN)/landbridge openapi --check
	$(BIN)/python -m pytest -q tests/unit

format: $(STAMP) ## format the code and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

openapi: $(STAMP) ## write openapi/openapi.json from the code
	$(BIN)/landbridge openapi

# The runtime lock is constrained by the dev lock, so that what is tested is what is shipped. Needs uv.
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header
lock: ## resolve the requirements again (needs uv)
	$(LOCK) --extra dev -o requirements/dev.txt
	$(LOCK) -c requirements/dev.txt -o requirements/runtime.txt
