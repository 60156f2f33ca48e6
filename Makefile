# `make demo` and `make test` do all their set-up: a virtual environment from the lock, then the work.
# OPTIONS are more words for the demo's job: make demo OPTIONS="--seed 1 --run-dir runs/demo_1".
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
# Folders of tests that use one core for moments, two at a time. All others start a Ray, engines or a training, which use every core.
LIGHT := $(addprefix tests/,evaluation models paths report sandbox tasks)
# Known models come from packages, so that everybody measures the same weights; 0 asks the Hugging Face hub first.
export HF_HUB_OFFLINE ?= 1
# Where the published data sets are; tests that need them are skipped without.
export PAD_RAY_DATA ?= $(realpath $(firstword $(wildcard data ../data ../shared/data)))
export RAY_USAGE_STATS_ENABLED ?= 0
export TQDM_DISABLE ?= 1

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
	$(BIN)/python -m pytest -n 2 --dist loadfile $(LIGHT)
	$(BIN)/python -m pytest $(LIGHT:%=--ignore=%)

clean:
	rm -rf $(VENV) build dist *.egg-info
