# make demo   einspace on handwritten digits: about two minutes, leaves runs/demo
# make test   lint and types are apart: make lint
# make test-thorough   the same tests, those that draw at random ten times as long
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test test-thorough lint bench clean

demo: $(READY)
	$(BIN)/python examples/digits.py

test: $(READY)
	$(BIN)/python -m pytest -n auto

test-thorough: $(READY)
	EINSPEC_SAMPLES=10 $(BIN)/python -m pytest -n auto

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m benchmarks

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[demo,lint,test]"
	touch $(READY)

clean:
	rm -rf .venv build dist *.egg-info
