# Linear Atlas. `make` builds the environment, runs every paper at laptop scale and writes the report.

PYTHON ?= python3
CORES ?= $(shell nproc)
SCALE ?= laptop
RESULTS ?= results

BIN := .venv/bin
READY := .venv/.ready
STORAGE := .venv/.storage
# one line for each finished job and an estimate of what remains; `make PROGRESS=` has Snakemake's own log instead
PROGRESS ?= --logger atlas
SNAKEMAKE := PYTHONPATH=src $(BIN)/snakemake --cores $(CORES) $(PROGRESS) --config scale=$(SCALE)
REPORT := $(RESULTS)/$(SCALE)/report.html

.PHONY: run env env-storage test test-slow test-cluster smoke replicate check status costs claims crate faults lint format benchmark gpu clean

run: $(READY)
	$(SNAKEMAKE) results=$(RESULTS)
	@if [ $(REPORT) -nt $(RESULTS)/$(SCALE)/audit/index.html ]; then echo "Report: $(REPORT)"; \
	else $(SNAKEMAKE) results=$(RESULTS) --report $(REPORT); fi

env: $(READY)

env-storage: $(STORAGE)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, $(PYTHON) is " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(READY)

$(STORAGE): requirements-storage.lock $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements-storage.lock
	@touch $(STORAGE)

test: $(READY)
	$(BIN)/python -m pytest -m "not slow and not slurm and not storage"

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

# a Slurm cluster on this machine (root and apt-get, or slurm-wlm and munge installed), and an S3 server on loopback;
# ONLY=everything: the run of all papers on Slurm, ONLY="not everything": the rest
test-cluster: $(STORAGE)
	$(BIN)/python -m pytest -m "slurm or storage" $(if $(ONLY),-k "$(ONLY)") tests/workflow/test_slurm.py tests/workflow/test_storage.py

smoke:
	$(MAKE) run SCALE=smoke

# a second run from nothing into another results root, compared array by array; REPLICA_PROFILE=slurm runs it on a cluster,
# FIRST=folder compares with results that were made elsewhere instead
replicate: $(READY)
	@[ -n "$(FIRST)" ] || $(SNAKEMAKE) results=$(RESULTS)
	rm -rf replica/$(SCALE)
	$(BIN)/snakemake $(if $(REPLICA_PROFILE),--profile $(REPLICA_PROFILE),--cores $(CORES)) --config scale=$(SCALE) results=replica
	$(BIN)/python -m lib.atlas.compare $(or $(FIRST),$(RESULTS))/$(SCALE) replica/$(SCALE)

# every number against its stores, parameters and code; exit status 1 names what is stale, missing or damaged
check: $(READY)
	$(BIN)/python -m lib.atlas.check $(RESULTS)/$(SCALE)

status: $(READY)
	@$(BIN)/python -m lib.atlas.status $(RESULTS)/$(SCALE) || [ $$? = 3 ]

costs: $(READY)
	@$(BIN)/python -m lib.atlas.costs $(RESULTS)/$(SCALE)

claims: run
	$(BIN)/python -m lib.atlas.claims_document $(RESULTS)/$(SCALE) > docs/claims.md

crate: run
	$(BIN)/python -m lib.atlas.crate $(RESULTS)/$(SCALE) build/$(SCALE).crate.zip

# some minutes: kills, damage, full disks and malformed configurations, written up in docs/faults.md
faults: $(READY)
	$(BIN)/python -m tests.faults.harness

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

benchmark: $(READY)
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# on a machine with a CUDA device: the compiled kernels against their recurrences, then their times, kept as NAME
gpu: $(READY)
	$(BIN)/python -c "import torch; torch.cuda.is_available() or exit('no CUDA device here')"
	$(BIN)/python -m pytest tests/kernels
	$(BIN)/python benchmarks/bench_kernels.py --keep $(or $(NAME),$(error NAME: name the device, as in make gpu NAME=h100))

clean:
	rm -rf results replica .snakemake .cache
