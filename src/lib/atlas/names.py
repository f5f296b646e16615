"""Names that everything shares and that load no library."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]  # the working tree that this module belongs to
SCALES = ("smoke", "laptop", "medium", "paper")  # of a run, from the smallest to the paper's own
SUFFIX = ".zarr.zip"  # of a store
KEPT_RUNS = "resources/measured/runs"  # a folder for each scale, a file for each paper (`lib.atlas.evidence.runs`)
PLAN = "LINEAR_ATLAS_PLAN"  # environment variable that names the file into which the Snakefile writes its plan
# parameters of rules that the runner reads, and no function
RESERVED = ("code", "root_seed", "pass_rules", "needs", "claim_functions", "script")
NOT_SUPPLIED = "not-supplied/"  # begins the path of data that a rule asks for and nobody supplied


def listed(value) -> list:
    """A list as it is, anything else as a list of one."""
    return value if isinstance(value, list) else [value]


def document_name(scale: str) -> str:
    """Name of a scale's claims under `docs`: of the index without its suffix, and of the folder of its pages."""
    return "claims" if scale == "laptop" else f"claims-{scale}"
