"""How learners in decision processes look and what they are called, the same in all figures; means with intervals."""

from lib.drawing.styles import styles_of

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
STYLES = styles_of(NAMES)
