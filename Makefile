# Dockledger's commands: `make help` lists them. All they install lands in .venv; `make clean` takes it away.

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# One tester more than there are cores: faults and outages are waited for.
TESTERS := $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))

# Kept, whatever the shell says: compiling takes longer than most of the processes that tests start.
unexport PYTHONDONTWRITEBYTECODE

# Types are checked on one core for a minute: where tests are asked for too, they do not wait for it.
ifeq ($(sort $(MAKECMDGOALS)),check test)
MAKEFLAGS += -j2
endif

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench soak lock clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

setup: ## Make .venv with everything, tests and checks included
	@sh requirements/install dev

demo: ## Start it all on this machine and scan real sales; ARGS="--headless --seconds 60 --report report.json"
	@sh requirements/install run
	@$(BIN)/dockledger demo $(ARGS)

test: setup ## Run the tests on all cores; ARGS="-k outbox" chooses
	@$(PYTEST) -n $(TESTERS) --dist worksteal --durations=12 --durations-min=10 $(ARGS)

check: setup ## Lint, format, types, layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m contracts.schema --check

bench: ## Measure the published figures and print the table; ARGS="ingest" chooses
	@sh requirements/install bench
	@$(BIN)/python -m benchmarks $(ARGS)

soak: setup ## Run the long fault campaigns of a release (hours)
	@$(PYTEST) -m soak $(ARGS)

lock: setup ## Resolve the newest permitted versions into requirements/*.txt
	@$(BIN)/python requirements/lock.py $(ARGS)

clean: ## Remove .venv, caches and the data of the demo (as root it lies outside, behind links)
	@for home in .dockledger/*; do [ ! -L "$$home" ] || rm -rf "$$(readlink "$$home")"; done
	@rm -rf .venv .dockledger .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
