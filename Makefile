SHELL := /bin/bash
AFTERSALES := .venv/bin/aftersales
PYTHON := .venv/bin/python
ARGS ?=

.PHONY: help setup test-setup demo up down status audit test lint bench bench-plan faults cluster

help:  ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup:  ## Install what the platform needs, into this folder.
	@deploy/bootstrap.sh

test-setup:
	@deploy/bootstrap.sh tests

demo: setup  ## Play one business day of a simulated group, with ARGS="--stores 3 --orders 60 --seed 7".
	@$(AFTERSALES) demo $(ARGS)

up: setup  ## Start the platform and keep it running until Ctrl-C.
	@$(AFTERSALES) up $(ARGS)

down:  ## Stop the platform that another terminal started.
	@$(AFTERSALES) down $(ARGS)

status:  ## Show each process and what waits.
	@$(AFTERSALES) status $(ARGS)

audit:  ## Compare the services with the events, independently of their code.
	@$(AFTERSALES) audit $(ARGS)

test: test-setup  ## Run all tests on real Kafka and PostgreSQL, with ARGS="tests/embedded -k port".
	@$(PYTHON) -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: setup  ## Check style, types and the rules of the architecture.
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@.venv/bin/codespell services shared deploy docs tests README.md
	@.venv/bin/lint-imports
	@$(PYTHON) -m deploy.sinks
	@$(PYTHON) -W ignore -m deploy.docs --check
	@$(PYTHON) -W ignore -m deploy.clients --check
	@$(PYTHON) -m deploy.kubernetes --check
	@$(PYTHON) -m mypy

bench: setup  ## Measure, with ARGS to choose what.
	@$(PYTHON) -m tests.bench $(ARGS)

bench-plan: setup  ## Measure planning in small sizes; the modules say how to measure in large ones.
	@folder=$$(mktemp -d) && trap "rm -r $$folder" EXIT && $(PYTHON) -m tests.bench.fjsp \
		$$($(PYTHON) -m tests.bench.fjsp_larger $$folder) --seconds 5
	@$(PYTHON) -m tests.bench.workshop_days --days 5 --foresight-rounds 25
	@$(PYTHON) -m tests.bench.planning_latency --quotes 50 --replans 5 --improved 2

faults: setup  ## Disturb a platform of its own and check that nothing is lost, with ARGS="--seed 2 --minutes 15".
	@$(PYTHON) -m tests.faults $(ARGS)

cluster: setup  ## Run the deployment of compose as processes and kill a broker under load, with ARGS=--whole.
	@$(PYTHON) -m tests.cluster $(ARGS)
