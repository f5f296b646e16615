# Configuration, paths and parameters that every paper's rules share.
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.20")

ROOT = Path(workflow.basedir)
if not (ROOT / "workflow").is_dir():  # started by workflow/Snakefile
    ROOT = ROOT.parent
sys.path.insert(0, str(ROOT / "src"))
sys.path.insert(1, str(ROOT))

from lib.atlas.workflow import config as atlas_config
from lib.atlas.workflow import cluster, environment, internals
from lib.atlas.workflow import paper as atlas_paper
from lib.atlas.workflow import place
from lib.atlas.workflow import summary as summaries


def refuse(error):
    """End the run before any job, with one line."""
    sys.exit(f"linear atlas: {error}")


try:
    place.check(ROOT)
    if Path("config/config.yaml").exists():
        atlas_config.check_file(Path("config/config.yaml"))
    cluster.check_controller(sys.argv)
except ValueError as error:
    refuse(error)

environment.prepare(ROOT)


configfile: "config/config.yaml"


def all_slugs():
    """Names of all papers."""
    return sorted(file.stem for file in (ROOT / "config/papers").glob("*.yaml"))


def slugs_of_this_process():
    """All papers; only its own where Snakemake was started for one job, as a cluster does it for each."""
    slugs = all_slugs()
    rules = internals.allowed_rules(sys.argv)
    owners = [[slug for slug in slugs if f"{rule}_".startswith(f"{slug}_")] for rule in rules]
    return sorted(set().union(*owners)) if owners and all(owners) else slugs


try:
    atlas_config.load_config(config, ROOT)
    SLUGS = slugs_of_this_process()
    SPECS = {slug: atlas_config.load_paper(slug, ROOT, config["scale"]) for slug in SLUGS}
    if SLUGS == all_slugs():
        atlas_config.check_data(config["data"], SPECS)
except atlas_config.ConfigError as error:
    refuse(error)

TRACE = internals.Trace(workflow)
PAPERS = {slug: atlas_paper.Paper(slug, spec, config, ROOT, report, local, TRACE) for slug, spec in SPECS.items()}

# captions of the report are filled in from here; their numbers come from the claims where a report is asked for
try:
    reported = any(word.partition("=")[0] == "--report" for word in sys.argv)
    config["figures"] = {slug: paper.captions(reported) for slug, paper in PAPERS.items()}
except ValueError as error:
    refuse(error)

# minutes that no stage needs, whatever it asks for at larger scales: a cluster starts a short job sooner
LONGEST = {"smoke": 5, "laptop": 60}

RESULTS = f"{config['results']}/{config['scale']}"
AUDIT = f"{RESULTS}/audit"
ROOT_RELATIVE = "" if ROOT == Path.cwd() else f"{os.path.relpath(ROOT)}/"


def measured_elsewhere(family):
    """Tables of times of kernels that were measured on other machines and are kept with the project."""
    found = sorted(ROOT.glob(f"resources/measured/{family}_*.zarr.zip"))
    return [f"{ROOT_RELATIVE}{path.relative_to(ROOT)}" for path in found]


def audit_script(name):
    """Params `script` and `code` of a rule of the audit."""
    return atlas_paper.script(f"audit/{name}", ROOT)


internals.choose_once_at_a_time()

REFUSALS = {}  # by what the cluster said: the jobs that it refused
FAILURES = {}  # by log: the job whose log it is
internals.note_failures(
    lambda job, reason: REFUSALS.setdefault(reason, {}).setdefault(job),
    lambda job, logs: FAILURES.update(dict.fromkeys(logs, job)),
)


def mem(megabytes, on_gpu=False, laptop=None):
    """Memory of a job in MB; each retry asks for that much more.

    On a GPU it is at least what CUDA's libraries take of it. `laptop` is what is enough at that scale and below, where
    that is much less: about twice what was measured (`make costs`).
    """
    megabytes = laptop if laptop and config["scale"] in ("smoke", "laptop") else megabytes
    megabytes = max(megabytes, 4000) if gpus(on_gpu) else megabytes
    return lambda wildcards, attempt: megabytes * attempt


def minutes(number):
    """Longest time of a job in minutes, at small scales less; each retry asks for that much more."""
    allowed = min(number, LONGEST.get(config["scale"], number))
    return lambda wildcards, attempt: allowed * attempt


def gpus(number):
    """GPUs of a job that uses them where it finds them; none when the configuration keeps to the CPU."""
    return 0 if config["device"] == "cpu" else int(number)


def whole_machine(wildcards):
    """Threads where times are measured, all the cores of a local run, so that nothing runs beside it."""
    try:
        return workflow.cores
    except WorkflowError:
        return 1


wildcard_constraints:
    n="[0-9]+",
    size="[0-9]+",
    seed="[0-9]+",
