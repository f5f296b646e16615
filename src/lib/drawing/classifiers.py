"""Styles of classifiers that figures of probes share."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS

WORDS = {
    "nb": "naive Bayes",
    "lr": "logistic, as the authors run it",
    "lr_exact": "logistic, at its minimum",
    "lr_scaled": "logistic, standardised",
    "ncm": "nearest class mean",
    "nb 0.001": "naive Bayes",
    "lr 1": "logistic, C = 1",
    "lr cv": "logistic, C by cross-validation",
    "slda": "discriminant analysis, shrunk",
    "ridge": "ridge",
}
PLACES = {
    "nb": 0, "nb 0.001": 0, "lr": 1, "lr 1": 1, "lr_exact": 4, "lr_scaled": 2, "lr cv": 2, "ncm": 3, "slda": 6,
    "ridge": 7,
}  # fmt: skip


def probe_style(name: str) -> dict:
    """Colour, marker, line and label of a classifier."""
    k = PLACES[name]
    return {"color": COLOURS[k], "marker": MARKERS[k], "ls": LINESTYLES[k], "label": WORDS[name]}
