"""The scales of a run, from the smallest to the paper's own."""

SCALES = ("smoke", "laptop", "medium", "paper")
