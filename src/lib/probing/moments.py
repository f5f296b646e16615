"""Heads on the tokens of a frozen backbone: of their first moment, of their second, and of both (moment probing).

Tokens are `(B, 1 + N, D)`, the class token first and N word tokens after it, behind the backbone's last normalisation.
A map `(B, D, H, W)` of a convolutional network becomes tokens by `lib.probing.backbones.map_tokens`.

The characteristic function E exp(i t^T X) of a random token X expands into its moments, and a linear functional of the
first two is a linear head on E[X] and E[X X^T]. Moment probing takes a cheaper second moment: multi-head convolutional
cross-covariance.

Source: Gao, Wang, Lin, Zhu, Hu and Zhou 2023, arXiv 2307.11342, section 3, and the authors' code for its details.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional

CENTRINGS = ("grand", "channel", "none")
LAYOUTS = ("contiguous", "interleaved")
PAIRINGS = ("near", "half", "all", "one")
LEAST_HEAD_WIDTH = 7  # what two convolutions of kernel 3 and stride 2 leave one number of
CLASSIFIER_DEVIATION = 0.02
LEAST_ENTRY = 1e-4  # keeps the slope of an entry's square root finite at zero


def second_moment(x1: torch.Tensor, x2: torch.Tensor, centring: str = "none") -> torch.Tensor:
    """Mean over tokens of the outer products of two sets of tokens.

    Args:
        x1, x2: (..., N, d1) and (..., N, d2).
        centring: `channel` subtracts from each channel its mean over the tokens (a cross-covariance); `grand` subtracts
            one number from each set, its mean over tokens and channels, as the authors' code does; `none`.

    Returns:
        (..., d1, d2).

    Raises:
        ValueError: different batches or numbers of tokens, no token, or another centring.
    """
    if x1.shape[:-1] != x2.shape[:-1]:
        raise ValueError(f"x1, x2: got shapes {tuple(x1.shape)} and {tuple(x2.shape)}, expected the same tokens")
    if x1.shape[-2] == 0:
        raise ValueError("x1: got no token, expected at least one")
    return centre(x1, centring).mT @ centre(x2, centring) / x1.shape[-2]


def centre(x: torch.Tensor, centring: str) -> torch.Tensor:
    """Tokens `(..., N, d)` less a mean; see `second_moment`.

    Raises:
        ValueError: another centring.
    """
    if centring not in CENTRINGS:
        raise ValueError(f"centring: got {centring!r}, expected one of {', '.join(CENTRINGS)}")
    if centring == "none":
        return x
    return x - x.mean(dim=-2 if centring == "channel" else (-2, -1), keepdim=True)


def split_heads(x: torch.Tensor, heads: int, layout: str) -> torch.Tensor:
    """Channels of tokens `(..., N, D)` as heads `(..., heads, N, D / heads)`.

    Args:
        x: tokens.
        heads: number of heads, which divides D.
        layout: `contiguous`: channel c belongs to head c // (D / heads); `interleaved`: to head c % heads.

    Raises:
        ValueError: heads that do not divide the channels, or another layout.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout: got {layout!r}, expected one of {', '.join(LAYOUTS)}")
    if heads < 1 or x.shape[-1] % heads:
        raise ValueError(f"heads: got {heads}, expected a divisor of the {x.shape[-1]} channels")
    width = x.shape[-1] // heads
    if layout == "contiguous":
        return x.unflatten(-1, (heads, width)).transpose(-3, -2)
    return x.unflatten(-1, (width, heads)).movedim(-1, -3)


