"""Names that the workflow needs before any library for arrays is loaded."""

SCALES = ("smoke", "laptop", "medium", "paper")  # of a run, from the smallest to the paper's own
SUFFIX = ".zarr.zip"  # of a store
