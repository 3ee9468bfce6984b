# energy-landscapes: `make run` shows the suite at work, `make test` tests it; both set up what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
STAMPS := .stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
SOURCES := $(shell find common potentials gmin optim pathsample disconnect -name '*.pyx' -o -name '*.pxd' -o -name '*.h')
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: build run reproduce test test-all test-checked test-gpu lint bench docs wheel clean

build: $(STAMPS)/build

$(STAMPS)/venv:
	@mkdir -p $(STAMPS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install "setuptools>=77" wheel "Cython>=3.2" "numpy>=2.0" "scipy>=1.13"
	@touch $@

# The extensions go beside their sources, the commands into .venv/bin; nothing is built twice.
$(STAMPS)/build: $(STAMPS)/venv setup.py pyproject.toml $(SOURCES)
	$(PIP) install --no-build-isolation -e '.[learning]'
	@touch $@

$(STAMPS)/test: $(STAMPS)/build
	$(PIP) install --no-build-isolation -e '.[test]'
	@touch $@

# The demonstration of inputs/ljat3 in a fresh directory run/ljat3: data, gmin, pathsample, disconnect.
run: build
	rm -rf run/ljat3
	mkdir -p run
	cp -r inputs/ljat3 run/ljat3
	cd run/ljat3 && PATH="$(BIN):$$PATH" bash ./run.sh

# A published table or figure in run/TABLE: make reproduce TABLE=p3-table1, SIZE=full for the published size, CASE="..." for some
# of its cases beside those run before. The tables: ls inputs/papers
SIZE ?= small
reproduce: build
	test -n "$(TABLE)" || { echo "make reproduce TABLE=name; the names: $$(ls inputs/papers | tr '\n' ' ')"; exit 2; }
	test -n "$(CASE)" || rm -rf run/$(TABLE)
	mkdir -p run/$(TABLE)
	cp inputs/papers/$(TABLE)/* run/$(TABLE)
	$(BIN)/pathsample -C run/$(TABLE) --reproduce $(SIZE) $(CASE)

test: $(STAMPS)/test
	$(BIN)/python -m pytest -n $(WORKERS)

test-all: $(STAMPS)/test
	$(BIN)/python -m pytest -n $(WORKERS) -m 'not gpu'

# The same tests on a build with bounds checks, in a copy of the tree.
test-checked: $(STAMPS)/test
	rm -rf build/checked
	mkdir -p build/checked
	git ls-files -z | xargs -0 cp --parents -t build/checked
	cd build/checked && LANDSCAPES_CHECKED=1 $(BIN)/python setup.py -q build_ext --inplace
	cd build/checked && PYTHONPATH=. $(BIN)/python -m pytest -n $(WORKERS) tests/common tests/potentials tests/optim tests/gmin

# On a machine with a CUDA device: its tests, and the rows of the table in docs/gpu.md.
test-gpu: $(STAMPS)/test
	$(PIP) install --no-build-isolation -e '.[gpu]'
	$(BIN)/python -m pytest -m gpu

lint: $(STAMPS)/test
	$(BIN)/ruff check .
	PATH="$(BIN):$$PATH" $(BIN)/cython-lint common potentials gmin optim pathsample disconnect
	$(BIN)/lint-imports

# Ratios beside peers and limits, and docs/benchmarks.md from them.
bench: $(STAMPS)/test
	mkdir -p build
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only -m 'not gpu' --benchmark-columns=min,median,rounds \
		--benchmark-json=build/benchmarks.json
	$(BIN)/python tests/benchmarks/table.py build/benchmarks.json docs/benchmarks.md

docs: build
	$(BIN)/python -m common.keywords

wheel: $(STAMPS)/venv
	$(PIP) wheel --no-build-isolation --no-deps -w dist .

clean:
	rm -rf build dist run $(STAMPS) .pytest_cache .ruff_cache *.egg-info
	find common potentials gmin optim pathsample disconnect \( -name '*.so' -o -name '*.c' -o -name '__pycache__' \) -not -path '*/cuda/*' -prune -exec rm -rf {} +
