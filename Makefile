# Everything starts with a ready .venv; making it the first time compiles llama.cpp (see tools/setup.py).
PYTHON ?= python3
BIN := .venv/bin
# Folders whose tests start no daemon and no worker, open no window and need no package of the system.
PURE := $(addprefix tests/,client core docs icons notices packaging protocol tray viewer)

.DEFAULT_GOAL := help
.PHONY: help setup setup-desktop demo check test lint bench bench-builds fuzz soak docs clean

help: ## say what there is
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 20

setup: ## make .venv with everything in it
	@$(PYTHON) tools/setup.py

setup-desktop:
	@$(PYTHON) tools/setup.py --desktop

demo: setup ## watch a real model being downloaded, loaded, asked and measured
	@$(BIN)/python tools/demo.py

check: lint ## lint, types, layers, generated files, and the tests that need no screen, no apt and no model
	$(BIN)/pytest $(PURE)

test: setup-desktop lint ## every check and every test
	$(BIN)/pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/make_protocol_docs.py --check
	$(BIN)/python tools/translations.py --check

bench: setup-desktop ## measure against peers; writes docs/performance.md
	$(BIN)/python bench/engine.py
	$(BIN)/python bench/daemon.py
	$(BIN)/python bench/downloads.py
	$(BIN)/python bench/download_faults.py
	$(BIN)/python bench/desktop.py
	$(BIN)/python bench/floods.py
	$(BIN)/python bench/hung_worker.py

bench-builds: setup ## compare with another build: BASE=DIR, a checkout in which make setup has run
	$(BIN)/python bench/builds.py --base $(BASE)
	$(BIN)/python bench/builds.py --base $(BASE) --only ping --models 10000
	$(BIN)/python bench/durability.py --base $(BASE)
	$(BIN)/python bench/contention.py --base $(BASE)

fuzz: setup-desktop ## two million steps of the core, a million frames to a real daemon, a hundred thousand headers
	FUZZ_CORE_STEPS=2000000 FUZZ_FRAMES=1000000 FUZZ_HEADERS=100000 $(BIN)/pytest --timeout 7200 \
	  tests/core/test_fuzz.py tests/files/test_gguf.py tests/wire/test_wire.py tests/wire/test_fuzz_hostile.py

soak: setup-desktop ## an hour of twenty clients with faults
	SOAK_S=3600 $(BIN)/pytest -s tests/daemon/test_soak.py

docs: setup ## write the generated parts of docs/, and collect the texts to translate
	$(BIN)/python tools/make_protocol_docs.py
	$(BIN)/python tools/translations.py --update

clean: ## remove what was made here (not the cache of compiled parts)
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
