"""A mixture of memories over one memory on a CPU: one thread, CPU time, calls that take turns.

Of four memories a token takes two and the shared one, three updates. "Equal updates" gives the single memory three
times the tokens, "equal tokens" the same; with no cost for the routing the ratios would be 1 and 3. The masked form
updates all five memories for every token.
"""

from functools import partial

import torch

from lib.attention.memories import MixtureOfMemories
from lib.bench.ratios import cpu_ratio
from lib.training.stacked import generators

WIDTH, HEADS, LENGTHS = 256, 4, (256, 1024, 4096)


def both(layer, x):
    """Forward and backward pass of a layer."""
    return torch.autograd.grad(layer(x).square().sum(), list(layer.parameters()), allow_unused=True)


def main() -> None:
    """Print the ratios; below 1 the mixture is faster."""
    torch.set_num_threads(1)
    for rule in ("scalar", "gla", "gated_delta"):
        options = {"rule": rule, "heads": HEADS, "d_key": WIDTH // HEADS, "d_value": WIDTH // HEADS}
        mixture = MixtureOfMemories(WIDTH, generators([0]), memories=4, chosen=2, **options)
        masked = MixtureOfMemories(WIDTH, generators([0]), memories=4, chosen=2, form="masked", **options)
        single = MixtureOfMemories(WIDTH, generators([0]), memories=0, chosen=0, **options)
        for tokens in LENGTHS:
            x = torch.randn(1, 1, tokens, WIDTH, generator=torch.Generator().manual_seed(0))
            long = torch.randn(1, 1, 3 * tokens, WIDTH, generator=torch.Generator().manual_seed(0))
            calls = {
                "mixture": partial(both, mixture, x),
                "updates": partial(both, single, long),
                "tokens": partial(both, single, x),
                "masked": partial(both, masked, x),
            }
            ours = calls.pop("mixture")
            updates, equal, against = (cpu_ratio(ours, peer, 3) for peer in calls.values())
            line = f"equal updates {updates:.2f}, equal tokens {equal:.2f}, over the masked form {against:.2f}"
            print(f"{rule:12} T = {tokens:5}: {line}", flush=True)


if __name__ == "__main__":
    main()
