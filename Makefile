# Linear Atlas. `make` builds the environment, runs every paper at laptop scale and writes the report.

PYTHON ?= python3
CORES ?= $(shell nproc)
SCALE ?= laptop
RESULTS ?= results

PY := .venv/bin/python
# the modules of this tree, whatever the caller's PYTHONPATH says
export PYTHONPATH := $(CURDIR)/src:$(CURDIR)
# in words that the oldest Python understands
CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "linear atlas: Python 3.11 or later is needed, $(PYTHON) is " + sys.version.split()[0])'
# one line for each finished job and an estimate of what remains; `make PROGRESS=` has Snakemake's own log instead
PROGRESS ?= --logger atlas
SNAKEMAKE := $(PY) -m snakemake --cores $(CORES) $(PROGRESS) --config scale=$(SCALE)
SAMPLED := $(if $(SAMPLE),LINEAR_ATLAS_SAMPLE=$(SAMPLE))
REPORT := $(RESULTS)/$(SCALE)/report.zip

.PHONY: run env env-storage env-validator conda test test-slow test-cluster smoke replicate check adopt status costs keep stability claims crate release codecheck faults judge lint format benchmark paper gpu clean

run: env
	$(SNAKEMAKE) results=$(RESULTS)
	@if [ $(REPORT) -nt $(RESULTS)/$(SCALE)/audit/index.html ]; then echo "Report: $(REPORT)"; \
	else $(PY) -m lib.atlas report $(RESULTS)/$(SCALE); fi

# builds .venv, or mends it after the folder was moved, renamed or copied; nothing to do costs 0.1 s
env:
	@$(CHECK_PYTHON)
	@$(PYTHON) -m lib.atlas.workflow.venv

env-storage:
	@$(CHECK_PYTHON)
	@$(PYTHON) -m lib.atlas.workflow.venv --storage

# the environment of --software-deployment-method conda, after a change of requirements.lock
conda:
	@$(PYTHON) -m lib.atlas.workflow.venv --conda

# the validator of RO-Crates, whose libraries do not go with those of the project
env-validator:
	@$(CHECK_PYTHON)
	@[ .cache/validator/.ready -nt requirements-validator.lock ] || { $(PYTHON) -m venv --clear .cache/validator \
	&& .cache/validator/bin/python -m pip install --disable-pip-version-check --quiet --requirement requirements-validator.lock \
	&& touch .cache/validator/.ready; }

# files of tests beside each other, each worker on one thread
test: env
	$(PY) -m pytest -n $(CORES) --maxprocesses 8 --dist loadfile --no-loadscope-reorder -m "not slow and not slurm and not storage"

test-slow: env
	$(SAMPLED) $(PY) -m pytest -m slow $(if $(ONLY),-k "$(ONLY)")

# a Slurm cluster on this machine (root and apt-get, or slurm-wlm and munge installed), and an S3 server on loopback;
# ONLY=everything: the run of all papers on Slurm, ONLY="not everything": the rest;
# SAMPLE=4: of four papers, which follow from the commit
test-cluster: env-storage
	$(SAMPLED) $(PY) -m pytest -m "slurm or storage" $(if $(ONLY),-k "$(ONLY)") tests/workflow/test_slurm.py tests/workflow/test_storage.py

smoke:
	$(MAKE) run SCALE=smoke

# a second run from nothing into another results root, compared array by array; REPLICA_PROFILE=slurm runs it on a cluster,
# FIRST=folder compares with results that were made elsewhere instead
replicate: env
	@[ -n "$(FIRST)" ] || $(SNAKEMAKE) results=$(RESULTS)
	rm -rf replica/$(SCALE)
	$(PY) -m snakemake $(if $(REPLICA_PROFILE),--profile $(REPLICA_PROFILE),--cores $(CORES)) --config scale=$(SCALE) results=replica
	$(PY) -m lib.atlas compare $(or $(FIRST),$(RESULTS))/$(SCALE) replica/$(SCALE)

# every number against its stores, parameters and code; exit status 1 names what is stale, missing or damaged
check: env
	$(PY) -m lib.atlas check $(RESULTS)/$(SCALE)

# results that were made elsewhere and copied here: checked, then taken over, so that a run makes only what is missing
adopt: check
	$(SNAKEMAKE) results=$(RESULTS) --touch

status: env
	@$(PY) -m lib.atlas status $(RESULTS)/$(SCALE) || [ $$? = 3 ]

costs: env
	@$(PY) -m lib.atlas costs $(RESULTS)/$(SCALE)

# the verdicts and numbers of a run, kept with the project: the audit shows them beside other scales and machines
keep: run
	$(PY) -m lib.atlas keep $(RESULTS)/$(SCALE)

# the same scale under other root seeds, kept and written up in docs/stability.md; PAPERS="one another": only these;
# FIRST="folder folder": compare with results that were made on other machines
stability: env
	$(PY) -m lib.atlas stability --scale "$(SCALE)" --seeds "$(SEEDS)" --papers $(PAPERS) --first $(FIRST) --results $(RESULTS) --cores $(CORES)

claims: run
	$(PY) -m lib.atlas claims $(RESULTS)/$(SCALE)

crate: run
	$(PY) -m lib.atlas crate $(RESULTS)/$(SCALE) build/$(SCALE).crate.zip

# the tree of this commit, its results, audit, crate and lock file in one archive, in which `make check` passes elsewhere
release: run
	$(PY) -m lib.atlas release $(RESULTS)/$(SCALE)

# a draft of codecheck.yml for one paper, as in make codecheck PAPER=quadratic_network
codecheck: env
	@$(PY) -m lib.atlas codecheck $(RESULTS)/$(SCALE) "$${PAPER:?as in make codecheck PAPER=quadratic_network}"

# some minutes: kills, damage, full disks and malformed configurations, written up in docs/faults.md
faults: env
	$(PY) -m tests.faults.harness

# some minutes, after make smoke: errors planted in every paper, and who notices; writes docs/audit.md and resources/measured/judge.json;
# PAPERS="one another": only these, the counts of the others stay
judge: env
	$(PY) -m tests.faults.judge $(if $(PAPERS),--papers $(PAPERS))

lint: env
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m snakefmt --check Snakefile workflow
	$(PY) -m codespell_lib
	$(PY) -m snakemake --lint

format: env
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	$(PY) -m snakefmt Snakefile workflow

benchmark: env
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(PY) $$script || exit 1; done

# a new paper, make paper NAME=my_paper TITLE="Its title": the files of a small example that runs (docs/adding-a-paper.md)
paper: env
	@$(PY) -m lib.atlas paper "$${NAME:?as in make paper NAME=my_paper TITLE=...}" --title "$${TITLE:?as in make paper NAME=my_paper TITLE=...}"

# on a machine with a CUDA device: the compiled kernels against their recurrences, then their times, kept as NAME
gpu: env
	$(PY) -c "import torch; torch.cuda.is_available() or exit('no CUDA device here')"
	$(PY) -m pytest tests/kernels
	$(PY) benchmarks/bench_kernels.py --keep $(or $(NAME),$(error NAME: name the device, as in make gpu NAME=h100))

clean:
	rm -rf results results-seeds replica .snakemake .cache
