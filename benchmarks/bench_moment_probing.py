"""Moment heads and their training against the loops of the definition, scikit-learn and heads trained one by one.

CPU seconds of the two over one another, in alternation; below 1 this library is faster.
"""

import numpy as np
import torch
from torch.nn import functional

from lib.bench.ratios import cpu_ratio
from lib.bench.timing import one_thread
from lib.probing.fitting import StackedHeads, fit_heads
from lib.probing.moments import MHC3, LinearProbe, MomentProbe, head_pairs, split_heads


def looped(head: MHC3, words: torch.Tensor) -> torch.Tensor:
    """The same features with one product for each pair of heads, joined at the end."""
    heads = head.norm(split_heads(head.project(words), head.heads, head.layout)).unbind(-3)
    maps = []
    for i, j in head_pairs(head.heads, "near"):
        x, y = (part - part.mean((-2, -1), keepdim=True) for part in (heads[i], heads[j]))
        maps.append(functional.normalize(x.mT @ y / words.shape[-2], dim=-2)[:, None])
    return head.shrink(torch.cat(maps, 1)).flatten(1)


def both_passes(function, head, words):
    """Forward and backward pass."""
    head.zero_grad()
    function(words).square().sum().backward()


if __name__ == "__main__":
    torch.manual_seed(0)
    with one_thread():
        for name, batch, tokens, width, hidden in (("ViT-B/16", 8, 196, 768, 512), ("small", 64, 36, 64, 128)):
            head, words = MHC3(width, hidden), torch.randn(batch, tokens, width)
            torch.testing.assert_close(head(words), looped(head, words), atol=1e-4, rtol=1e-3)
            ratio = cpu_ratio(
                lambda h=head, w=words: both_passes(h, h, w),
                lambda h=head, w=words: both_passes(lambda x: looped(h, x), h, w),
            )
            print(f"cross-covariance, {name}, both passes: {ratio:.2f} of a loop over pairs of heads")
        for title, build in (
            ("linear", lambda: LinearProbe(64, 10, "cls+gap")),
            ("moment", lambda: MomentProbe(64, 10, hidden=128)),
        ):
            x, y = torch.randn(5, 32, 37, 64), torch.randint(10, (5, 32))
            stack, alone = StackedHeads(build, range(5)), [build() for _ in range(5)]

            def together(stack=stack, x=x, y=y):
                functional.cross_entropy(stack(x).flatten(0, 1), y.flatten()).backward()

            def apart(alone=alone, x=x, y=y):
                for head, own, labels in zip(alone, x, y):
                    functional.cross_entropy(head(own), labels).backward()

            print(f"five {title} heads as one, both passes: {cpu_ratio(together, apart):.2f} of one after the other")
        from sklearn.linear_model import LogisticRegression

        rng = np.random.default_rng(0)
        features, labels = rng.normal(size=(600, 64)).astype(np.float32), rng.integers(10, size=600)
        inputs = torch.from_numpy(features)[None, :, None].expand(-1, -1, 2, -1).contiguous()
        ratio = cpu_ratio(
            lambda: fit_heads(
                lambda: LinearProbe(64, 10),
                inputs,
                torch.from_numpy(labels)[None],
                [0],
                rates=0.01,
                epochs=12,
                batch=32,
            ),
            lambda: LogisticRegression(C=1.0, max_iter=2000).fit(features, labels),
            3,
        )
        print(f"a linear probe, twelve epochs of 600 samples: {ratio:.2f} of scikit-learn's converged regression")
