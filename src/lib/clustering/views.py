"""Random views of samples: distortions that leave the class of a sample alone. All draws come from one generator."""

from collections.abc import Callable

import torch
from torch.nn import functional

View = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


def _uniform(n: int, low: float, high: float, source: torch.Generator) -> torch.Tensor:
    return low + (high - low) * torch.rand(n, generator=source, device=source.device)


def small_image_view(x: torch.Tensor, source: torch.Generator) -> torch.Tensor:
    """Rotation by 0.25 rad, scale by 15 %, shear of 0.25, shift of a pixel, gain of 20 % at most, noise of 0.08.

    Args:
        x: (n, c, h, w) in [0, 1].
        source: generator on the device of x.
    """
    n, _, height, width = x.shape
    angle, scale, shear = (_uniform(n, -r, r, source) for r in (0.25, 0.15, 0.25))
    shift = torch.stack([_uniform(n, -2.0, 2.0, source) / width, _uniform(n, -2.0, 2.0, source) / height], 1)
    cos, sin, zoom = angle.cos(), angle.sin(), 1 / (1 + scale)
    rotation = torch.stack([torch.stack([cos, -sin + shear * cos], 1), torch.stack([sin, cos + shear * sin], 1)], 1)
    matrix = torch.cat([rotation * zoom[:, None, None], shift[:, :, None]], 2)
    grid = functional.affine_grid(matrix, list(x.shape), align_corners=False)
    moved = functional.grid_sample(x, grid, align_corners=False)
    gain = _uniform(n, 0.8, 1.2, source)[:, None, None, None]
    return moved * gain + 0.08 * torch.randn(x.shape, generator=source, device=source.device)


def noise_view(size: float) -> View:
    """View of vectors (n, d): Gaussian noise of a deviation `size`."""
    return lambda x, source: x + size * torch.randn(x.shape, generator=source, device=source.device)


def photo_view(x: torch.Tensor, source: torch.Generator) -> torch.Tensor:
    """Crop of 20 to 100 % of the area, mirror image, changed colours (chance 0.8), grey (chance 0.2).

    Brightness, contrast and saturation change by 40 % at most. The paper's own distortions are not known to us; these
    are the usual ones of contrastive learning without a change of hue.

    Args:
        x: (n, 3, h, w) in [0, 1].
        source: generator on the device of x.
    """
    n = len(x)
    side = _uniform(n, 0.2, 1.0, source).sqrt()
    ratio = (_uniform(n, -0.2877, 0.2877, source) / 2).exp()  # aspect between 3/4 and 4/3
    across, down = (side * ratio).clamp(max=1), (side / ratio).clamp(max=1)
    mirror = torch.where(_uniform(n, 0, 1, source) < 0.5, -1.0, 1.0)
    zero = torch.zeros_like(side)
    rows = [
        torch.stack([across * mirror, zero, (1 - across) * _uniform(n, -1, 1, source)], 1),
        torch.stack([zero, down, (1 - down) * _uniform(n, -1, 1, source)], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    y = functional.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    luma = torch.tensor([0.299, 0.587, 0.114], device=x.device)[None, :, None, None]
    brightness, contrast, saturation = (_uniform(n, 0.6, 1.4, source)[:, None, None, None] for _ in range(3))
    coloured = (y * brightness).clamp(0, 1)
    mean = (coloured * luma).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    coloured = ((coloured - mean) * contrast + mean).clamp(0, 1)
    grey = (coloured * luma).sum(1, keepdim=True)
    coloured = ((coloured - grey) * saturation + grey).clamp(0, 1)
    y = torch.where((_uniform(n, 0, 1, source) < 0.8)[:, None, None, None], coloured, y)
    grey = (y * luma).sum(1, keepdim=True).expand_as(y)
    return torch.where((_uniform(n, 0, 1, source) < 0.2)[:, None, None, None], grey, y)
