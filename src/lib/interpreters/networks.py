"""Small convolutional networks of the kinds that the paper tours: classifiers, super-resolution, image to image."""

import torch
from torch import nn
from torch.nn import functional as F

CLASSIFIERS = ("vgg", "resnet", "alexnet", "vgg-nobn", "resnet-nobn", "vgg-free", "resnet-free", "functional")


def _block(inputs: int, outputs: int, norm: bool, bias: bool, stride: int = 1, kernel: int = 3) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)]
    return [*layers, nn.BatchNorm2d(outputs)] if norm else layers


class Residual(nn.Module):
    """Two convolutions with a skip; a 1x1 convolution on the skip where the width or the size changes."""

    def __init__(self, inputs: int, outputs: int, norm: bool, bias: bool, stride: int = 1):
        super().__init__()
        self.body = nn.Sequential(
            *_block(inputs, outputs, norm, bias, stride), nn.ReLU(inplace=True), *_block(outputs, outputs, norm, bias)
        )
        same = stride == 1 and inputs == outputs
        self.skip = nn.Identity() if same else nn.Sequential(*_block(inputs, outputs, norm, bias, stride, 1))

    def forward(self, x):
        """Images (B, C, H, W) to (B, C', H', W')."""
        return torch.relu(self.body(x) + self.skip(x))


class FunctionalNet(nn.Module):
    """Non-linear units called as functions, as methods and in place, without a module of their own."""

    def __init__(self, classes: int, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 32, 3, padding=1)
        self.last = nn.Linear(32, classes)

    def forward(self, x):
        """Images (B, C, H, W) to logits (B, classes)."""
        x = F.max_pool2d(F.relu(self.first(x)), 2)
        x = self.second(x).relu_()
        x = F.leaky_relu(x - x.mean((2, 3), keepdim=True), 0.2)
        return self.last(x.flatten(2).mean(2).clamp(min=0))


def classifier(kind: str, classes: int = 10, channels: int = 1, widths: tuple[int, int] = (16, 32)) -> nn.Module:
    """A small classifier; `-nobn` has biases and no normalisation, `-free` neither.

    Args:
        kind: one of `CLASSIFIERS`.
        classes: number of logits.
        channels: of the image, whose sides are divisible by 4.
        widths: channels of the two halves.

    Raises:
        ValueError: another kind.
    """
    if kind not in CLASSIFIERS:
        raise ValueError(f"kind: got {kind!r}, expected one of {CLASSIFIERS}")
    a, b = widths
    base, _, variant = kind.partition("-")
    norm, bias = variant == "", variant != "free"
    if base == "functional":
        return FunctionalNet(classes, channels)
    if base == "alexnet":
        return nn.Sequential(
            nn.Conv2d(channels, a, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1),
            nn.Conv2d(a, b, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * b, 64), nn.ReLU(inplace=True), nn.Linear(64, classes),
        )  # fmt: skip
    if base == "resnet":
        return nn.Sequential(
            *_block(channels, a, norm, bias), nn.ReLU(inplace=True),
            Residual(a, a, norm, bias), Residual(a, b, norm, bias, 2),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(b, classes, bias=bias),
        )  # fmt: skip
    layers: list[nn.Module] = []
    for inputs, outputs in ((channels, a), (a, a), (0, 0), (a, b), (b, b), (0, 0)):
        layers += [*_block(inputs, outputs, norm, bias), nn.ReLU(inplace=True)] if inputs else [nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * b, classes, bias=bias))


