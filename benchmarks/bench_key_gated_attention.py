"""Key-gated attention over the sequence that it replaces, on a CPU: one thread, CPU time, calls that take turns.

The sequence is softmax of q and k, log sigmoid of k, repetition over the heads of a group, and gated linear attention.
The last columns are the time over that of softmax attention, and the bytes that a GPU's passes would move, counted.
"""

import torch

from lib.bench.key_gated import KEY_GATED, forward_bytes
from lib.bench.ratios import cpu_ratio

# batch, heads, tokens, width: the character model of a laptop, and longer, wider ones
SHAPES = [(8, 4, 256, 24), (1, 8, 1024, 64), (1, 8, 4096, 64)]
GROUPS = (1, 2, 4)  # query heads of a group


def main() -> None:
    """Print the ratios; below 1 the one operator is faster, or moves less."""
    torch.set_num_threads(1)
    for shape in SHAPES:
        batch, heads, tokens, width = shape
        for group in GROUPS:
            source = torch.Generator().manual_seed(0)
            q, k, v = (
                torch.randn((batch, tokens, count, width), generator=source).requires_grad_()
                for count in (heads, heads // group, heads // group)
            )
            functions = {name: KEY_GATED[name].build(shape, q.dtype, "cpu", 16)[1] for name in ("fused", "unfused")}
            softmax = KEY_GATED["sdpa"].build(shape, q.dtype, "cpu", 16)[1]
            functions["sdpa"] = lambda q, k, v, softmax=softmax: softmax(*(x.transpose(1, 2) for x in (q, k, v)))

            def forward(name, functions=functions, inputs=(q, k, v)):
                with torch.no_grad():
                    return functions[name](*inputs)

            def both(name, functions=functions, inputs=(q, k, v)):
                return torch.autograd.grad(functions[name](*inputs).square().sum(), inputs)

            ratios = [
                cpu_ratio(lambda call=call: call("fused"), lambda call=call, peer=peer: call(peer))
                for peer in ("unfused", "sdpa")
                for call in (forward, both)
            ]
            moved = forward_bytes(width, width, group)
            line = f"{shape!s:18} {group} heads a group: forward {ratios[0]:.2f}, with backward {ratios[1]:.2f}"
            print(f"{line}; over softmax {ratios[2]:.2f}, {ratios[3]:.2f}", end="")
            print(f"; bytes {moved['fused'] / moved['sequence']:.2f} of the sequence", flush=True)


if __name__ == "__main__":
    main()
