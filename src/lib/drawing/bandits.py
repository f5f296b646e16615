"""How the algorithms of `lib.bandits` look and what they are called, the same in all figures."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS

NAMES = {
    "elimination": "elimination on the net",
    "design": "design and fit",
    "design_best": "design, best of both",
    "supports": "fitted supports",
    "random": "best of as many at random",
    "net": "the whole net",
}
STYLES = {
    name: {"color": COLOURS[i], "marker": MARKERS[i], "ls": LINESTYLES[i % 4], "label": label}
    for i, (name, label) in enumerate(NAMES.items())
}