def head_pairs(heads: int, pairing: str) -> list[tuple[int, int]]:
    """Pairs of heads whose cross-moments are taken.

    Args:
        heads: number of heads.
        pairing: `near`: each with the next; `half`: each of the first half with the one half the heads further on;
            `all`: every pair; `one`: the first with each other.

    Raises:
        ValueError: another pairing, or heads that have no such pair.
    """
    if pairing == "near":
        pairs = [(i, i + 1) for i in range(heads - 1)]
    elif pairing == "half":
        pairs = [(i, i + heads // 2) for i in range(heads // 2)]
    elif pairing == "all":
        pairs = list(itertools.combinations(range(heads), 2))
    elif pairing == "one":
        pairs = [(0, i) for i in range(1, heads)]
    else:
        raise ValueError(f"pairing: got {pairing!r}, expected one of {', '.join(PAIRINGS)}")
    if not pairs:
        raise ValueError(f"heads: got {heads}, expected at least 2")
    return pairs


def reduced_width(width: int) -> int:
    """Rows that two convolutions of kernel 3, stride 2 and no padding leave of `width`.

    Raises:
        ValueError: fewer than 7 rows, of which nothing is left.
    """
    if width < LEAST_HEAD_WIDTH:
        raise ValueError(f"width of a head: got {width}, expected at least {LEAST_HEAD_WIDTH}")
    for _ in range(2):
        width = (width - 3) // 2 + 1
    return width


def classifier(inputs: int, classes: int) -> nn.Linear:
    """A linear classifier that starts with truncated normal weights of deviation 0.02 and no bias, as timm's do."""
    linear = nn.Linear(inputs, classes)
    nn.init.trunc_normal_(linear.weight, std=CLASSIFIER_DEVIATION, a=-2, b=2)
    nn.init.zeros_(linear.bias)
    return linear


class MHC3(nn.Module):
    """Multi-head convolutional cross-covariance: word tokens `(B, N, D)` to features `(B, features)`.

    Tokens are projected and split into heads, which share one layer normalisation; the cross-moments of pairs of heads
    have their columns divided by their Euclidean norms and are shrunk by two strided convolutions across the pairs.
    With `all` pairs columns are not divided, as in the authors' code.

    Args:
        in_dim: D.
        hidden: width of the projection.
        heads: number of heads, which divides `hidden`.
        pairing: see `head_pairs`.
        head_layout: see `split_heads`; `contiguous` for transformers, `interleaved` for maps in the authors' code.
        centring: see `second_moment`; `grand` is the authors'.

    Raises:
        ValueError: sizes that do not fit.
    """

    def __init__(
        self,
        in_dim: int,
        hidden: int = 512,
        heads: int = 4,
        pairing: str = "near",
        head_layout: str = "contiguous",
        centring: str = "grand",
    ):
        super().__init__()
        if hidden % heads:
            raise ValueError(f"heads: got {heads}, expected a divisor of hidden = {hidden}")
        if head_layout not in LAYOUTS or centring not in CENTRINGS:
            raise ValueError(f"got head_layout={head_layout!r}, centring={centring!r}")
        pairs = head_pairs(heads, pairing)
        self.heads, self.layout, self.centring, self.unit_columns = heads, head_layout, centring, pairing != "all"
        self.first, self.second = ([pair[i] for pair in pairs] for i in (0, 1))
        self.features = len(pairs) * reduced_width(hidden // heads) ** 2
        self.project = nn.Linear(in_dim, hidden)
        self.norm = nn.LayerNorm(hidden // heads)
        self.shrink = nn.Sequential(
            nn.Conv2d(len(pairs), len(pairs), 3, 2, bias=False),
            nn.GELU(),
            nn.Conv2d(len(pairs), len(pairs), 3, 2, bias=False),
        )
        nn.init.trunc_normal_(self.project.weight, std=CLASSIFIER_DEVIATION, a=-2, b=2)
        nn.init.zeros_(self.project.bias)

    def cross_moments(self, words: torch.Tensor) -> torch.Tensor:
        """Cross-moments of pairs of heads `(B, pairs, d, d)`, columns of norm 1 save with all pairs."""
        heads = self.norm(split_heads(self.project(words), self.heads, self.layout))
        heads = centre(heads, self.centring)
        moments = heads[..., self.first, :, :].mT @ heads[..., self.second, :, :] / words.shape[-2]
        return functional.normalize(moments, dim=-2) if self.unit_columns else moments

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """Features of word tokens `(B, N, D)`."""
        return self.shrink(self.cross_moments(words)).flatten(1)


class MomentProbe(nn.Module):
    """Moment probing: half the sum of a linear classifier of the class token and one of the second moment.

    Args:
        in_dim: D.
        classes: K.
        hidden, heads, pairing, head_layout, centring: of `MHC3`.
        first: whether the class token takes part; without it the score is that of the second moment alone.

    Raises:
        ValueError: sizes that do not fit.
    """

    def __init__(self, in_dim: int, classes: int, *, first: bool = True, **second):
        super().__init__()
        self.second = MHC3(in_dim, **second)
        self.classify_first = classifier(in_dim, classes) if first else None
        self.classify_second = classifier(self.second.features, classes)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Scores `(B, K)` of tokens `(B, 1 + N, D)`."""
        scores = self.classify_second(self.second(tokens[:, 1:]))
        return scores if self.classify_first is None else (self.classify_first(tokens[:, 0]) + scores) / 2


class LinearProbe(nn.Module):
    """Linear probing: of the class token, of the mean word token, or half the sum of both.

    Args:
        in_dim: D.
        classes: K.
        mode: `cls`, `gap` or `cls+gap`.

    Raises:
        ValueError: another mode.
    """

    def __init__(self, in_dim: int, classes: int, mode: str = "cls"):
        super().__init__()
        if mode not in ("cls", "gap", "cls+gap"):
            raise ValueError(f"mode: got {mode!r}, expected cls, gap or cls+gap")
        self.parts = nn.ModuleDict({part: classifier(in_dim, classes) for part in mode.split("+")})

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Scores `(B, K)` of tokens `(B, 1 + N, D)`."""
        scores = [part(tokens[:, 0] if name == "cls" else tokens[:, 1:].mean(1)) for name, part in self.parts.items()]
        return sum(scores) / len(scores)


class PerceptronProbe(nn.Module):
    """A perceptron with one hidden layer on the class token.

    Args:
        in_dim: D.
        classes: K.
        hidden: width of the hidden layer; `perceptron_width` finds the one of a number of parameters.
    """

    def __init__(self, in_dim: int, classes: int, hidden: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(in_dim, hidden), nn.GELU(), classifier(hidden, classes))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Scores `(B, K)` of tokens `(B, 1 + N, D)`."""
        return self.layers(tokens[:, 0])


def perceptron_width(in_dim: int, classes: int, parameters: int) -> int:
    """Hidden width at which a perceptron comes closest to a number of parameters."""
    return max(1, round((parameters - classes) / (in_dim + 1 + classes)))


class CovariancePool(nn.Module):
    """Covariance of projected word tokens `(B, N, D)` under a matrix or element-wise power, its upper triangle.

    Args:
        in_dim: D.
        width: D' of the projection.
        power: `element`: signed square root of each entry; `matrix`: square root of the matrix by Newton-Schulz steps.
        steps: Newton-Schulz steps.

    Raises:
        ValueError: another power.
    """

    def __init__(self, in_dim: int, width: int, power: str = "element", steps: int = 5):
        super().__init__()
        if power not in ("element", "matrix"):
            raise ValueError(f"power: got {power!r}, expected element or matrix")
        self.project, self.power, self.steps = nn.Linear(in_dim, width), power, steps
        rows, columns = torch.triu_indices(width, width)
        self.register_buffer("entries", rows * width + columns, persistent=False)
        self.features = len(self.entries)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """Features `(B, D' (D' + 1) / 2)`."""
        x = self.project(words)
        covariance = second_moment(x, x, "channel")
        if self.power == "matrix":
            return matrix_square_root(covariance, self.steps).flatten(1).index_select(1, self.entries)
        entries = covariance.flatten(1).index_select(1, self.entries)
        return entries * (entries.abs() + LEAST_ENTRY).rsqrt()


def matrix_square_root(matrix: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Square roots of positive semidefinite matrices `(..., d, d)` by coupled Newton-Schulz steps, approximately.

    The matrix is divided by its trace before and the root multiplied by the root of it after, for which the iteration
    converges. Directions of small eigenvalues converge last.

    Source: Li, Xie, Wang and Gao 2018, CVPR, section 3.
    """
    trace = matrix.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None].clamp_min(1e-12)
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    y, z = matrix / trace, identity.expand_as(matrix)
    for _ in range(steps):
        factor = (3 * identity - z @ y) / 2
        y, z = y @ factor, factor @ z
    return y * trace.sqrt()


class CovarianceProbe(nn.Module):
    """Half the sum of a linear classifier of the class token and one of the full covariance of projected word tokens.

    Args:
        in_dim: D.
        classes: K.
        width, power: of `CovariancePool`.
    """

    def __init__(self, in_dim: int, classes: int, width: int, power: str = "element"):
        super().__init__()
        self.second = CovariancePool(in_dim, width, power)
        self.classify_first = classifier(in_dim, classes)
        self.classify_second = classifier(self.second.features, classes)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Scores `(B, K)` of tokens `(B, 1 + N, D)`."""
        return (self.classify_first(tokens[:, 0]) + self.classify_second(self.second(tokens[:, 1:]))) / 2


def covariance_width(in_dim: int, classes: int, parameters: int) -> int:
    """Largest width of a `CovarianceProbe` with at most so many parameters, or 1."""
    width = 1
    while covariance_parameters(in_dim, classes, width + 1) <= parameters:
        width += 1
    return width


def covariance_parameters(in_dim: int, classes: int, width: int) -> int:
    """Parameters of a `CovarianceProbe`."""
    return (in_dim + 1) * width + (in_dim + 1) * classes + (width * (width + 1) // 2 + 1) * classes


def two_moments(words: torch.Tensor) -> torch.Tensor:
    """First moments of word tokens `(B, N, D)` and the upper triangle of their uncentred second, `(B, D (D + 3) / 2)`.

    The characteristic function cut off after its second term.
    """
    rows, columns = torch.triu_indices(words.shape[-1], words.shape[-1])
    return torch.cat([words.mean(1), second_moment(words, words)[:, rows, columns]], 1)


def characteristic_features(words: torch.Tensor, frequencies: torch.Tensor) -> torch.Tensor:
    """Empirical characteristic function of word tokens, real and imaginary parts `(B, 2 J)`.

    Args:
        words: (B, N, D).
        frequencies: (J, D).
    """
    phase = words @ frequencies.T
    return torch.cat([phase.cos().mean(1), phase.sin().mean(1)], 1)


def moment_probe_parameters(
    in_dim: int, classes: int, hidden: int = 512, heads: int = 4, pairing: str = "near"
) -> dict[str, int]:
    """Parameters of a `MomentProbe` by part, from the sizes alone.

    Returns:
        `first` and `second` classifier, `projection`, `norm`, `convolutions`, and `total`.
    """
    pairs = len(head_pairs(heads, pairing))
    features = pairs * reduced_width(hidden // heads) ** 2
    parts = {
        "first": (in_dim + 1) * classes,
        "second": (features + 1) * classes,
        "projection": (in_dim + 1) * hidden,
        "norm": 2 * hidden // heads,
        "convolutions": 2 * 9 * pairs**2,
    }
    return parts | {"total": sum(parts.values())}


def count_trainable(module: nn.Module) -> int:
    """Numbers that training changes."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