class Upscaler(nn.Module):
    """Super-resolution in the manner of EDSR: residual blocks without normalisation, a long skip, pixel shuffling.

    A fixed bicubic skip leads from input to output; it is linear.

    Args:
        scale: factor of the sides.
        width, blocks: channels, and residual blocks.
    """

    def __init__(self, scale: int = 2, width: int = 24, blocks: int = 3):
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(1, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))
            for _ in range(blocks)
        )
        self.body = nn.Conv2d(width, width, 3, padding=1)
        self.tail = nn.Conv2d(width, scale**2, 3, padding=1)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)  # a short training starts from the bicubic image
            self.tail.bias.zero_()

    def forward(self, x):
        """Grey images (B, 1, H, W) to (B, 1, scale H, scale W)."""
        features = self.head(x)
        inner = features
        for block in self.blocks:
            inner = inner + block(inner)
        image = F.pixel_shuffle(self.tail(self.body(inner) + features), self.scale)
        return image + F.interpolate(x, scale_factor=self.scale, mode="bicubic", align_corners=False)


class Translator(nn.Module):
    """Image to image in the layout of CycleGAN's generator: instance normalisation, two scales down and up, tanh.

    Args:
        width: channels at full size; twice and four times as many at the smaller sizes.
        blocks: residual blocks at the smallest size.
    """

    def __init__(self, width: int = 16, blocks: int = 3):
        super().__init__()

        def unit(layer, channels):
            return [layer, nn.InstanceNorm2d(channels), nn.ReLU(inplace=True)]

        w = width
        self.down = nn.Sequential(
            nn.ReflectionPad2d(3), *unit(nn.Conv2d(3, w, 7), w),
            *unit(nn.Conv2d(w, 2 * w, 3, 2, 1), 2 * w), *unit(nn.Conv2d(2 * w, 4 * w, 3, 2, 1), 4 * w),
        )  # fmt: skip
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.ReflectionPad2d(1),
                *unit(nn.Conv2d(4 * w, 4 * w, 3), 4 * w),
                nn.ReflectionPad2d(1),
                nn.Conv2d(4 * w, 4 * w, 3),
                nn.InstanceNorm2d(4 * w),
            )
            for _ in range(blocks)
        )
        self.up = nn.Sequential(
            *unit(nn.ConvTranspose2d(4 * w, 2 * w, 3, 2, 1, 1), 2 * w),
            *unit(nn.ConvTranspose2d(2 * w, w, 3, 2, 1, 1), w),
            nn.ReflectionPad2d(3), nn.Conv2d(w, 3, 7), nn.Tanh(),
        )  # fmt: skip

    def forward(self, x):
        """Images (B, 3, H, W) in [-1, 1] to the same shape; sides divisible by 4."""
        x = self.down(x)
        for block in self.blocks:
            x = x + block(x)
        return self.up(x)


class SmallUNet(nn.Module):
    """Two sizes with a concatenating skip, group normalisation and SiLU, and a gate on the channels."""

    def __init__(self, channels: int = 1, width: int = 8):
        super().__init__()
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.norm = nn.GroupNorm(2, width)
        self.inner = nn.Conv2d(width, width, 3, padding=1)
        self.gate = nn.Linear(width, width)
        self.last = nn.Conv2d(2 * width, channels, 3, padding=1)

    def forward(self, x):
        """Images (B, C, H, W), sides divisible by 2, to the same shape."""
        fine = F.silu(self.norm(self.first(x)))
        coarse = F.gelu(self.inner(F.avg_pool2d(fine, 2)))
        coarse = coarse * torch.sigmoid(self.gate(coarse.mean((2, 3))))[:, :, None, None]
        return self.last(torch.cat([fine, F.interpolate(coarse, scale_factor=2, mode="bilinear")], dim=1))


def randomise(model: nn.Module, seed: int) -> nn.Module:
    """Random weights of He's size, and random scales, shifts and running statistics of normalisations, in place."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
                module.weight.copy_(0.5 + torch.rand(module.weight.shape, generator=generator))
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.copy_(0.3 * torch.randn(module.running_mean.shape, generator=generator))
                module.running_var.copy_(0.5 + torch.rand(module.running_var.shape, generator=generator))
            if getattr(module, "bias", None) is not None:
                module.bias.copy_(0.3 * torch.randn(module.bias.shape, generator=generator))
    return model
