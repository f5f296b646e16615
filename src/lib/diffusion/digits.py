"""The digits of scikit-learn as training data, and classifiers that judge what was learnt from them."""

import numpy as np

CLASSES, SIDE = 10, 8


def real_digits() -> tuple[np.ndarray, np.ndarray]:
    """Pixels (1797, 64) float32 from -1 to 1, and labels (1797,) int64."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return (pixels / 8 - 1).astype(np.float32), labels.astype(np.int64)


def recognised(x: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Whether logistic regression (C = 0.1), trained on all real digits, gives samples the label they were made for.

    Args:
        x: (n, 64), on the scale of `real_digits`.
        label: (n,).
    """
    from sklearn.linear_model import LogisticRegression

    pixels, labels = real_digits()
    judge = LogisticRegression(C=0.1, max_iter=1000).fit(pixels, labels)
    return judge.predict(x) == label
