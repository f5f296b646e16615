"""Small convolutional classifiers without running statistics: group normalisation in place of batch normalisation.

Any point between two such networks is a network as it stands; nothing has to be taken anew from data.
"""

import torch
from torch import nn

GROUPS = 8


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.GroupNorm(GROUPS, outputs))


class Residual(nn.Module):
    """Two convolutions and a shortcut, a 1 x 1 convolution where the shape changes (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.first, self.second = _block(inputs, outputs, stride), _block(outputs, outputs)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        """The block on `(n, channels, h, w)`."""
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


def resnet20(classes: int = 10, channels: int = 3, width: int = 16) -> nn.Module:
    """ResNet-20 of He et al. for small images: three stages of three blocks, of 1, 2 and 4 `width` channels."""
    layers: list[nn.Module] = [_block(channels, width), nn.ReLU()]
    before = width
    for stage, outputs in enumerate((width, 2 * width, 4 * width)):
        for block in range(3):
            layers.append(Residual(before, outputs, 2 if stage and not block else 1))
            before = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


def vgg11(classes: int = 10, channels: int = 3, width: int = 64) -> nn.Module:
    """VGG-11 for small images: eight convolutions of `width` to eight times as many channels, and a linear layer."""
    layers: list[nn.Module] = []
    before = channels
    for stage in ((1,), (2,), (4, 4), (8, 8), (8, 8)):  # channels in units of the width, a maximum over 2 x 2 between
        layers += [nn.MaxPool2d(2)] if layers else []
        for times in stage:
            layers += [_block(before, times * width), nn.ReLU()]
            before = times * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


ARCHITECTURES = {"resnet20": resnet20, "vgg11": vgg11}
