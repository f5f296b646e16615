"""A textured sphere that moves over a textured wall: albedo, normals, optical flow, and images under any light.

Images are linear in the light. An image under a direct light of intensity I from direction L is

    y = rho (ambient + I s(n, L)),

with albedo rho and shading s = max(0, n . L) on the sphere and 0.8 clip(1/2 + (L_x x + L_y y) / 2, 0, 1) on the wall,
whose light falls off away from the side that the light comes from. Coordinates (x, y) lie in [-1, 1]^2, x to the
right, y down. All functions are vectorised over clips.
"""

from typing import NamedTuple

import numpy as np

DIRECTIONS = ("left", "right", "top", "bottom")
_TOWARDS = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]])
AMBIENT = 0.15
ELEVATION = (0.35, 0.85)
INTENSITY = (0.6, 1.1)
HUE = 0.45
SOURCE = (0.35, 0.45)


class Clips(NamedTuple):
    """Scenes of B clips with F frames of S x S pixels.

    Attributes:
        albedo: (B, F, 3, S, S), in [0.05, 1].
        normal: (B, F, 3, S, S), unit vectors; (0, 0, 1) on the wall.
        mask: (B, F, S, S), true on the sphere.
        flow: (B, 2), motion (dx, dy) of the sphere from one frame to the next, in pixels.
    """

    albedo: np.ndarray
    normal: np.ndarray
    mask: np.ndarray
    flow: np.ndarray

    def subset(self, index) -> "Clips":
        """The clips of an index or slice along B."""
        return Clips(*(array[index] for array in self))


class Light(NamedTuple):
    """Direct lights of B clips: direction (B,), an index into `DIRECTIONS`; elevation (B,) in rad; intensity (B, 3)."""

    direction: np.ndarray
    elevation: np.ndarray
    intensity: np.ndarray


