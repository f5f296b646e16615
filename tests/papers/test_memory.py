"""Rules ask for the memory that their sizes need: at paper scale, on the GPU that they ask for and without one.

An estimate counts the largest arrays that a stage holds at once, from the parameters of its rule.
"""

import json

import pytest

from lib.atlas.evidence import plan as plans
from tests.conftest import ROOT

pytestmark = pytest.mark.workflow
LIBRARIES = 300e6  # bytes of a process before it holds any array
CUDA = 3000e6  # bytes on the host that CUDA's libraries and context take
GPU = 80e9  # bytes of the GPU that paper scale is written for
SAVED = 20  # arrays as large as its input that a layer of a language model keeps for the backward pass


def language_model(p: dict, layers: int, width: int, hidden: int, tokens: int) -> float:
    """Training with AdamW in single precision: weights, gradients and moments; logits, their softmax and gradient; and
    what the layers keep.
    """
    weights = 2 * p["vocabulary"] * width + layers * (4 * width**2 + 3 * width * hidden)
    return 16 * weights + 12 * tokens * p["vocabulary"] + 4 * SAVED * layers * tokens * width


def lightning(p: dict) -> float:
    size = p["sizes"]["base"]
    tokens = len(p["seeds"]["base"]) * p["batch"] // p["parts"] * p["tokens"]
    return language_model(p, size["layers"], size["width"], 4 * size["width"], tokens)


def downstream(p: dict) -> float:
    return language_model(p, p["layers"], p["width"], max(p["hidden"].values()), p["micro_batch"] * p["tokens"])


def mixture(p: dict) -> float:
    """A language model whose layers make keys and values of every memory, in bfloat16, and pack those of the chosen."""
    d, tokens = p["defaults"], p["batch"] // p["parts"] * p["tokens"]
    pair = d["heads"] * (d["d_key"] + d["d_value"])
    rows = (d["memories"] + 1 + 2 * (d["chosen"] + 1)) * pair
    extra = len(d["layers"]) * (2 * 2 * tokens * rows + 16 * d["memories"] * p["width"] * pair)
    return language_model(p, len(d["layers"]), p["width"], d["hidden"], tokens) + extra


def linearized(p: dict) -> float:
    """Llama-3-8B frozen in bfloat16, layers computed again in the backward pass; logits, their softmax and gradient."""
    weights, vocabulary, layers, width, hidden = 8.03e9, 128256, 32, 4096, 14336
    kept_inputs, one_layer = 2 * layers * p["tokens"] * width, 4 * SAVED * p["tokens"] * (width + hidden)
    return 2 * weights + 12 * p["tokens"] * vocabulary + kept_inputs + one_layer


def descent(p: dict) -> float:
    """Monomials of the inputs, (n, d (d + 1) / 2) in single precision, beside the two factors of each."""
    d = max(filter(None, p["sizes"].values()))
    samples = max(p["alphas"]) * d**2
    return 3 * 4 * samples * d * (d + 1) / 2


def upscaler(p: dict) -> float:
    """Activations of 16 patches of 32 x 32 pixels, three for each residual block; weights, gradients and moments."""
    return 4 * 16 * 32**2 * p["width"] * (3 * p["blocks"] + 6) + 4 * 16 * 9 * p["width"] ** 2 * (2 * p["blocks"] + 1)


def designs(p: dict) -> float:
    """The basis at all points of all designs of one batch, and the coefficients of all."""
    return 8 * p["repetitions"] * (p["size"] + 4)


def baselines(p: dict) -> float:
    """The samples' Gram matrix with five arrays of its size, and the fresh inputs with three."""
    return 8 * (6 * (max(p["alphas"]) * p["size"] ** 2) ** 2 + 4 * p["fresh"] * p["size"])


def comparison(p: dict) -> float:
    """The largest design, its residuals, their transpose, and copies that a method makes."""
    return 7 * 8 * max(point["rows"] * point["dim"] for point in p["points"])


def training_sets(p: dict) -> float:
    """Rows of the largest training set of logistic regression, about 30 n of them, their noise and a scaled copy."""
    largest = max(n for n in p["dims"] if n <= p["largest_dim"].get("lr_scaled", n))
    return 3 * 8 * 30 * largest**2


def autoencoders(p: dict) -> float:
    """Data of all sets in double and single precision, and four layers of all models on all rows when they encode."""
    cells = p.get("cells", [{}])
    penalties = max(len(cell.get("penalties", p["penalties"])) for cell in cells)
    features = max(cell.get("features", 10) for cell in cells)
    rows = p["seeds"] * max(p["rows"], p["tests"])
    return rows * (3 * 12 * (features + 8) + 4 * 4 * penalties * max(p["width"], features))


# bytes where a stage computes, by rule; on the host where it has no GPU
def networks(p: dict) -> float:
    """A block of networks: both weights, hidden activations and three arrays of their size on the way, and outputs."""
    sizes = [(pool["size"], pool["models"]) for pool in p["pools"]]
    outputs = max(4 * models * size**2 * (size - 1) / 2 for size, models in sizes)
    return 6 * 4 * 2**24 + 2 * outputs


