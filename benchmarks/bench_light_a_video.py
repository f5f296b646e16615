"""Ratios: light attention with folded queries to its expanded form and plain attention; GELU to SiLU in a relighter."""

import timeit

import torch
from torch.nn.functional import scaled_dot_product_attention

from lib.diffusion.attention import consistent_light_attention
from lib.diffusion.small import transformer_relighter


def seconds(function, repeat: int = 3) -> float:
    """Best time of a few calls."""
    function()
    return min(timeit.repeat(function, number=1, repeat=repeat))


def expanded(q, k, v, gamma: float, groups: int) -> torch.Tensor:
    """Averages copied to every frame, as the authors' code does, and two calls with a batch of all frames."""
    frames = len(q) // groups

    def spread(x):
        mean = x.view(groups, frames, *x.shape[1:]).mean(1, keepdim=True)
        return mean.expand(-1, frames, -1, -1, -1).reshape(x.shape)

    shared = scaled_dot_product_attention(q, spread(k), spread(v))
    return (1 - gamma) * scaled_dot_product_attention(q, k, v) + gamma * shared


@torch.no_grad()
def main() -> None:
    """Print the ratios."""
    torch.set_num_threads(1)
    cases = {
        "small transformer, 4 clips of 8 frames": (8, 8, 4, 64, 16),
        "Stable Diffusion 32 x 32, 8 frames": (2, 8, 8, 1024, 40),
        "Stable Diffusion 16 x 16, 16 frames": (2, 16, 8, 256, 80),
    }
    for label, (groups, frames, heads, n, d) in cases.items():
        q, k, v = (torch.randn(groups * frames, heads, n, d) for _ in range(3))
        folded = seconds(lambda: consistent_light_attention(q, k, v, 0.5, groups))  # noqa: B023
        copied = seconds(lambda: expanded(q, k, v, 0.5, groups))  # noqa: B023
        plain = seconds(lambda: scaled_dot_product_attention(q, k, v))  # noqa: B023
        copies = 2 * k.numel() * k.element_size() / 2**20
        print(
            f"{label}: expanded over folded {copied / folded:.2f}, folded over plain attention {folded / plain:.2f}, "
            f"{copies:.1f} MiB of copied keys and values saved"
        )
    ours = transformer_relighter(16, 4, 4, 4, 16).eval()
    usual = type(ours).from_config({**ours.config, "activation_fn": "gelu-approximate"}).eval()
    frames, label = torch.randn(64, 6, 16, 16), torch.zeros(64, dtype=torch.long)
    level = torch.full((64,), 500)
    silu, gelu = (seconds(lambda: m(frames, timestep=level, class_labels=label)) for m in (ours, usual))  # noqa: B023
    print(f"small transformer, 64 frames: with GELU by tanh over with SiLU {gelu / silu:.2f}")


if __name__ == "__main__":
    main()
