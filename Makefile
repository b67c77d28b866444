# Every target is a line or two over ordinary commands, all in one virtual environment.
PYTHON ?= python3
VENV ?= .venv
TORCH ?= cpu# or gpu
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake --logger stampshift --workflow-profile workflow/profiles
DEMO := $(SNAKEMAKE)/demo
STUDY := $(SNAKEMAKE)/simulated
SHIPPED := workflow/stampshift/release/models/generalist
DES_STUDY := $(SNAKEMAKE)/des_study des_study

.PHONY: help demo study des-study model test lint docs bench lock clean

help: ## what can be made, which a bare `make` prints
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/installed ## the whole study on small built-in surveys
	$(DEMO)
	$(DEMO) --report results/demo/report.html
	@$(BIN)/stampshift summary results/demo

study: $(VENV)/installed ## the claims of the paper on larger simulated surveys; a second call continues
	$(STUDY)
	$(STUDY) --report results/simulated/report.html
	@cat results/simulated/tables/overview.md results/simulated/tables/claims.md
	@$(BIN)/stampshift summary results/simulated

des-study: $(VENV)/installed ## the second study, scaled down, on a simulated survey with planted wrong labels
	$(DES_STUDY)
	$(DES_STUDY) --report results/des_study-demo/report.html
	@cd results/des_study-demo/des_study/tables && cat performance-second.md search.md retraining-gain.md operating-point.md
	@echo "tables, figures: results/des_study-demo/des_study; report: results/des_study-demo/report.html"

model: $(VENV)/installed ## the model that comes with the package, from nothing: the same bytes
	$(SNAKEMAKE)/shipped_model results/shipped_model/baseline/all/seed-0/model.pt
	rm -rf $(SHIPPED)
	$(BIN)/stampshift export results/shipped_model/baseline/all/seed-0 --output $(SHIPPED) --notes resources/models/generalist.md

test: $(VENV)/installed ## the test suite
	$(BIN)/pytest -n 4 --durations 40 # some wait for SLURM and for killed processes

lint: $(VENV)/installed ## lint, format, types, workflow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/hadolint Dockerfile

docs: $(VENV)/installed ## the documentation's site, in site/
	$(BIN)/sphinx-build --quiet --jobs auto --fail-on-warning --keep-going -c docs . site

bench: $(VENV)/installed ## the figures of benchmarks/README.md
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/preprocessing.py
	$(BIN)/python benchmarks/packets.py
	$(BIN)/python benchmarks/des_networks.py
	$(BIN)/python benchmarks/scoring.py

$(VENV)/installed: envs/$(TORCH).txt envs/requirements.txt envs/slurm.txt envs/dev.txt envs/docs.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(if $(filter cpu,$(TORCH)),$(BIN)/pip install --no-compile --no-deps torch==2.13.0) # the build that pip's index has
	$(BIN)/pip install --no-compile --require-hashes $(patsubst %,--requirement envs/%.txt,$(TORCH) requirements slurm dev docs)
	$(BIN)/pip install --no-deps --editable .
	# the bytecode, by all cores, without the packages' own tests; a package may hold code of another Python
	$(BIN)/python -m compileall -qq -j 0 -x 'site-packages/.*/tests?/' $(VENV)/lib || true
	touch $@

lock: ## hashes (by uv) of the versions pinned in envs/*.in
	for name in requirements slurm dev docs gpu; do \
		{ head -n 1 envs/$$name.in; echo "# Hashes of $$name.in, written by \`make lock\`."; \
		uv pip compile --quiet --no-deps --no-annotate --no-header --universal --generate-hashes \
			--python-version 3.11 envs/$$name.in; } > envs/$$name.txt; \
	done

clean: ## results and environment; raw archives stay
	rm -rf results site docs/api $(VENV) .snakemake
