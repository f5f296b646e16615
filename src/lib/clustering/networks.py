"""Networks with two heads of unit features: one for the representation, one for the similarity of samples."""

import numpy as np
import torch
from torch import nn


class TwoHeads(nn.Module):
    """Backbone, a hidden layer, and two linear heads whose rows are scaled to length 1.

    Args:
        backbone: maps a batch to (n, `width`).
        width: of the backbone's output.
        hidden: of the layer before the heads.
        dim: d, of the representation Z.
        clusters: width of the second head; d by default, so that the first can be copied into it.
    """

    def __init__(self, backbone: nn.Module, width: int, hidden: int, dim: int, clusters: int | None = None):
        super().__init__()
        self.backbone = backbone
        self.before = nn.Sequential(nn.Linear(width, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU())
        self.subspace = nn.Linear(hidden, dim)
        self.cluster = nn.Linear(hidden, clusters or dim)

    def outputs(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both heads before their rows are scaled."""
        inner = self.before(self.backbone(x))
        return self.subspace(inner), self.cluster(inner)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Representation Z (n, d) and similarity features C (n, clusters), unit rows."""
        z, c = self.outputs(x)
        return nn.functional.normalize(z, dim=1), nn.functional.normalize(c, dim=1)


def copy_head(model: TwoHeads) -> None:
    """Start the cluster head as a copy of the subspace head, so that K = Z Z' (one-shot initialisation)."""
    model.cluster.load_state_dict(model.subspace.state_dict())


def centroid_head(model: TwoHeads, centroids: torch.Tensor, length: float) -> None:
    """Start the cluster head so that its outputs are products of Z with centroids (k, d), Z being divided by `length`.

    Args:
        model: its cluster head has width k.
        centroids: unit rows.
        length: mean length of the subspace head's outputs before they are scaled.
    """
    with torch.no_grad():
        model.cluster.weight.copy_(centroids @ model.subspace.weight / length)
        model.cluster.bias.copy_(centroids @ model.subspace.bias / length)


def flat_state(model: nn.Module, skip: str = "\0") -> np.ndarray:
    """Weights and running averages as one vector, without those whose names begin with `skip`."""
    return np.concatenate([value.cpu().numpy().ravel() for value in _floats(model, skip).values()])


def load_flat_state(model: nn.Module, vector: np.ndarray, skip: str = "\0") -> None:
    """Load what `flat_state` returned for a model of the same layers; those that begin with `skip` stay as they are.

    Raises:
        ValueError: a vector of another length.
    """
    own = _floats(model, skip)
    sizes = [value.numel() for value in own.values()]
    if vector.shape != (sum(sizes),):
        raise ValueError(f"vector: got shape {vector.shape}, expected ({sum(sizes)},) for this model")
    parts = np.split(vector, np.cumsum(sizes)[:-1])
    with torch.no_grad():
        for value, part in zip(own.values(), parts):
            value.copy_(torch.from_numpy(np.array(part)).view_as(value))


def _floats(model: nn.Module, skip: str) -> dict[str, torch.Tensor]:
    return {
        name: value
        for name, value in model.state_dict().items()
        if value.is_floating_point() and not name.startswith(skip)
    }


def convolutional(channels: int, side: int, dim: int, clusters: int | None = None, hidden: int = 256) -> TwoHeads:
    """Three 3x3 convolutions of 32, 64 and 128 maps, strides 1, 2, 2, for images of a few pixels a side."""
    layers = []
    for inputs, outputs, stride in ((channels, 32, 1), (32, 64, 2), (64, 128, 2)):
        layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return TwoHeads(nn.Sequential(*layers, nn.Flatten()), 128 * (-(-side // 4)) ** 2, hidden, dim, clusters)


def perceptron(width: int, dim: int, clusters: int | None = None, hidden: int = 256) -> TwoHeads:
    """Two hidden layers before that of the heads, for vectors."""
    layers = []
    for inputs in (width, hidden):
        layers += [nn.Linear(inputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU()]
    return TwoHeads(nn.Sequential(*layers), hidden, hidden, dim, clusters)


class Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block on (n, inputs, height, width)."""
        return (self.body(x) + self.shortcut(x)).relu()


def resnet18(channels: int, dim: int, clusters: int | None = None, hidden: int = 4096) -> TwoHeads:
    """ResNet-18 with a 3x3 stem of stride 1 and without pooling behind it, for images of 32 or 64 pixels a side."""
    layers = [nn.Conv2d(channels, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    inputs = 64
    for outputs, stride in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)):
        layers.append(Residual(inputs, outputs, stride))
        inputs = outputs
    return TwoHeads(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 512, hidden, dim, clusters)