def pairs_of_networks(p: dict) -> float:
    """All kept networks in single precision, three times: as they are collected, in the store, and packed."""
    size = 64 * p["width"] + (p["depth"] - 1) * p["width"] ** 2 + 10 * p["width"]
    return 3 * 4 * size * p["seeds"] * 2 * (len(p["forks"]) * (len(p["after"]) + 1) + 6)


def generated_images(p: dict) -> float:
    """The largest training set of ten classes with 12,288 features, its copy in an order, and both test sets."""
    return 4 * 12288 * 10 * (2 * max(p["sizes"]) + 2 * p["tests"])


def image_bases(p: dict) -> float:
    """Training images in single precision; those of the bases and two arrays of Jacobians in double precision."""
    return 4 * 60000 * 3072 + 8 * p["samples"] * 3072 * (2 + 2 * 10)


def chains(p: dict) -> float:
    """Losses along all chains in single precision, and a copy in double precision of one model's."""
    steps = max(p["lengths"])
    models = 2 * p["teachers"] if "teachers" in p else len(p["cases"]) * len(p["step_scales"])
    return steps * p["chains"] * (2 * 4 * models + 3 * 8)


def split_kernels(p: dict) -> float:
    """Kernels of test and training documents in three parts and their copies, of three classes, in double precision."""
    return 8 * 9 * p["samples"] * (6 * p["tests"] + 12 * p["samples"])


ESTIMATES = {
    "lp_ft_ntk_measure_kernels": split_kernels,
    "loss_degeneracy_sample_chains": chains,
    "loss_degeneracy_compare_blocks": chains,
    "loss_degeneracy_hold_blocks": chains,
    "loss_degeneracy_analyse_images": image_bases,
    "diffusion_concentration_measure_images": generated_images,
    "mode_connectivity_train_pairs": pairs_of_networks,
    "lightning_attention_train_models": lightning,
    "mamba3_train_downstream": downstream,
    "mixture_of_memories_train_large": mixture,
    "liger_tune_large": linearized,
    "permutation_learning_measure_hits": networks,
    "intervention_extrapolation_train_representations": autoencoders,
    "intervention_extrapolation_train_autoencoders": autoencoders,
    "intervention_extrapolation_extrapolate": autoencoders,
    "quadratic_network_train_gd_clean": descent,
    "quadratic_network_train_gd_noisy": descent,
    "quadratic_network_fit_baselines": baselines,
    "quadratic_network_fit_baselines_few": baselines,
    "generative_vs_discriminative_search_dilute": training_sets,
    "generative_vs_discriminative_search_hard": training_sets,
    "linear_interpreters_train_upscaler": upscaler,
    "dpp_least_squares_fit_independent_designs": designs,
    "dpp_least_squares_fit_volume_designs": designs,
    "dpp_least_squares_fit_repeated_designs": designs,
    "sparse_regression_random_support_vary_sizes": comparison,
    "sparse_regression_random_support_vary_bases": comparison,
}


@pytest.fixture(scope="module", params=["smoke", "laptop", "paper"])
def rules(request):
    return plans.read(ROOT, request.param, "results")["rules"]


@pytest.mark.parametrize("name", ESTIMATES)
def test_a_rule_asks_for_the_memory_that_its_sizes_need(rules, name):
    rule = rules[name]
    bytes_needed = ESTIMATES[name](rule["parameters"])
    if rule["gpu"]:
        assert bytes_needed < GPU
        assert rule["mem_mb"] >= CUDA / 1e6
    else:
        assert rule["mem_mb"] >= (LIBRARIES + bytes_needed) / 1e6


def test_small_scales_ask_for_no_more_than_large_ones():
    asked = {scale: plans.read(ROOT, scale, "results")["rules"] for scale in ("smoke", "laptop", "paper")}
    for small, large in (("smoke", "laptop"), ("laptop", "paper")):
        both = asked[small].keys() & asked[large].keys()
        assert [
            name for name in both if (asked[small][name]["mem_mb"] or 0) > (asked[large][name]["mem_mb"] or 0)
        ] == []
    assert asked["laptop"] != asked["paper"]


def test_at_laptop_scale_the_largest_job_of_a_paper_fits_what_one_of_its_rules_asks_for():
    """Against the peaks of the runs that are kept with the project."""
    rules = plans.read(ROOT, "laptop", "results")["rules"]
    for file in sorted((ROOT / "resources/measured/runs/laptop").glob("*.json")):
        runs = json.loads(file.read_text(encoding="utf-8"))["runs"]
        peak = max(run["memory"] for run in runs)
        assert max(rule["mem_mb"] or 0 for name, rule in rules.items() if name.startswith(f"{file.stem}_")) > peak, (
            file.stem
        )


def test_a_rule_that_asks_for_a_gpu_has_room_for_its_libraries(rules):
    assert {name: rule["mem_mb"] for name, rule in rules.items() if rule["gpu"] and rule["mem_mb"] < CUDA / 1e6} == {}


def test_the_estimates_see_what_is_too_large():
    rule = plans.read(ROOT, "paper", "results")["rules"]["lightning_attention_train_models"]
    assert lightning(rule["parameters"] | {"parts": 1}) > GPU
