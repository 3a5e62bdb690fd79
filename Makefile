# What one does with Copydesk. `make` alone lists it.
#
# Variables: PORT and HOST (of the desk), DEMO=yes (invented news for its machine), BROWSER=no (tests
# without a browser), PYTEST (more arguments for pytest), DATABASE=postgresql (what to measure on),
# PYTHON (what to make the virtual environment with).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help desk test test-faults bench lint check format lock clean environment test-environment

python := .venv/bin/python

help:  ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

desk: environment  ## Set everything up and run the desk until Ctrl-C
	@exec $(python) manage.py desk $(host) $(if $(filter yes,$(DEMO)),--demo)

# As an argument of make only: some shells have a HOST of their own, which names this machine.
host := $(if $(filter command,$(origin HOST)),--host "$(HOST)")

test: test-environment  ## Run all tests: on SQLite, then what touches the database on PostgreSQL
	@setup/programs
	@$(python) -m pytest $(processes) $(if $(filter no,$(BROWSER)),-m "not browser") $(PYTEST)
	@echo "Once more on PostgreSQL, for what depends on the database:"
	@TEST_DATABASE=postgresql KILLS=$(or $(KILLS),20) WALKS=$(or $(WALKS),10) GONE=$(or $(GONE),10) \
	  $(python) -m pytest $(processes) -m "not browser" $(on_postgresql) $(selected)

# Handed out one by one, as some tests take minutes.
processes := -n 2 --maxschedchunk 1

# Of a few tests that were asked for, none may be among these: that is pytest's code 5.
selected := $(if $(PYTEST),$(PYTEST) || [ $$? = 5 ])
on_postgresql := tests/races tests/editorial \
  $(addprefix tests/services/test_,worker.py faults.py) \
  $(addprefix tests/digest/test_,intake.py promises.py rows.py machine.py operations.py verifying.py)

test-faults: test-environment  ## Longer: 1,000 killed workers (KILLS), 100,000 random steps (WALKS × 50)
	@setup/programs
	@KILLS=$(or $(KILLS),1000) $(python) -m pytest tests/services/test_faults.py -k again_and_again
	@WALKS=$(or $(WALKS),2000) $(python) -m pytest --hypothesis-profile=searching \
	  tests/editorial/test_published_is_signed.py

bench: test-environment  ## Measure the desk beside Django admin, and texts beside plain yardsticks
	@$(python) -m benches $(if $(filter command,$(origin DATABASE)),$(DATABASE))

lint: test-environment  ## Look for faults in the code and its layout, change nothing
	@$(python) -m ruff check
	@$(python) -m ruff format --check

check: test-environment  ## Check migrations, and the settings as a server in production has them
	@setup/check

format: test-environment  ## Put the code in its layout and mend what can be mended
	@$(python) -m ruff check --fix
	@$(python) -m ruff format

lock: environment  ## Renew both lock files from pyproject.toml
	@setup/lock

clean:  ## Remove what can be made again; the desk's own data in var/ stays
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

environment:
	@setup/python requirements.lock

test-environment:
	@setup/python requirements-test.lock
