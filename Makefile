# gmstudio's commands. `make` lists them. They need Python 3.11 or newer and make, nothing else.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test check bench gpu soak pictures protocol data examples clean

venv := .venv
python := $(venv)/bin/python
offscreen := QT_QPA_PLATFORM=offscreen
# Bytecode is kept, whatever the environment says: else each engine that a test starts compiles every module anew.
cached := PYTHONDONTWRITEBYTECODE=
SOAK_MINUTES := 20
autoregressive := fvbn nade made pixelrnn_row pixelrnn_diagonal pixelcnn gated_pixelcnn
decoding := vae autoencoder gan realnvp ddpm rbm

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(venv)/.ready-run ## Open the window (the first time: create .venv and install what is pinned)
	@$(python) -m gmstudio.system.qt_libraries
	@$(python) main.py

test: $(venv)/.ready-test ## Run every test, offscreen
	@$(python) -m gmstudio.system.qt_libraries offscreen
	$(offscreen) $(cached) $(python) -m pytest -n logical --maxprocesses 4 --dist worksteal

check: $(venv)/.ready-test ## Lint, formatting, types, import rule
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	$(venv)/bin/lint-imports

bench: $(venv)/.ready-test ## Measure start-up, sliders, playing, decoding, sampling, stepping, training and memory
	@$(python) -m gmstudio.system.qt_libraries offscreen
	$(offscreen) $(python) -m benchmarks startup
	$(offscreen) $(python) -m benchmarks slider
	$(offscreen) $(python) -m benchmarks slider --map
	$(offscreen) $(python) -m benchmarks slider --while-training
	$(offscreen) $(python) -m benchmarks playing --while-training
	@set -ex; for family in $(autoregressive); do \
		$(python) -m benchmarks sampling --family $$family; \
		$(python) -m benchmarks sampling --family $$family --batch 1; \
		$(python) -m benchmarks stepping --family $$family; \
		$(python) -m benchmarks training --family $$family; \
	done
	$(python) -m benchmarks stepping --family markov
	@set -ex; for family in $(decoding); do $(python) -m benchmarks decoding --family $$family; done
	$(python) -m benchmarks sampling --family rbm
	$(python) -m benchmarks training --all
	$(offscreen) $(python) -m benchmarks memory

gpu: $(venv)/.ready-test ## Test and measure on a CUDA device, and write docs/benchmarks-gpu.md; or a part: make gpu part=training
	@$(python) -m gmstudio.system.qt_libraries offscreen
	$(offscreen) $(cached) $(python) -m benchmarks gpu $(if $(part),--part $(part))

soak: $(venv)/.ready-test ## Act at random on the window with faults injected, and write docs/reliability.md: make soak SOAK_MINUTES=20
	@$(python) -m gmstudio.system.qt_libraries offscreen
	$(offscreen) $(python) -m benchmarks soak --minutes $(SOAK_MINUTES) --page

pictures: $(venv)/.ready-test ## Take the pictures in docs/pictures again, or some: make pictures names="latents chains"
	@$(python) -m gmstudio.system.qt_libraries offscreen
	$(offscreen) $(python) -m docs.pictures.take $(names)

protocol: $(venv)/.ready-test ## Write the tables of docs/protocol.md anew from the message classes
	$(python) -m docs.messages

data: $(venv)/.ready-test ## Make resources/data anew from the official files: make data sources=FOLDER
	$(python) -m benchmarks.shipped.data $(sources)

examples: $(venv)/.ready-test ## Train the ready models in resources/examples anew (an hour), or some: make examples names="vae gan"
	$(python) -m benchmarks.shipped.examples $(names)

clean: ## Remove .venv, caches and build products
	rm -rf $(venv) build dist gmstudio.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(venv)/.created:
	@sh .ci/create-venv $(venv)
	@touch $@

# A change of what is pinned or needed installs again. The test extras contain everything that `run` needs.
$(venv)/.ready-run: pyproject.toml constraints.txt | $(venv)/.created
	@echo "Installing what gmstudio needs into $(venv); the first time this takes some minutes."
	$(python) -m pip install --disable-pip-version-check -q -c constraints.txt -e .
	@touch $@

$(venv)/.ready-test: pyproject.toml constraints.txt | $(venv)/.created
	@echo "Installing what gmstudio and its tests need into $(venv); the first time this takes some minutes."
	$(python) -m pip install --disable-pip-version-check --no-compile -q -c constraints.txt -e '.[test,trackio-needs]'
	$(python) -m pip install --disable-pip-version-check --no-compile -q -c constraints.txt --no-deps trackio
	@touch $(venv)/.ready-run $@
