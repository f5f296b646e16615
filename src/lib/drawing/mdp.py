"""How learners in decision processes look and what they are called, the same in all figures; means with intervals."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS

NAMES = {
    "luo": "entropy, older rates",
    "lb": "log-barrier",
    "mr": "magnitude reduction",
    "ewn": "entropy, plain estimates",
    "mr0": "no bonus",
    "uniform": "uniform actions",
    "inv": "regularised inverse",
    "mgr": "geometric resampling",
    "commit": "explore, then commit",
}
STYLES = {
    name: {"color": COLOURS[i % 8], "marker": MARKERS[i % 8], "ls": LINESTYLES[i % 8], "label": label}
    for i, (name, label) in enumerate(NAMES.items())
}