class Motion(NamedTuple):
    """Motion between neighbouring frames of B clips.

    Attributes:
        flow: (B, F - 1, 2, S, S), (dx, dy) in pixels.
        visible: (B, F - 1, S, S), pixels whose bilinear neighbours in the next frame show the same surface.
        on_sphere: (B, F - 1, S, S), visible pixels of the sphere.
    """

    flow: np.ndarray
    visible: np.ndarray
    on_sphere: np.ndarray

    def subset(self, index) -> "Motion":
        """The clips of an index or slice along B."""
        return Motion(*(array[index] for array in self))


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres x, y of shape (size, size) in [-1, 1]^2."""
    centres = (np.arange(size) + 0.5) * 2 / size - 1
    return np.meshgrid(centres, centres)


def lit_clip(rng: np.random.Generator, clips: int, frames: int, size: int) -> Clips:
    """Draw scenes.

    Args:
        rng: source of randomness.
        clips: number B of clips.
        frames: frames F of each clip.
        size: pixels S along each side.

    Raises:
        ValueError: a number below one.
    """
    for name, value in (("clips", clips), ("frames", frames), ("size", size)):
        if value < 1:
            raise ValueError(f"{name}: got {value}, expected at least 1")
    x, y = grid(size)
    radius = rng.uniform(0.4, 0.6, clips)
    middle = rng.uniform(-0.3, 0.3, (clips, 2))
    travel = rng.uniform(-0.45, 0.45, (clips, 2))
    base = rng.uniform(0.35, 0.85, (2, clips, 3))
    frequency = rng.normal(0, 2, (2, clips, 3, 2))
    phase = rng.uniform(0, 2 * np.pi, (2, clips, 3))

    time = np.linspace(-0.5, 0.5, frames) if frames > 1 else np.zeros(1)
    centre = middle[:, None] + travel[:, None] * time[:, None]
    u, v = ((c - centre[..., i, None, None]) / radius[:, None, None, None] for i, c in enumerate((x, y)))
    mask = u**2 + v**2 < 1

    def texture(which: int, amplitude: float, level: float, a, b) -> np.ndarray:
        f, p, c = frequency[which][..., None, None], phase[which][..., None, None], level * base[which][..., None, None]
        return c[:, None] + amplitude * np.sin(f[:, None, :, 0] * a + f[:, None, :, 1] * b + p[:, None])

    sphere = texture(0, 0.15, 1.0, u[:, :, None], v[:, :, None])
    wall = texture(1, 0.12, 0.8, x, y)
    albedo = np.clip(np.where(mask[:, :, None], sphere, wall), 0.05, 1.0)
    height = np.sqrt(np.maximum(0.0, 1 - u**2 - v**2))
    normal = np.where(mask[:, :, None], np.stack([u, v, height], axis=2), np.array([0.0, 0.0, 1.0])[:, None, None])
    return Clips(albedo, normal, mask, travel / max(frames - 1, 1) * size / 2)


def draw_light(rng: np.random.Generator, clips: int, direction: np.ndarray | None = None) -> Light:
    """Draw lights of random elevation and colour, from `direction` (B,) or, where it is None, from a random one."""
    if direction is None:
        direction = rng.integers(len(DIRECTIONS), size=clips)
    level, hue = rng.uniform(*INTENSITY, clips), rng.uniform(-1, 1, clips)
    colour = np.stack([1 + HUE * hue, np.ones(clips), 1 - HUE * hue], axis=1)
    return Light(np.asarray(direction), rng.uniform(*ELEVATION, clips), level[:, None] * colour)


def shading(clips: Clips, direction: np.ndarray, elevation: np.ndarray) -> np.ndarray:
    """Shading s (B, F, S, S) under a light from `direction` (B,) at `elevation` (B,) rad."""
    x, y = grid(clips.mask.shape[-1])
    flat = np.cos(elevation)[:, None] * _TOWARDS[direction]
    lx, ly, lz = (c[:, None, None, None] for c in (flat[:, 0], flat[:, 1], np.sin(elevation)))
    n = clips.normal
    on_sphere = np.maximum(0.0, n[:, :, 0] * lx + n[:, :, 1] * ly + n[:, :, 2] * lz)
    on_wall = 0.8 * np.clip(0.5 + 0.5 * (lx * x + ly * y), 0, 1)
    return np.where(clips.mask, on_sphere, on_wall)


def shade(clips: Clips, light: Light, ambient: float = AMBIENT) -> np.ndarray:
    """Images (B, F, 3, S, S) under a direct light and the ambient one, in linear radiance, not clipped.

    A light whose intensity is (B, F, 3) changes from frame to frame.
    """
    s = shading(clips, light.direction, light.elevation)
    intensity = light.intensity if light.intensity.ndim == 3 else light.intensity[:, None]
    return clips.albedo * (ambient + intensity[..., None, None] * s[:, :, None])


def source_video(clips: Clips) -> np.ndarray:
    """Images (B, F, 3, S, S) under frontal soft light."""
    return clips.albedo * (SOURCE[0] + SOURCE[1] * clips.normal[:, :, 2:])


def srgb(radiance: np.ndarray) -> np.ndarray:
    """The sRGB curve (IEC 61966-2-1) of linear radiance, clipped to [0, 1]."""
    x = np.clip(radiance, 0, 1)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 0.0031308) ** (1 / 2.4) - 0.055)


def flow_field(clips: Clips) -> Motion:
    """Motion between neighbouring frames, from the scenes themselves."""
    now, later = clips.mask[:, :-1], clips.mask[:, 1:]
    flow = np.where(now[:, :, None], clips.flow[:, None, :, None, None], 0.0)
    size = clips.mask.shape[-1]
    x = np.arange(size) + flow[:, :, 0]
    y = np.arange(size)[:, None] + flow[:, :, 1]
    inside = (x >= 0) & (x <= size - 1) & (y >= 0) & (y <= size - 1)
    same = inside
    b, f = np.ogrid[: len(now), : now.shape[1]]
    for row in (np.floor(y), np.ceil(y)):
        for column in (np.floor(x), np.ceil(x)):
            r, c = (np.clip(v, 0, size - 1).astype(int) for v in (row, column))
            same = same & (later[b[..., None, None], f[..., None, None], r, c] == now)
    return Motion(flow, same, same & now)
