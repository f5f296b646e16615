# Configuration, paths and parameters that every paper's rules share.
import os
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.20")

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "src"))
sys.path.insert(1, str(ROOT))
# jobs use this checkout's `lib` and `kernels`, installed or not, and one cuBLAS workspace, for equal results
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
os.environ["MPLCONFIGDIR"] = os.environ.get("MPLCONFIGDIR", str(ROOT / ".cache" / "matplotlib"))
os.environ["NUMBA_CACHE_DIR"] = os.environ.get("NUMBA_CACHE_DIR", str(ROOT / ".cache" / "numba"))

from lib.atlas import config as atlas_config
from lib.atlas.paper import Paper as AtlasPaper
from lib.atlas.provenance import git_commit

os.environ["LINEAR_ATLAS_COMMIT"] = git_commit(ROOT)


def refuse(error):
    """End the run before any job, with one line."""
    sys.exit(f"linear atlas: {error}")


try:
    atlas_config.load_config(config, ROOT)
    SLUGS = sorted(file.stem for file in (ROOT / "config/papers").glob("*.yaml"))
    PAPERS = {
        slug: AtlasPaper(slug, atlas_config.load_paper(slug, ROOT, config["scale"]), config, ROOT, report)
        for slug in SLUGS
    }
except atlas_config.ConfigError as error:
    refuse(error)

# captions of the report are filled in from here
config["figures"] = {slug: paper.spec["figures"] for slug, paper in PAPERS.items()}

AUDIT = f"{config['results']}/{config['scale']}/audit"


def Paper(slug):
    """The paper whose rule file asks for it."""
    return PAPERS[slug]


wildcard_constraints:
    n="[0-9]+",
    size="[0-9]+",
    seed="[0-9]+",
