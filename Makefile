.DEFAULT_GOAL := help
.PHONY: up test lint types format bench migrate help runtime dev

# Each recipe becomes its command (exec), so that Ctrl-C and SIGTERM reach it and not a shell before it.
PYTHON := .venv/bin/python
BOOTSTRAP := python3 stack/bootstrap.py

up: runtime ## Start everything, deploy the demo tool, stay in the foreground; Ctrl-C stops it
	@exec $(PYTHON) -m stack up

test: dev ## Run the whole test suite with servers of its own; ARGS="tests/stack -k ..." narrows it
	@exec $(PYTHON) -m pytest $(ARGS)

lint: dev ## Check style and formatting
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .

types: dev ## Check types
	@exec $(PYTHON) -m mypy

format: dev ## Rewrite the code in the house's format
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

bench: dev ## Measure what the README quotes; BENCH=memory picks one
	@exec $(PYTHON) -m bench $(BENCH)

migrate: runtime ## Bring the database of the running install to the newest migration
	@exec .venv/bin/flask db upgrade

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

runtime:
	@exec $(BOOTSTRAP) requirements.lock requirements-dev.lock

dev:
	@exec $(BOOTSTRAP) requirements-dev.lock
