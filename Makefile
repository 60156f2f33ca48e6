# `make demo` and `make test` first create a virtual environment from the lock files.
# OPTIONS are appended to the demo's command: make demo OPTIONS="--seed 1 --run-dir runs/demo_1".
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
# Quick single-core tests; two of their files run at a time. The others start Ray, engines or a training, and use every core.
LIGHT := $(addprefix tests/,evaluation models paths report sandbox tasks)
# Known models come from packages, so that everybody measures the same weights; 0 tries the Hugging Face hub first.
export HF_HUB_OFFLINE ?= 1
# Folder of the published data sets; without it, the tests that need them are skipped.
export PAD_RAY_DATA ?= $(realpath $(firstword $(wildcard data ../data ../shared/data)))
export RAY_USAGE_STATS_ENABLED ?= 0
export TQDM_DISABLE ?= 1

# Tests run two files at a time. The folders that take minutes come first, so that no core waits for the last of them.
LONG := $(addprefix tests/,test_readme_commands.py jobs training sandbox synthesis tuning engines stages)
TESTS := $(LONG) $(filter-out $(LONG),$(patsubst %/,%,$(wildcard tests/test_*.py tests/*/)))

.PHONY: demo test check setup models clean

setup: $(STAMP)

$(STAMP): cluster/locks/cpu.txt cluster/locks/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps -r cluster/locks/cpu.txt -r cluster/locks/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(STAMP)

models: setup
	$(BIN)/python -m pad_ray.models qwen2.5-coder-0.5b smollm2-135m all-minilm-l6-v2

demo: models
	$(BIN)/python jobs/distill.py jobs/recipes/demo.yaml $(OPTIONS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: check models
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=10 $(TESTS)

clean:
	rm -rf $(VENV) build dist *.egg-info
