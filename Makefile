# Three commands do everything: `make demo` shows it, `make up` runs it for this machine, `make test` proves it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo up test soak lint shipper clean

$(BIN)/devmesh: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(BIN)/devmesh
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(BIN)/devmesh  ## a fleet that does not exist, and something breaks
	$(BIN)/devmesh demo

up: $(BIN)/devmesh  ## server and agent for this machine, in the foreground
	$(BIN)/devmesh up

test: $(VENV)/.dev lint  ## every test but the long form
	scripts/test-tools
	$(BIN)/python -m pytest -n 3 --dist worksteal -m 'not soak'

soak: $(VENV)/.dev  ## the long form: kill tests 50 times each, power cuts
	scripts/test-tools
	$(BIN)/python -m pytest -m soak

lint: $(VENV)/.dev
	$(BIN)/ruff check src tests bench scripts
	$(BIN)/ruff format --check src tests bench scripts
	$(BIN)/mypy

shipper: $(BIN)/devmesh  ## dist/devmesh-shipper.pyz, the agent in one file
	$(BIN)/python scripts/build_shipper.py

clean:
	rm -rf $(VENV) dist build
