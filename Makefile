# The commands that every change keeps true. Each installs what it needs first:
# Debian packages by apt-get, Python packages into a virtual environment inside
# the build folder. CONTRIBUTING.md has the quicker loop for development.
BUILD ?= build
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
# The first program that the differential fuzzer draws: another one each day.
FUZZ_SEED ?= $(shell date +%y%m%d)000

VENV := $(BUILD)/venv
PYTHON := $(abspath $(VENV))/bin/python
KILN := $(abspath $(BUILD))/clients/cli/kiln

.PHONY: help deps build python demo cluster test conformance judge bench fuzz chaos format lint clean

help:
	@echo 'make demo         install, build, start a server and train real models through it'
	@echo 'make cluster      three replicas, a redis-server and a load of clients, live in the terminal; one is killed'
	@echo 'make build        install and build, the `kiln` command and every test'
	@echo 'make python       the same, and install the Python client into $(VENV)'
	@echo 'make test         install, build and run every test'
	@echo 'make bench        compile time, step time and RPC time as ratios to Inductor and an empty RPC'
	@echo 'make conformance  fake tensors against PyTorch, on all samples'
	@echo 'make judge        compiled code against eager PyTorch: every sample of every operator, all types; many hours'
	@echo 'make fuzz         a minute of fuzzing for each thing that reads bytes, and of drawn programs against eager'
	@echo 'make chaos        kills, corruption, a failing Redis and hostile requests, several times over'
	@echo 'make format lint  clang-format and ruff; ruff and mypy'

deps:
	@deploy/install_packages.sh

# The stamp is newer than the requirements that are installed.
$(VENV)/stamp: clients/python/requirements-dev.txt | deps
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install -q --disable-pip-version-check -r $<
	@touch $@

$(BUILD)/build.ninja: | deps $(VENV)/stamp
	cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DPython_EXECUTABLE=$(PYTHON) -Wno-dev >$(BUILD)/configure.log \
	  || { cat $(BUILD)/configure.log; exit 1; }

build: $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS)

# The client, installed into the virtual environment as a user would.
python: build
	$(PYTHON) -m pip install -q --disable-pip-version-check --no-build-isolation \
	  -C build-dir=$(abspath $(BUILD))/python-package clients/python

demo: python
	KILN_BINARY=$(KILN) $(PYTHON) tests/demo/demo.py

# CLUSTER_ARGUMENTS="--seconds 60 --clients 100"; --once prints the end alone.
cluster: python
	KILN_BINARY=$(KILN) $(PYTHON) tests/demo/cluster.py $(CLUSTER_ARGUMENTS)

test: python
	cd $(BUILD) && ctest --output-on-failure -j $(JOBS) -LE conformance_full
	KILN_BINARY=$(KILN) $(PYTHON) -m pytest -q clients/python/tests
	KILN_BINARY=$(KILN) $(PYTHON) -m pytest -q tests/e2e

conformance: python
	cd $(BUILD) && ctest --output-on-failure -L 'conformance|proofs'

judge: python
	cd $(BUILD) && ctest --output-on-failure -R '^compiled_.*full$$'

bench: python
	KILN_BINARY=$(KILN) $(PYTHON) tests/bench/bench.py

# Kills of servers, zygotes and workers, lying workers, corrupt stores, a Redis that
# fails its clients, malformed and hostile requests: several times over, since races show
# themselves rarely. A server that compiles is killed 200 times.
chaos: python
	cd $(BUILD) && ctest --output-on-failure -L e2e --repeat until-fail:3
	cd $(BUILD) && ctest --output-on-failure -R 'store_test|disk_fault_test|zygote_test|flight_.*test|variant_cache_test' --repeat until-fail:3
	cd $(BUILD) && KILN_CHAOS_ROUNDS=20 KILN_KILLS=200 ctest --output-on-failure -L chaos --timeout 3600
	KILN_BINARY=$(KILN) $(PYTHON) -m pytest -q tests/e2e/test_sharing.py tests/e2e/test_bad_input.py
	KILN_BINARY=$(KILN) $(PYTHON) -m pytest -q clients/python/tests/test_refusals.py

# A minute each, from golden files and tests/fuzz/corpus; a find ends it. The
# packages are needed by nothing else. Then programs, compiled and compared with eager.
fuzz: python
	@deploy/install_packages.sh debian_packages_fuzz.txt
	cmake -S . -B $(BUILD)-fuzz -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang-14 \
	  -DCMAKE_CXX_COMPILER=clang++-14 -DKILN_FUZZ=ON -DKILN_BUILD_TESTS=OFF -Wno-dev >/dev/null
	cmake --build $(BUILD)-fuzz -j $(JOBS) --target kiln_fuzzers
	tests/fuzz/run.sh $(BUILD)-fuzz $(FUZZ_SECONDS)
	KILN_BINARY=$(KILN) $(PYTHON) tests/differential/fuzz.py --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED) \
	  --jobs $(JOBS) --found $(BUILD)-fuzz/found

format:
	git ls-files '*.cc' '*.h' | xargs clang-format -i
	$(PYTHON) -m ruff format clients/python tests

lint: $(VENV)/stamp
	$(PYTHON) -m ruff check clients/python tests
	cd clients/python && $(PYTHON) -m mypy src

clean:
	rm -rf $(BUILD)
