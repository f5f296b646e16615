"""How the methods of private regression look and what they are called, the same in all figures."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS

NAMES = {
    "classical": "closed form, classical noise",
    "public": "public features",
    "tight": "closed form, tight noise",
    "pure": "closed form, pure",
    "ours": "hard thresholding, our constants",
    "l1": "hard thresholding, l1 ball",
    "paper": "hard thresholding, paper's constants",
    "one_round": "one round",
}
STYLES = {
    name: {
        "color": COLOURS[i % len(COLOURS)],
        "marker": MARKERS[i % len(MARKERS)],
        "ls": LINESTYLES[i % 4],
        "label": words,
    }
    for i, (name, words) in enumerate(NAMES.items())
}
