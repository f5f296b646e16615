"""How the algorithms of `lib.bandits` look and what they are called, the same in all figures."""

from lib.drawing.styles import styles_of

NAMES = {
    "elimination": "elimination on the net",
    "design": "design and fit",
    "design_best": "design, best of both",
    "supports": "fitted supports",
    "random": "best of as many at random",
    "net": "the whole net",
}
STYLES = styles_of(NAMES)
