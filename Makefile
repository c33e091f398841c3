# make run   everything from nothing: environment, index, web chat
# make test  everything from nothing: environment, lint, all tests
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
LARGE := bot/weights/large/large.json
EVAL ?= tests/data/questions.jsonl

.PHONY: install large index run test lint eval eval-others screenshots clean

install: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Quotewell needs Python 3.11 or newer; run: make install PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	@# Most of torch is never imported: to compile it all takes a minute.
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

large: $(LARGE)

$(LARGE): bot/weights/large.safetensors bot/weights/large.txt | $(READY)
	@# Fetches 400 MB, once. Without it answers are a little worse, so a failure stops nothing.
	-@$(BIN)/python -m bot large

index: $(READY)
	$(BIN)/python -m bot index

run: large index
	$(BIN)/python app.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: large lint
	@# Two at a time, each file in one process: half the time of the tests is waiting for servers and browsers.
	$(BIN)/python -m pytest -n 2 --dist loadfile

eval: large index
	$(BIN)/python tests/evaluate.py

eval-others: large index  # the same over other articles, and the screening over messages of other writers; some minutes
	$(BIN)/python tests/calibrate.py
	$(BIN)/python tests/screening.py

screenshots: large index
	$(BIN)/python tests/screenshots.py

clean:
	rm -rf .venv index bot/weights/large .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
