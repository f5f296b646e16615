"""How the methods of private regression look and what they are called, the same in all figures."""

from lib.drawing.styles import styles_of

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
STYLES = styles_of(NAMES)
