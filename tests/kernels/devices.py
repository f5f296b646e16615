"""Where the forms of a kernel run in these tests: on a CUDA device if there is one, compiled ones on a CPU alone."""

import torch

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def here(*forms: str) -> list[str]:
    """Of some forms those that take tensors on the device."""
    return [form for form in forms if DEVICE == "cpu" or form != "compiled"]
