"""Means of the authors' stored results: accuracies by layer, algorithm and map; smallest distances; fitted networks."""

LAYERS = {
    ("both_equality", "neurons"): (0.691, 0.564, 0.500),
    ("both_equality", "orthogonal"): (0.842, 0.614, 0.498),
    ("both_equality", "revnet"): (0.998, 0.999, 0.999),
    ("first_argument", "orthogonal"): (0.500, 0.499, 0.499),
    ("first_argument", "revnet"): (0.511, 0.507, 0.510),
    ("and_or", "orthogonal"): (0.792, 0.771, 0.770),
    ("and_or", "revnet"): (0.974, 0.925, 0.885),
    ("and_or_and", "orthogonal"): (0.723, 0.660, 0.571),
    ("and_or_and", "revnet"): (0.998, 0.999, 0.997),
}
FITTED = {  # layer 2: network, map, algorithm
    ("fitted_and_or", "orthogonal", "and_or"): 0.999,
    ("fitted_and_or", "orthogonal", "and_or_and"): 0.641,
    ("fitted_and_or", "revnet", "and_or"): 0.999,
    ("fitted_and_or", "revnet", "and_or_and"): 1.0,
    ("fitted_and_or_and", "orthogonal", "and_or_and"): 0.999,
    ("fitted_and_or_and", "orthogonal", "and_or"): 0.733,
    ("fitted_and_or_and", "revnet", "and_or_and"): 1.0,
    ("fitted_and_or_and", "revnet", "and_or"): 0.874,
}
WIDTHS = {1: {1: 0.664, 16: 0.994}, 3: {1: 0.508, 16: 0.997}}  # layer: width of one block
HALF_TRAINED = {
    ("revnet", 10, 16): 0.747,
    ("revnet", 10, 128): 0.790,
    ("orthogonal", 0, 0): 0.502,
}  # after 128 steps, layer 1
DISTANCES = {  # inputs and layers 1 to 3
    "all": (0.085, 5.7e-4, 4.5e-4, 3.3e-4),
    "different output": (0.17, 0.024, 0.032, 0.089),
    "different variables": (0.16, 0.011, 0.012, 0.015),
}
